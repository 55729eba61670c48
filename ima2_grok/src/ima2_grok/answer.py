"""The answer of the image API: pictures, or why there are none."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ima2.errors import Ima2Error, NoImage, Paid, Refused

from ima2_grok.envelope import parse
from ima2_grok.errors import IMAGE
from ima2_grok.reading import listed, mapping, text


@dataclass(frozen=True, slots=True)
class Drawn:
    """A picture: an address that dies soon, or its bytes. ``model`` is what xAI says has drawn it."""

    url: str | None
    data: bytes | None
    revised_prompt: str | None
    model: str | None
    media_type: str | None


def read(value: Mapping[str, Any]) -> list[Drawn]:
    """The pictures of an answer that came with status 200.

    :raises Refused: ``MODERATION_REFUSED``: moderation took them, which xAI says by a flag, or by an empty list.
    :raises NoImage: ``GROK_EMPTY_RESPONSE``: there is nothing, and no sign of moderation.
    """
    items = [mapping(item) for item in listed(value.get("data"))]
    allowed = [item for item in items if item.get("respect_moderation") is not False]
    drawn = [each for item in allowed if (each := _drawn(item, text(value.get("model")) or None))]
    if drawn:
        return drawn
    raise _none(value, blocked="data" in value and not allowed)


def _drawn(item: Mapping[str, Any], model: str | None) -> Drawn | None:
    """Text that decodes to nothing is no picture; the flag has been looked at before the address."""
    url, data = text(item.get("url")) or None, _decoded(text(item.get("b64_json")))
    if not url and not data:
        return None
    revised = text(item.get("revised_prompt")).strip() or None
    return Drawn(url, data, revised, model, text(item.get("mime_type")) or None)


def _decoded(encoded: str) -> bytes | None:
    if encoded.startswith("data:"):
        encoded = encoded.partition(",")[2]
    try:
        return base64.b64decode("".join(encoded.split()), validate=True) or None
    except (binascii.Error, ValueError):
        return None


def _none(value: Mapping[str, Any], *, blocked: bool) -> Ima2Error:
    cost = IMAGE.cost(value)
    paid: Paid = "yes" if cost.get("costUsd") else "maybe"
    said = parse({"error": value.get("error") or value.get("reason") or value.get("message")}).message
    why = f": {said}" if said else "."
    if blocked:
        return Refused(
            f"xAI's moderation kept the picture back{why}",
            step=IMAGE.name,
            paid=paid,
            hint="change the prompt or the input images",
            details=cost,
        )
    return NoImage(
        f"xAI's answer holds no picture{why}",
        code="GROK_EMPTY_RESPONSE",
        status=502,
        step=IMAGE.name,
        paid=paid,
        hint="look at your usage on https://console.x.ai before you run it again",
        details=cost,
    )
