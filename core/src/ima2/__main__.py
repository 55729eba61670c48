"""``python -m ima2``."""

from __future__ import annotations

from ima2.cli.main import main

if __name__ == "__main__":
    main()
