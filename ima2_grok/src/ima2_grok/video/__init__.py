"""Clips: planned like pictures, submitted once, followed by their upstream id until they are here."""
