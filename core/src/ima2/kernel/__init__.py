"""Plugins, resolution, the one path, jobs."""
