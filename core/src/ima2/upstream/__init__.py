"""What every provider needs: HTTP client, SSE reader that spools, safe download, credentials."""
