"""Pictures to files. Each says in its metadata that it is a sketch; none repeats the prompt there."""

from __future__ import annotations

from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo

MEDIA_TYPES = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}
SOFTWARE = "ima2 sketch"
_EXIF_SOFTWARE = 0x0131
DEFAULT_QUALITY = 90


def save(picture: Image.Image, path: Path, format_name: str, quality: int | None) -> None:
    """Write a finished picture. ``quality`` 0–100 for JPEG and WebP, 100 the best; PNG is always exact."""
    if format_name == "png":
        info = PngInfo()
        info.add_text("Software", SOFTWARE)
        picture.save(path, "PNG", pnginfo=info, compress_level=4)
        return
    level = DEFAULT_QUALITY if quality is None else quality
    exif = Image.Exif()
    exif[_EXIF_SOFTWARE] = SOFTWARE
    if format_name == "jpeg":
        _opaque(picture).save(path, "JPEG", quality=level, exif=exif)
    else:
        picture.save(path, "WEBP", quality=level, method=2, exif=exif)


def save_draft(picture: Image.Image, path: Path, stage: int) -> None:
    """Write a small, unsharp foretaste; ``stage`` 1 to 3 gets clearer."""
    draft = _opaque(picture)
    draft.thumbnail((128 * 2**stage, 128 * 2**stage))
    coarse = (max(1, draft.width * stage // 12), max(1, draft.height * stage // 12))
    draft.resize(coarse, Image.Resampling.BOX).resize(draft.size, Image.Resampling.BICUBIC).save(path, "JPEG")


def _opaque(picture: Image.Image) -> Image.Image:
    if picture.mode == "RGB":
        return picture.copy()
    white = Image.new("RGBA", picture.size, "white")
    white.alpha_composite(picture)
    return white.convert("RGB")
