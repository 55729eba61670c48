"""Pictures, clips and hostile files for tests, made from nothing."""

from __future__ import annotations

import io
import struct
import zlib


def picture(
    file_format: str = "PNG", *, width: int = 24, height: int = 16, colour: str = "red", mode: str = "RGB"
) -> bytes:
    """A whole picture, ``PNG``, ``JPEG``, ``WEBP`` or what else Pillow writes."""
    from PIL import Image

    out = io.BytesIO()
    Image.new(mode, (width, height), colour).save(out, file_format)
    return out.getvalue()


def bomb(edge: int) -> bytes:
    """A valid PNG of ``edge`` × ``edge`` black pixels in some kilobytes."""
    packer = zlib.compressobj(9)
    row = bytes(1 + (edge + 7) // 8)
    pixels = b"".join(packer.compress(row) for _ in range(edge)) + packer.flush()
    header = struct.pack(">IIBBBBB", edge, edge, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        chunk(kind, data) for kind, data in ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b""))
    )


def chunk(kind: bytes, data: bytes) -> bytes:
    """One PNG chunk."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def box(kind: bytes, *content: bytes, wide: bool = False) -> bytes:
    """One MP4 box; ``wide`` gives it a 64-bit size."""
    data = b"".join(content)
    if wide:
        return struct.pack(">I4sQ", 1, kind, 16 + len(data)) + data
    return struct.pack(">I4s", 8 + len(data), kind) + data


def clip(*, width: int = 64, height: int = 48, seconds: float = 2.5, version: int = 0, wide: bool = False) -> bytes:
    """An MP4 with the headers of one picture track and one sound track, and no frames."""
    ticks, long = round(seconds * 1000), version == 1
    times = struct.pack(">QQIQ", 0, 0, 1000, ticks) if long else struct.pack(">IIII", 0, 0, 1000, ticks)
    mvhd = box(b"mvhd", bytes([version, 0, 0, 0]), times, bytes(80))
    tracks = [_track(version, 0, 0), _track(version, width, height)]
    moov = box(b"moov", mvhd, *tracks, wide=wide)
    return box(b"ftyp", b"isom\0\0\2\0isomiso2") + box(b"free") + moov + box(b"mdat", bytes(32), wide=wide)


def _track(version: int, width: int, height: int) -> bytes:
    times = bytes(32 if version == 1 else 20)
    size = struct.pack(">II", width << 16, height << 16)
    return box(b"trak", box(b"tkhd", bytes([version, 0, 0, 7]), times, bytes(52), size))
