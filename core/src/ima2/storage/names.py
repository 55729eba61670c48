"""File names inside the gallery: which are taken, and what belongs beside a file.

A name is relative to the gallery, with ``/``. What any system would read as another place is refused on every system.
"""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path, PurePosixPath

from ima2.errors import InvalidRequest

SUFFIXES = {"PNG": ".png", "JPEG": ".jpeg", "WEBP": ".webp", "MP4": ".mp4"}
"""Suffix of a stored file by its real format."""
LISTED = frozenset({*SUFFIXES.values(), ".jpg"})
"""What counts as an artifact in a folder; older files may be ``.jpg``."""
_FORBIDDEN = frozenset('\\:<>"|?*')
_BAD_CATEGORIES = frozenset({"Cc", "Cs"})
_DEVICES = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\..*)?", re.IGNORECASE)
_MAX_PART = 240
"""Bytes, so that ``.thumb.jpg`` and ``.json`` still fit into the 255 of most file systems."""
_MAX_NAME = 900


def checked(filename: str) -> str:
    """``filename`` itself when it names a place inside the gallery on every system.

    :raises InvalidRequest: ``INVALID_FILENAME``.
    """
    if len(filename) > _MAX_NAME or not all(map(_harmless, filename.split("/"))):
        raise invalid(filename)
    return filename


def located(folder: Path, filename: str) -> Path:
    """The path of ``filename`` under ``folder``; nothing on the way may be a symlink.

    :raises InvalidRequest: ``INVALID_FILENAME``.
    """
    path = folder
    for part in checked(filename).split("/"):
        path /= part
        if path.is_symlink():
            raise invalid(filename)
    return path


def invalid(filename: str) -> InvalidRequest:
    """The refusal of a name."""
    return InvalidRequest(
        f"{filename[:80]!a} is no file name of the gallery.", code="INVALID_FILENAME", field="filename"
    )


def sidecar_of(path: Path) -> Path:
    """``<file>.json``."""
    return path.with_name(f"{path.name}.json")


def thumbnail_of(path: Path) -> Path:
    """``<stem>.thumb.jpg``; of a video ``<file>.thumb.jpg``."""
    stem = path.name if path.suffix == ".mp4" else path.stem
    return path.with_name(f"{stem}.thumb.jpg")


def belongings(path: Path) -> tuple[Path, Path]:
    """What goes where ``path`` goes."""
    return sidecar_of(path), thumbnail_of(path)


def listed(name: PurePosixPath) -> bool:
    """Whether a file of the folder is an artifact: by suffix, no thumbnail, nothing hidden."""
    hidden = any(part.startswith(".") for part in name.parts)
    return not hidden and name.suffix.lower() in LISTED and not name.name.endswith(".thumb.jpg")


def _harmless(part: str) -> bool:
    return (
        bool(part)
        and not part.startswith(".")
        and part[-1] not in ". "
        and not _FORBIDDEN & set(part)
        and not any(unicodedata.category(character) in _BAD_CATEGORIES for character in part)
        and len(part.encode()) <= _MAX_PART
        and _DEVICES.fullmatch(part) is None
    )
