"""Where results go: decided, and tried out, before anything is spent.

Results are always stored in the gallery. ``-o`` and ``-d`` ask for copies under names of the user's own.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ima2.cli.failure import UsageProblem
from ima2.cli.terminal import is_terminal
from ima2.errors import StorageFailed

Kind = Literal["gallery", "files", "folder", "bytes", "data-urls"]
SUFFIXES = {"image/png": ".png", "image/jpeg": ".jpeg", "image/webp": ".webp", "video/mp4": ".mp4"}
_SAME = {".jpg": ".jpeg"}
_FIELDS = re.compile(r"\{(index|slug)\}")


@dataclass(frozen=True, slots=True)
class Output:
    """What was decided. ``files`` has a name for each picture that was asked for, in order."""

    kind: Kind = "gallery"
    files: tuple[Path, ...] = ()
    folder: Path | None = None
    makes_folder: bool = False
    force: bool = False

    def prepare(self) -> None:
        """Make the folder of ``-d`` and prove that everything can be written. Raises ``INVALID_OUTPUT``."""
        for folder in {self.folder} if self.folder else {path.parent for path in self.files}:
            _prove_writable(folder, make=self.makes_folder)

    def target(self, index: int, filename: str, media_type: str) -> Path:
        """Where picture ``index``, stored as ``filename``, is copied to."""
        if self.folder:
            return self.folder / Path(filename).name
        path = self.files[index]
        return path if path.suffix else path.with_name(path.name + SUFFIXES.get(media_type, ""))


def decide(
    out: str | None, folder: str | None, *, count: int, slug: str, force: bool, no_save: bool, as_json: bool
) -> Output:
    """Turn the flags into an :class:`Output`.

    :param slug: what ``{slug}`` in a name stands for; ``{index}`` counts from 1.
    :raises UsageProblem: ``INVALID_OUTPUT``.
    """
    if no_save:
        if out or folder:
            raise _invalid("--no-save makes no file, so -o and -d have no meaning with it.")
        return Output("data-urls", force=force)
    if out == "-":
        return _bytes(folder, count, as_json)
    if out is None:
        return Output("folder", folder=Path(folder), makes_folder=True, force=force) if folder else Output()
    try:
        files = tuple(_names(Path(folder or "") / out, count, slug))
        for path in files:
            _refuse_taken(path, force=force)
    except OSError as error:
        raise _invalid(f"{out} is no possible name: {error.strerror or error}.") from None
    return Output("files", files=files, makes_folder=folder is not None, force=force)


def _bytes(folder: str | None, count: int, as_json: bool) -> Output:
    if folder or as_json:
        raise _invalid("-o - puts the bytes on stdout; it goes with neither -d nor --json.")
    if count > 1:
        raise _invalid(f"-o - takes one picture; {count} were asked for.")
    if is_terminal(sys.stdout):
        raise _invalid("A terminal can't show raw bytes.", hint="ima2 generate … -o - > picture.png")
    return Output("bytes")


def _names(base: Path, count: int, slug: str) -> Iterator[Path]:
    """``out.png`` for three pictures: ``out-1.png``, ``out-2.png``, ``out-3.png``; ``{index}`` says where."""
    name = base.name
    if not name or base.is_dir():
        raise _invalid(f"{base} is a folder.", hint=f"-d {base}")
    if count > 1 and "{index}" not in name:
        name = f"{base.stem}-{{index}}{base.suffix}"
    for index in range(1, count + 1):
        fields = {"index": str(index), "slug": slug}
        yield base.with_name(_FIELDS.sub(lambda match: fields[match[1]], name))  # noqa: B023 - used at once


def _refuse_taken(path: Path, *, force: bool) -> None:
    """Without a suffix the real format decides, so every name it may get must be free."""
    possible = [path] if path.suffix else [path.with_name(path.name + suffix) for suffix in SUFFIXES.values()]
    for each in possible:
        if each.is_dir():
            raise _invalid(f"{each} is a folder.", hint=f"-d {each}")
        if each.exists() and not force:
            raise _invalid(f"{each} exists.", hint="--force replaces it")


def _prove_writable(folder: Path, *, make: bool) -> None:
    try:
        if make:
            folder.mkdir(parents=True, exist_ok=True)
        # Permission bits don't tell on every system; a file does.
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise _invalid(f"{folder} can't be written: {error.strerror or error}.") from None


def copy(source: Path, target: Path, *, force: bool) -> Path:
    """Copy a stored picture, whole or not at all; a file that exists is only replaced with ``force``.

    :raises StorageFailed: ``INVALID_OUTPUT`` when it has appeared meanwhile; ``kept`` names the stored file.
    """
    if target.exists() and target.samefile(source):
        return target
    temporary = target.with_name(f".ima2-{secrets.token_hex(6)}.part")
    try:
        shutil.copyfile(source, temporary)
        if force:
            temporary.replace(target)
        else:
            _move_to_new(temporary, target)
    except FileExistsError:
        raise _not_copied(source, f"{target} appeared meanwhile and is left as it is.") from None
    except OSError as error:
        raise _not_copied(source, f"{target} can't be written: {error.strerror or error}.") from None
    finally:
        temporary.unlink(missing_ok=True)
    return target


def suffix_differs(path: Path, media_type: str) -> bool:
    """Whether the name claims another format than the bytes have."""
    real = SUFFIXES.get(media_type)
    claimed = path.suffix.lower()
    return real is not None and _SAME.get(claimed, claimed) != real


def slug_of(prompt: str) -> str:
    """Words of the prompt that are safe in a file name on every system."""
    words = re.findall(r"\w+", prompt.lower())
    return "-".join(words)[:48].strip("-_") or "picture"


def _move_to_new(temporary: Path, target: Path) -> None:
    """Rename that fails when the name is taken, also by a process that was quicker."""
    try:
        os.link(temporary, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        with temporary.open("rb") as source, target.open("xb") as file:
            shutil.copyfileobj(source, file)


def _not_copied(source: Path, why: str) -> StorageFailed:
    return StorageFailed(why, code="INVALID_OUTPUT", step="store", paid="yes", kept=(str(source),))


def _invalid(message: str, hint: str | None = None) -> UsageProblem:
    return UsageProblem(message, code="INVALID_OUTPUT", field="out", hint=hint)
