"""JSON as the database and the sidecars hold it."""

from __future__ import annotations

import json
from typing import Any

from pydantic_core import PydanticSerializationError, to_json, to_jsonable_python


def dump(value: Any, *, indent: int | None = None) -> str:
    """JSON text of models (by alias), mappings, paths and tuples; NaN and infinities become null.

    Text from upstream may hold half a surrogate pair, which UTF-8 can't say. It is then written as ASCII with
    escapes, so that an odd answer never costs a paid result.
    """
    try:
        return to_json(value, indent=indent, inf_nan_mode="null").decode()
    except (PydanticSerializationError, UnicodeEncodeError):
        plain = to_jsonable_python(value, inf_nan_mode="null", serialize_unknown=True)
        return json.dumps(plain, indent=indent, ensure_ascii=True)


def load(text: str | None) -> Any:
    """What :func:`dump` wrote; None stays None."""
    return None if text is None else json.loads(text)


def clean(text: str) -> str:
    """``text`` without half surrogates, for a TEXT column."""
    return text.encode("utf-8", "replace").decode()
