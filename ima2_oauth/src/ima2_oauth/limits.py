"""The plan's windows: read from headers and from the usage route, remembered for status.

A window is known by its limit (``""`` for the plan's ordinary one) and its place (``primary``, ``secondary``).
Lengths are told by the service and never assumed: a free plan's first window is a week.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ima2.errors import NotReady
from ima2.hookspecs import QuotaWindow

from ima2_oauth.told import number_of, object_of, printable, text_of

if TYPE_CHECKING:
    from ima2.hookspecs import Context
    from ima2.models import Warning

NOTED = "limits"
NEAR = 90.0
"""Percent used from which it is worth a word."""
_HEADER = re.compile(
    r"x-codex-(?:(?P<limit>[a-z0-9][a-z0-9_-]*?)-)?(?P<place>primary|secondary)"
    r"-(?P<field>used-percent|window-minutes|reset-at|reset-after-seconds)"
)
_ORDINARY = frozenset({"", "premium", "codex"})
_UNITS = (("d", 1440), ("h", 60))
_MOST = 32


@dataclass(frozen=True, slots=True)
class Window:
    """``used`` is 0–100 percent, ``minutes`` the length, ``resets_at`` epoch seconds."""

    limit: str
    place: str
    used: float
    minutes: float
    resets_at: float | None

    @property
    def label(self) -> str:
        """``5 h``, ``7 d``, ``imagegen premium 1 d``."""
        name = self.limit.replace("_", " ")
        return f"{name} {length(self.minutes)}".strip()

    def shown(self) -> QuotaWindow:
        """For status."""
        return QuotaWindow(self.label, self.used, None if self.resets_at is None else round(self.resets_at))

    def stored(self) -> dict[str, Any]:
        """For the notes."""
        return {
            "limit": self.limit,
            "place": self.place,
            "used": self.used,
            "minutes": self.minutes,
            "resetsAt": self.resets_at,
        }


def length(minutes: float) -> str:
    """``7 d`` also for the 10079 minutes that the service says."""
    for unit, size in _UNITS:
        count = round(minutes / size)
        if count and abs(minutes - count * size) <= 0.02 * minutes:
            return f"{count} {unit}"
    return f"{round(minutes)} min"


def from_headers(headers: Mapping[str, str], now: float) -> tuple[Window, ...]:
    """The windows in an answer's headers. A reset in seconds comes before a date: it does not need a right clock."""
    told: dict[tuple[str, str], dict[str, str]] = {}
    for name, value in headers.items():
        if match := _HEADER.fullmatch(name.lower()):
            told.setdefault((match["limit"] or "", match["place"]), {})[match["field"]] = value
    active = {name.lower(): value for name, value in headers.items()}.get("x-codex-active-limit", "")
    found = (
        _window(
            limit or active,
            place,
            used=fields.get("used-percent"),
            minutes=number_of(fields.get("window-minutes")),
            after=fields.get("reset-after-seconds"),
            at=fields.get("reset-at"),
            now=now,
        )
        for (limit, place), fields in told.items()
    )
    return tuple(window for window in found if window)


def from_usage(body: Mapping[str, Any], now: float) -> tuple[Window, ...]:
    """The windows in the answer of the usage route; every member may be null or absent."""
    extra = body.get("additional_rate_limits")
    limits = [("", body.get("rate_limit"))]
    for each in extra if isinstance(extra, list) else ():
        named = object_of(each)
        limits.append((text_of(named.get("limit_name")) or "other", named.get("rate_limit")))
    found = (
        _from_usage(limit, place, object_of(object_of(windows).get(f"{place}_window")), now)
        for limit, windows in limits
        for place in ("primary", "secondary")
    )
    return tuple(window for window in found if window)


def note(context: Context, headers: Mapping[str, str]) -> None:
    """Remember what an answer's headers say, and the plan they name."""
    found = from_headers(headers, context.clock.now())
    plan = {name.lower(): value for name, value in headers.items()}.get("x-codex-plan-type")
    if found or plan:
        remember(context, found, plan)


def remember(context: Context, windows: Iterable[Window], plan: str | None = None) -> None:
    """Put windows over those known before; a disk that can't be written costs only the memory."""
    known = {(each.limit, each.place): each for each in (*remembered(context), *windows)}
    notes: dict[str, Any] = {NOTED: [each.stored() for each in known.values()][-_MOST:]}
    if plan := printable(plan or ""):
        notes["plan"] = plan
    with suppress(OSError):
        context.notes.write({**_notes(context), **notes})


def remembered(context: Context) -> tuple[Window, ...]:
    """The windows that have not been reset since they were heard of."""
    now, listed = context.clock.now(), _notes(context).get(NOTED)
    read = (_read(object_of(each)) for each in (listed if isinstance(listed, list) else ()))
    return tuple(each for each in read if each and (each.resets_at is None or each.resets_at > now))


def known_plan(context: Context) -> str | None:
    """The plan that the service last named."""
    return text_of(_notes(context).get("plan"))


def near(context: Context) -> QuotaWindow | None:
    """The window that is nearly used up, if any; the fullest of several."""
    full = [each for each in remembered(context) if each.used >= NEAR]
    return max(full, key=lambda each: each.used).shown() if full else None


def nearly_used(context: Context) -> tuple[Warning, ...]:
    """What to say before more is asked for. It is no refusal: pictures and text have windows of their own."""
    from ima2.models import Warning

    window = near(context)
    if window is None:
        return ()
    again = "" if window.resets_at is None else f"; it begins anew {_moment(window.resets_at)}"
    text = f"{window.used_percent:g} % of the ChatGPT window {window.label} are used{again}."
    return (Warning(code="QUOTA_LOW", message=text),)


def _moment(at: int) -> str:
    return f"{datetime.fromtimestamp(at).astimezone():%Y-%m-%d %H:%M}"


def _notes(context: Context) -> dict[str, Any]:
    try:
        return context.notes.read()
    except NotReady:
        return {}


def _from_usage(limit: str, place: str, window: Mapping[str, Any], now: float) -> Window | None:
    seconds = number_of(window.get("limit_window_seconds"))
    return _window(
        limit,
        place,
        used=window.get("used_percent"),
        minutes=None if seconds is None else seconds / 60,
        after=window.get("reset_after_seconds"),
        at=window.get("reset_at"),
        now=now,
    )


def _window(
    limit: str, place: str, *, used: Any, minutes: float | None, after: Any, at: Any, now: float
) -> Window | None:
    percent, seconds = number_of(used), number_of(after)
    if percent is None or not minutes:
        return None
    name = printable(limit).lower().replace("-", "_")
    resets_at = number_of(at) if seconds is None else now + seconds
    return Window("" if name in _ORDINARY else name, place, min(percent, 100.0), minutes, resets_at)


def _read(stored: Mapping[str, Any]) -> Window | None:
    used, minutes = number_of(stored.get("used")), number_of(stored.get("minutes"))
    if used is None or not minutes:
        return None
    place = text_of(stored.get("place")) or "primary"
    return Window(text_of(stored.get("limit")) or "", place, used, minutes, number_of(stored.get("resetsAt")))
