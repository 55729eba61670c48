"""The trash: a folder a deletion under ``generated/.trash``, from which a file comes back.

The row is marked first and unmarked last, so a process killed in between leaves a file that restoring still finds.
"""

from __future__ import annotations

from pathlib import Path

from ulid import ULID

from ima2.errors import NotFound
from ima2.settings.atomic import sync_folder
from ima2.storage.files import rename_new
from ima2.storage.names import belongings, invalid


class Trash:
    """Moves files between the gallery and its trash."""

    def __init__(self, gallery: Path, folder: Path) -> None:
        self._gallery = gallery
        self.folder = folder

    def put(self, filename: str) -> str:
        """Move a file and what belongs to it; the trash id. ``FileNotFoundError`` when it is not there."""
        trash_id = str(ULID())
        source, target = self._gallery / filename, self.folder / trash_id / filename
        target.parent.mkdir(mode=0o700, parents=True)
        source.rename(target)
        _move_belongings(source, target)
        sync_folder(source.parent)
        return trash_id

    def take_back(self, filename: str, trash_id: str | None) -> None:
        """Move back; a file that never left stays. ``NotFound("ASSET_NOT_FOUND")``, ``INVALID_FILENAME``."""
        target = self._gallery / filename
        source = self._found(filename, trash_id)
        if source is None:
            if not target.is_file():
                raise gone(filename)
            return
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            rename_new(source, target)
        _move_belongings(source, target)
        sync_folder(target.parent)
        _prune(source.parent, self.folder)

    def empty(self, filename: str) -> None:
        """Remove every copy of a file that lies in the trash."""
        for source in self._copies(filename):
            for path in (*belongings(source), source):
                path.unlink(missing_ok=True)
            _prune(source.parent, self.folder)

    def _found(self, filename: str, trash_id: str | None) -> Path | None:
        if trash_id is None:
            return next(iter(self._copies(filename)), None)
        try:
            ULID.from_str(trash_id)
        except ValueError:
            raise invalid(trash_id) from None
        copy = self.folder / trash_id / filename
        if not copy.is_file():
            raise gone(filename)
        return copy

    def _copies(self, filename: str) -> list[Path]:
        """Newest first: the ids sort by time."""
        if not self.folder.is_dir():
            return []
        entries = sorted(self.folder.iterdir(), reverse=True)
        return [entry / filename for entry in entries if (entry / filename).is_file()]


def gone(filename: str) -> NotFound:
    """No such artifact."""
    return NotFound(f"There is no {filename} in the gallery.", code="ASSET_NOT_FOUND", hint="ima2 ls")


def _move_belongings(source: Path, target: Path) -> None:
    for old, new in zip(belongings(source), belongings(target), strict=True):
        if old.is_file():
            old.replace(new)


def _prune(folder: Path, root: Path) -> None:
    """Remove ``folder`` and its parents below ``root`` while they are empty."""
    while folder != root and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
