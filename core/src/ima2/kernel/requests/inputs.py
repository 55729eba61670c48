"""Input images of a body: references, the source of an edit, its mask."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ima2.errors import InvalidRequest
from ima2.models import Reference
from ima2.models.request import Role
from ima2.storage.protocols import ArtifactStore

MAX_REFERENCES = 16
"""More than any model takes; the model's own limit is checked later."""


async def take_inputs(body: Mapping[str, Any], store: ArtifactStore) -> tuple[Reference, ...]:
    """Decode and store what the body brings, in the order references, source, mask."""
    given = body.get("references")
    listed = [] if given is None else given
    if not isinstance(listed, list | tuple):
        raise InvalidRequest("references is a list of images.", code="REF_NOT_ARRAY", field="references")
    if len(listed) > MAX_REFERENCES:
        raise InvalidRequest(
            f"{len(listed)} references; {MAX_REFERENCES} are the most any model takes.",
            code="REF_TOO_MANY",
            field="references",
        )
    taken = [await _take(item, "reference", f"references[{index}]", store) for index, item in enumerate(listed)]
    if body.get("mask") is not None and body.get("image") is None:
        raise InvalidRequest("A mask needs the image it belongs to.", code="INVALID_EDIT_MASK", field="mask")
    if body.get("image") is not None:
        source = await _take(body["image"], "source", "image", store)
        taken.append(source)
        if body.get("mask") is not None:
            taken.append(_fitting(await _take(body["mask"], "mask", "mask", store), source))
    return tuple(taken)


async def _take(item: Any, role: Role, field: str, store: ArtifactStore) -> Reference:
    source = item if isinstance(item, bytes | Path) else decode(item, field)
    return await store.add_reference(source, role=role, field=field)


def decode(item: Any, field: str) -> bytes:
    """Bytes of a data URL or of plain base64."""
    if not isinstance(item, str):
        raise InvalidRequest(f"{field} is a data URL or base64 text.", code="REF_NOT_STRING", field=field)
    payload = item.partition(",")[2] if item.startswith("data:") else item
    if not payload.strip():
        raise InvalidRequest(f"{field} is empty.", code="REF_EMPTY", field=field)
    try:
        return base64.b64decode("".join(payload.split()), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidRequest(f"{field} is not base64.", code="REF_NOT_BASE64", field=field) from None


def _fitting(mask: Reference, source: Reference) -> Reference:
    if mask.media_type != "image/png":
        raise InvalidRequest("A mask is a PNG with transparency.", code="INVALID_EDIT_MASK_PNG", field="mask")
    if not mask.has_alpha:
        raise InvalidRequest(
            "The mask has no transparency: make the part to change transparent.",
            code="EDIT_MASK_NO_ALPHA",
            field="mask",
        )
    if (mask.width, mask.height) != (source.width, source.height):
        raise InvalidRequest(
            f"The mask is {mask.width}x{mask.height}, the image {source.width}x{source.height}; they must be equal.",
            code="EDIT_MASK_DIMENSION_MISMATCH",
            field="mask",
        )
    return mask
