"""Input images and clips: checked before anything is spent, stored under their hash, and nothing kept of a bad one."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import stat
from pathlib import Path
from typing import BinaryIO

from ima2.errors import InvalidRequest
from ima2.models import Reference
from ima2.models.request import Role
from ima2.settings.atomic import sync_folder
from ima2.storage.faults import disk_fault
from ima2.storage.files import part_of, sha256_of
from ima2.storage.names import invalid
from ima2.storage.sniff import looks_taken, name_of_format
from ima2.storage.worker import DecodeWorker, Facts, Undecodable

MAX_BYTES = 50 * 1024 * 1024
"""Of one input image, as it lies on disk."""
MAX_CLIP_BYTES = 100 * 1024 * 1024
_SUFFIXES = {"image/png": "png", "image/jpeg": "jpeg", "image/webp": "webp", "video/mp4": "mp4"}
_HASH = re.compile(r"[0-9a-f]{64}")
_WHY = {"timeout": "it takes too long", "died": "the decoding process gives up on it"}
_HEAD = 512
_OPEN = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)


class ReferenceFolder:
    """The folder of inputs; a picture given twice lies there once."""

    def __init__(self, folder: Path, worker: DecodeWorker) -> None:
        self.folder = folder
        self._worker = worker

    async def add(self, source: Path | bytes, *, role: Role, field: str) -> Reference:
        """See :meth:`ima2.storage.protocols.ArtifactStore.add_reference`."""
        return await asyncio.shield(self._add(source, role, field))

    async def _add(self, source: Path | bytes, role: Role, field: str) -> Reference:
        limit = MAX_CLIP_BYTES if role == "clip" else MAX_BYTES
        data = await asyncio.to_thread(_content, source, field, limit)
        part = part_of(self.folder / "reference")
        try:
            await asyncio.to_thread(self._write, part, data)
            facts = await self._decoded(part, data[:_HEAD], role, field)
            reference = _reference(facts, data, role)
            await asyncio.to_thread(self._settle, part, self.path(reference))
            return reference
        finally:
            await asyncio.to_thread(part.unlink, missing_ok=True)

    def path(self, reference: Reference) -> Path:
        """Where it lies. ``INVALID_FILENAME`` when its hash is none."""
        suffix = _SUFFIXES.get(reference.media_type)
        if suffix is None or not _HASH.fullmatch(reference.sha256):
            raise invalid(reference.sha256)
        return self.folder / f"{reference.sha256}.{suffix}"

    def _write(self, part: Path, data: bytes) -> None:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
            with os.fdopen(os.open(part, flags, 0o600), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise disk_fault(error, self.folder) from error

    async def _decoded(self, part: Path, head: bytes, role: Role, field: str) -> Facts:
        try:
            facts = await self._worker.probe(part)
        except Undecodable as error:
            raise _no_clip(field) if role == "clip" else _refusal(error, head, field) from None
        if role == "clip" and facts.kind != "video":
            raise _no_clip(field)
        if role != "clip" and facts.kind != "image":
            raise _unsupported(head, field)
        return facts

    def _settle(self, part: Path, target: Path) -> None:
        """The same picture may be there already, whole or damaged."""
        try:
            if not (target.is_file() and sha256_of(target) == target.stem):
                part.replace(target)
                sync_folder(self.folder)
        except OSError as error:
            raise disk_fault(error, target) from error


def _reference(facts: Facts, data: bytes, role: Role) -> Reference:
    return Reference(
        sha256=hashlib.sha256(data).hexdigest(),
        media_type=facts.media_type,
        width=facts.width,
        height=facts.height,
        size=len(data),
        role=role,
        has_alpha=facts.has_alpha,
        duration=facts.duration,
    )


def _content(source: Path | bytes, field: str, limit: int) -> bytes:
    data = source if isinstance(source, bytes) else _read(source, field, limit)
    if not data:
        raise InvalidRequest(f"{_named(source, field)} is empty.", code="REF_EMPTY", field=field)
    if len(data) > limit:
        raise InvalidRequest(
            f"{_named(source, field)} is larger than {limit // 1024**2} MiB; make it smaller first.",
            code="REF_TOO_LARGE",
            field=field,
        )
    return data


def _named(source: Path | bytes, field: str) -> str:
    return field if isinstance(source, bytes) else f"{field} ({ascii(str(source))[1:-1]})"


def _read(path: Path, field: str, limit: int) -> bytes:
    """A regular file only: a pipe or a device could hang, or never end."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise _no_file(path, field, "no regular file")
        with os.fdopen(os.open(path, _OPEN), "rb") as file:
            return _read_open(file, path, field, limit)
    except (OSError, ValueError) as error:
        raise _no_file(path, field, getattr(error, "strerror", None) or "no path") from error


def _read_open(file: BinaryIO, path: Path, field: str, limit: int) -> bytes:
    """Looked at again when open: the name may mean something else by now."""
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        raise _no_file(path, field, "no regular file")
    return file.read(limit + 1)


def _no_file(path: Path, field: str, why: str) -> InvalidRequest:
    return InvalidRequest(f"{_named(path, field)} can't be read: {why}.", code="REF_NOT_A_FILE", field=field)


def _refusal(error: Undecodable, head: bytes, field: str) -> InvalidRequest:
    if error.reason == "pixels":
        return InvalidRequest(
            f"{field} has more than 50 million pixels; make it smaller first.",
            code="REF_TOO_MANY_PIXELS",
            field=field,
        )
    if not looks_taken(head):
        return _unsupported(head, field)
    why = _WHY.get(error.reason, "it is damaged or cut short")
    return InvalidRequest(f"{field} can't be decoded: {why}.", code="REF_UNREADABLE", field=field)


def _no_clip(field: str) -> InvalidRequest:
    return InvalidRequest(f"{field} is no whole MP4 video.", code="INVALID_VIDEO_SOURCE", field=field)


def _unsupported(head: bytes, field: str) -> InvalidRequest:
    return InvalidRequest(
        f"{field}: {name_of_format(head)} is not taken; PNG, JPEG and WebP are.",
        code="REF_UNSUPPORTED_FORMAT",
        field=field,
        hint="export it as PNG or JPEG, then give it again",
    )
