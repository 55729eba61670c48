"""Acme Images for ima2."""
