"""Letting a clip begin later, through PyAV. Used in the decoding process alone.

The pictures and the sound are copied as they are. An edit list, which players and decoders heed, passes over the
start; so any moment will do, not only a key frame, and nothing is encoded anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer, OutputContainer
from av.packet import Packet

from ima2.storage.frames import READING

_WRITING = {"avoid_negative_ts": "disabled", "fflags": "+bitexact", "movflags": "+faststart"}
"""What lies before zero stays in the file; the same clip gives the same bytes; the index comes first."""
_KINDS = frozenset({"video", "audio"})
_LEAST = 0.2
"""Seconds that must be left."""


def cut(path: Path, into: Path, seconds: float) -> None:
    """Write the clip without its first ``seconds``.

    :raises ValueError: hardly anything would be left, or there is nothing to be seen.
    """
    with av.open(str(path), format="mov", container_options=READING) as source:
        if (source.duration or 0) / av.time_base < seconds + _LEAST or not source.streams.video:
            raise ValueError("too short")
        with av.open(str(into), "w", format="mp4", options=_WRITING) as target:
            for packet in _moved(source, target, seconds):
                target.mux(packet)


def _moved(source: InputContainer, target: OutputContainer, seconds: float) -> Iterator[Packet[Any]]:
    """The packets, each as much earlier; of kinds that a player shows or plays."""
    taken = [stream for stream in source.streams if stream.type in _KINDS]
    copies = {stream.index: target.add_stream_from_template(stream) for stream in taken}
    for packet in source.demux(taken):
        if packet.dts is None or packet.pts is None:
            continue
        shift = round(seconds / packet.time_base)
        packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
        packet.stream = copies[packet.stream.index]
        yield packet
