"""SQLite ledger and index, artifact files, thumbnails."""
