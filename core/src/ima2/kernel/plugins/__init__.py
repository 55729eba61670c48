"""Finding plugins, keeping them from hurting each other, and asking them."""
