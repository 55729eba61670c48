"""An error out of the ledger or an answer becomes an exception again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ima2 import errors
from ima2.errors import Ima2Error, StorageFailed

_KNOWN = ("error", "code", "status", "paid", "retryable", "hint", "field", "step", "kept", "retryAfter", "requestId")


def _tree(base: type[Ima2Error]) -> list[type[Ima2Error]]:
    return [base, *(leaf for child in base.__subclasses__() for leaf in _tree(child))]


def _class_for(code: str, status: int) -> type[Ima2Error]:
    """The class whose own code this is, else one that usually has this status."""
    by_code = {each.default_code: each for each in _tree(Ima2Error)}
    by_status: dict[int, type[Ima2Error]] = {
        400: errors.InvalidRequest,
        401: errors.NotReady,
        403: errors.Forbidden,
        404: errors.NotFound,
        409: errors.Conflict,
        422: errors.NoImage,
        429: errors.RateLimited,
        499: errors.Cancelled,
        502: errors.UpstreamError,
        504: errors.UpstreamTimeout,
    }
    return by_code.get(code) or by_status.get(status, Ima2Error)


def carrying(fault: StorageFailed, error: Ima2Error) -> StorageFailed:
    """The fault met while ``error`` was to be written down; what was known goes on with it."""
    facts = {"paid": error.paid, "hint": error.hint or fault.hint, "kept": error.kept or fault.kept}
    return fault.but(**facts, details={**fault.details, **error.details})


def from_dict(facts: Mapping[str, Any]) -> Ima2Error:
    """The reverse of :meth:`Ima2Error.to_dict`."""
    code, status = str(facts.get("code") or "UNKNOWN"), int(facts.get("status") or 500)
    return _class_for(code, status)(
        str(facts.get("error") or code),
        code=code,
        status=status,
        hint=facts.get("hint"),
        field=facts.get("field"),
        step=facts.get("step"),
        paid=facts.get("paid", "no"),
        kept=tuple(facts.get("kept") or ()),
        retryable=facts.get("retryable"),
        retry_after=facts.get("retryAfter"),
        details={name: value for name, value in facts.items() if name not in _KNOWN},
    )
