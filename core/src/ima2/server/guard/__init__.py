"""What stands in front of every route: only this machine's own pages and programs come through."""
