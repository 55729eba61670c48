"""What is noticed of a picture that came: another size or format than asked for, input images that nobody looked at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ima2.models import Call, Media, Usage, Warning

from ima2_oauth.prompt import aspect, pixels


def drift(call: Call, media: Media) -> Iterator[Warning]:
    """Size and format of the file against those asked for. A file that can't be measured is the store's to refuse."""
    asked, real = pixels(call.parameters.get("size")), measured(media.path)
    if asked and real and asked != real:
        ours, theirs = aspect(*asked), aspect(*real)
        shape = f"the same shape, {ours}" if ours == theirs else f"{theirs} in place of {ours}"
        text = f"ChatGPT takes a size as a wish: {_text(asked)} was asked for, {_text(real)} came ({shape})."
        yield Warning(code="SIZE_DRIFT", field="size", normalized_to=_text(real), message=text)
    wanted = call.parameters.get("format")
    if wanted and media.media_type and media.media_type != f"image/{wanted}":
        kind = media.media_type.removeprefix("image/")
        text = f"{wanted} was asked for, {kind} came; the file is stored as it came."
        yield Warning(code="FORMAT_DRIFT", field="format", normalized_to=kind, message=text)


def ignored_inputs(call: Call, usage: Usage) -> Iterator[Warning]:
    """Zero image tokens in: the service has dropped the input images without a word."""
    if call.references and _image_tokens_in(usage.raw) == 0:
        text = "ChatGPT counted no input image: it made the picture from the words alone."
        yield Warning(code="REFERENCES_IGNORED", field="references", message=text)


def measured(path: Path) -> tuple[int, int] | None:
    """Width and height in pixels, from the file's head; None when it has none."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            return image.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def _image_tokens_in(raw: Mapping[str, Any]) -> int | None:
    """``usage`` of the images route, ``tool_usage.image_gen`` of the Responses route."""
    spent: Any = raw
    for name in ("tool_usage", "image_gen") if "tool_usage" in raw else ("usage",):
        spent = spent.get(name) if isinstance(spent, Mapping) else None
    if not isinstance(spent, Mapping) or not spent.get("input_tokens"):
        return None
    details = spent.get("input_tokens_details")
    count = details.get("image_tokens") if isinstance(details, Mapping) else None
    return count if isinstance(count, int) else None


def _text(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"
