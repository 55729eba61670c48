"""Questions about pictures, answered in words."""
