"""The decoding process: ``python -m ima2.storage.decode``. Untrusted pictures are opened here and nowhere else.

One JSON task a line on standard input, one JSON answer a line on standard output. It ends when its input ends,
so it never outlives the process that asked.
"""

from __future__ import annotations

import contextlib
import json
import signal
import sys
import warnings
from pathlib import Path
from typing import Any, BinaryIO

from PIL import Image, ImageOps, JpegImagePlugin, PngImagePlugin, UnidentifiedImageError, WebPImagePlugin

from ima2.storage import mp4

MAX_PIXELS = 50_000_000
"""Of one picture, checked before decoding."""
_MEMORY = 1_536 * 1024 * 1024
"""Bytes of address space, where the system can limit it."""
_MEDIA_TYPES = {
    PngImagePlugin.PngImageFile.format: "image/png",
    JpegImagePlugin.JpegImageFile.format: "image/jpeg",
    WebPImagePlugin.WebPImageFile.format: "image/webp",
}
FORMATS = tuple(_MEDIA_TYPES)
_JPEG_KINDS = {"MPO": "JPEG"}
"""A phone's JPEG with a second picture behind the first."""
_BACKGROUND = (255, 255, 255)
_QUALITY = 82


def probe(path: Path) -> dict[str, Any]:
    """Decode all of ``path`` and say what it is."""
    if _is_movie(path):
        with path.open("rb") as file:
            return _movie_facts(file)
    with Image.open(path, formats=FORMATS) as image:
        image.load()
        return _image_facts(image)


def thumbnail(path: Path, into: Path, edge: int) -> dict[str, Any]:
    """A JPEG of ``path`` that fits into ``edge`` × ``edge`` pixels; of a clip its poster."""
    with _picture(path) as image:
        image.draft("RGB", (edge, edge))
        upright = ImageOps.exif_transpose(image)
        upright.thumbnail((edge, edge))
        flat = Image.new("RGB", upright.size, _BACKGROUND)
        colours = upright.convert("RGBA")
        flat.paste(colours, mask=colours)
        flat.save(into, "JPEG", quality=_QUALITY)
    return {}


def frame(path: Path, into: Path, position: float | None) -> dict[str, Any]:
    """A PNG of the frame at ``position`` seconds; None is the last."""
    from ima2.storage import frames

    shown = frames.last(path) if position is None else frames.at(path, position)
    shown.save(into, "PNG")
    return {"width": shown.width, "height": shown.height}


def cut(path: Path, into: Path, seconds: float) -> dict[str, Any]:
    """A clip without its first ``seconds``."""
    from ima2.storage import cutting

    cutting.cut(path, into, seconds)
    return {}


def _picture(path: Path) -> Image.Image:
    if not _is_movie(path):
        return Image.open(path, formats=FORMATS)
    from ima2.storage import frames

    return frames.at(path, 0)


def _is_movie(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(8)[4:] == b"ftyp"


def _image_facts(image: Image.Image) -> dict[str, Any]:
    name = _JPEG_KINDS.get(image.format or "", image.format or "")
    return {
        "format": name,
        "media_type": _MEDIA_TYPES[name],
        "kind": "image",
        "width": image.width,
        "height": image.height,
        "has_alpha": image.has_transparency_data,
        "duration": None,
        "codec": None,
    }


def _movie_facts(file: BinaryIO) -> dict[str, Any]:
    movie = mp4.parse(file)
    return {
        "format": "MP4",
        "media_type": "video/mp4",
        "kind": "video",
        "width": movie.width,
        "height": movie.height,
        "has_alpha": False,
        "duration": movie.duration,
        "codec": movie.codec,
    }


def answer(task: dict[str, Any]) -> dict[str, Any]:
    """Do one task. Whatever a hostile file makes a decoder raise is an answer too."""
    try:
        return {"ok": _do(task)}
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return {"bad": "pixels"}
    except ImportError:
        return {"bad": "missing"}
    except UnidentifiedImageError:
        return {"bad": "format"}
    except Exception as error:
        return {"bad": "unreadable", "why": f"{type(error).__name__}: {error}"[:200]}


def _do(task: dict[str, Any]) -> dict[str, Any]:
    path = Path(task["path"])
    if task["task"] == "probe":
        return probe(path)
    if task["task"] == "frame":
        return frame(path, Path(task["into"]), task["position"])
    if task["task"] == "cut":
        return cut(path, Path(task["into"]), task["seconds"])
    return thumbnail(path, Path(task["into"]), task["edge"])


def _limit_memory() -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))


def _confine() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    warnings.simplefilter("ignore")
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    _limit_memory()


def main() -> None:
    """Answer tasks until there are none."""
    _confine()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answer(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
