"""What a token says of itself."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any


def claims(token: str | None) -> Mapping[str, Any]:
    """The payload of a JWT, ``{}`` for anything else.

    The signature is not checked: good for showing and for planning, never for letting anyone in.
    """
    parts = (token or "").split(".")
    if len(parts) != 3:
        return {}
    try:
        payload = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return {}
    return payload if isinstance(payload, dict) else {}
