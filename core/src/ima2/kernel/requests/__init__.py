"""From a body to a checked request and the provider that runs it; nothing is spent here."""
