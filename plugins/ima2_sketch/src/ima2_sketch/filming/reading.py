"""The frames of a clip that is to be edited or extended."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
from ima2.errors import InvalidRequest
from PIL import Image

_OPTIONS = {"protocol_whitelist": "file"}


def frames_of(clip: Path, fps: int) -> Iterator[Image.Image]:
    """RGB frames at a steady rate, each the one that is shown at its time.

    :raises InvalidRequest: ``INVALID_VIDEO_SOURCE``; there are none that can be read.
    """
    try:
        yield from _frames(clip, fps)
    except (av.FFmpegError, IndexError) as error:
        text = "The clip has no pictures that can be read; it may be damaged."
        raise InvalidRequest(text, code="INVALID_VIDEO_SOURCE", field="videoUrl", step="generate") from error


def _frames(clip: Path, fps: int) -> Iterator[Image.Image]:
    with av.open(str(clip), format="mov", container_options=_OPTIONS) as container:
        shown, number = None, 0
        for frame in container.decode(container.streams.video[0]):
            while shown is not None and frame.time is not None and number / fps < frame.time - 1e-6:
                yield shown
                number += 1
            shown = frame.to_image()  # type: ignore[no-untyped-call]
        if shown is None:
            return
        end = (container.duration or 0) / av.time_base
        for _ in range(number, max(number + 1, round(end * fps))):
            yield shown
