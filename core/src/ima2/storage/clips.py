"""Frames of clips, and clips cut; the decoding process does the work."""

from __future__ import annotations

import asyncio
import tempfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from ima2.errors import Ima2Error, Unsupported
from ima2.storage.worker import DecodeWorker, Undecodable

INSTALL = "pip install 'ima2[video]'"


@cache
def can_decode() -> bool:
    """Whether PyAV is installed, without loading it."""
    return find_spec("av") is not None


async def frame_of(worker: DecodeWorker, path: Path, position: float | None) -> bytes:
    """The PNG of the frame at ``position`` seconds, None is the last.

    :raises Unsupported: ``VIDEO_EXTRA_MISSING``.
    :raises Ima2Error: ``VIDEO_FRAME_FAILED``.
    """
    with tempfile.TemporaryDirectory(prefix="ima2-frame-") as folder:
        into = Path(folder) / "frame.png"
        try:
            await worker.frame(path, into, position=position)
        except Undecodable as error:
            raise _refusal(error, "The clip has no frame there that can be read", "VIDEO_FRAME_FAILED") from None
        return await asyncio.to_thread(into.read_bytes)


async def cut_of(worker: DecodeWorker, path: Path, into: Path, seconds: float) -> None:
    """Write the clip without its first ``seconds``.

    :raises Unsupported: ``VIDEO_EXTRA_MISSING``.
    :raises Ima2Error: ``VIDEO_CUT_FAILED``.
    """
    try:
        await worker.cut(path, into, seconds=seconds)
    except Undecodable as error:
        raise _refusal(error, "The clip can't be cut", "VIDEO_CUT_FAILED") from None


def _refusal(error: Undecodable, what: str, code: str) -> Ima2Error:
    if error.reason != "missing":
        return Ima2Error(f"{what}; it may be damaged.", code=code, details={"reason": str(error)})
    return Unsupported(
        "Opening a clip needs PyAV, which is not installed here.",
        code="VIDEO_EXTRA_MISSING",
        status=501,
        hint=INSTALL,
    )
