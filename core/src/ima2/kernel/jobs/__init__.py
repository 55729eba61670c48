"""The one path: a job, its paid calls, its events, and its process."""
