"""Frames to an MP4 that browsers play: H.264, 4:2:0, its index first."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from types import TracebackType

import av
from PIL import Image

from ima2_sketch.files import SOFTWARE

_STREAM = {"preset": "veryfast", "crf": "26"}


class Recorder:
    """Writes one file; whole when the block ends."""

    def __init__(self, path: Path, size: tuple[int, int], fps: int) -> None:
        self._container = av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"})
        self._container.metadata["comment"] = SOFTWARE
        self._stream = self._container.add_stream("libx264", rate=fps)
        self._stream.width, self._stream.height = size
        self._stream.pix_fmt = "yuv420p"
        self._stream.options = dict(_STREAM)

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._container.close()

    def take(self, frames: Iterator[Image.Image], count: int) -> int:
        """Record the next ``count`` frames; how many there were."""
        taken = 0
        for picture in islice(frames, count):
            frame = av.VideoFrame.from_image(picture)  # type: ignore[no-untyped-call]
            self._container.mux(self._stream.encode(frame))
            taken += 1
        return taken

    def finish(self) -> None:
        """Write what the encoder still holds."""
        self._container.mux(self._stream.encode())
