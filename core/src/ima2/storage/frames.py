"""Single frames of a clip, through PyAV (the extra ``ima2[video]``). Used in the decoding process alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image

_TAIL_SECONDS = 3.0
"""Where the search for the last frame begins, before the end; a clip without a key frame there is decoded whole."""
READING = {"format_whitelist": "mov", "protocol_whitelist": "file"}
"""A clip may not make the decoder open anything else."""


def at(path: Path, seconds: float) -> Image.Image:
    """The frame shown at ``seconds``; after the end the last one.

    :raises ValueError: there is no frame at all.
    """
    with _opened(path) as (container, stream):
        _seek(container, stream, min(seconds, _tail(container)))
        return _image(_shown(container.decode(stream), seconds))


def last(path: Path) -> Image.Image:
    """The last frame. :raises ValueError: there is none."""
    with _opened(path) as (container, stream):
        _seek(container, stream, _tail(container))
        return _image(_shown(container.decode(stream), float("inf")))


@contextmanager
def _opened(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """One thread: memory is bounded, and one frame takes no more."""
    with av.open(str(path), format="mov", container_options=READING) as container:
        if not container.streams.video:
            raise ValueError("no picture track")
        stream = container.streams.video[0]
        stream.thread_count = 1
        yield container, stream


def _tail(container: InputContainer) -> float:
    return max(0.0, (container.duration or 0) / av.time_base - _TAIL_SECONDS)


def _seek(container: InputContainer, stream: VideoStream, seconds: float) -> None:
    """To the key frame before; what lies between it and the wanted frame is decoded and passed over."""
    if seconds > 0 and stream.time_base:
        container.seek(int(seconds / stream.time_base), stream=stream)


def _shown(frames: Iterator[VideoFrame], seconds: float) -> VideoFrame:
    found = None
    for frame in frames:
        if found is not None and frame.time is not None and frame.time > seconds:
            return found
        found = frame
    if found is None:
        raise ValueError("no frame")
    return found


def _image(frame: VideoFrame) -> Image.Image:
    image: Image.Image = frame.to_image()  # type: ignore[no-untyped-call]
    return image
