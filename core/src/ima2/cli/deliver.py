"""From an answer to what the user asked for: the stored files, copies of them, bytes or data URLs."""

from __future__ import annotations

import base64
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ima2.cli.backend import Backend
from ima2.cli.output import Output, copy, suffix_differs
from ima2.cli.terminal import is_terminal
from ima2.errors import Ima2Error, StorageFailed

MAX_DATA_URL = 2 << 20
"""Characters that a terminal is not flooded with unasked."""


async def deliver(backend: Backend, pictures: Sequence[Mapping[str, Any]], output: Output) -> list[dict[str, Any]]:
    """The pictures as they are reported: ``path`` is the file that the user gets (None when only the server has it).

    ``stored`` is the gallery's file beside a copy; ``image`` a data URL with ``--no-save``;
    ``warnings`` what is odd about a copy's name.

    :raises StorageFailed: a copy could not be made; ``kept`` names what is stored.
    """
    with tempfile.TemporaryDirectory(prefix="ima2-") as folder:
        try:
            return [await _one(backend, picture, index, output, Path(folder)) for index, picture in enumerate(pictures)]
        except Ima2Error as error:
            error.kept = tuple(str(picture.get("path") or picture.get("filename")) for picture in pictures)
            raise


async def _one(
    backend: Backend, picture: Mapping[str, Any], index: int, output: Output, folder: Path
) -> dict[str, Any]:
    if output.kind == "gallery":
        path = await backend.file(picture)
        return {**picture, "path": str(path) if path else None, "url": _address(backend, picture)}
    source = await backend.fetch(picture, folder)
    if output.kind == "bytes":
        sys.stdout.buffer.write(source.read_bytes())
        sys.stdout.buffer.flush()
        return dict(picture)
    if output.kind == "data-urls":
        return {**picture, "image": _data_url(source, str(picture.get("mediaType")), output)}
    media_type = str(picture.get("mediaType"))
    target = copy(source, output.target(index, str(picture["filename"]), media_type), force=output.force)
    told = {"path": str(target), "stored": picture.get("path"), "url": _address(backend, picture)}
    return {**picture, **told, **_odd(target, media_type)}


def _odd(target: Path, media_type: str) -> dict[str, Any]:
    if not suffix_differs(target, media_type):
        return {}
    text = f"{target.name} holds {media_type}, whatever its name says."
    return {"warnings": [{"code": "SUFFIX_MISMATCH", "message": text}]}


def _data_url(source: Path, media_type: str, output: Output) -> str:
    url = f"data:{media_type};base64,{base64.b64encode(source.read_bytes()).decode()}"
    if len(url) > MAX_DATA_URL and is_terminal(sys.stdout) and not output.force:
        raise StorageFailed(
            f"{len(url):,} characters would flood the terminal.",
            code="INVALID_OUTPUT",
            hint="--force prints them; `> file` keeps them",
        )
    return url


def _address(backend: Backend, picture: Mapping[str, Any]) -> str:
    return f"{backend.url or ''}{picture.get('url')}"
