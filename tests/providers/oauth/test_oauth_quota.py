"""What is left of the plan: from headers, from the usage route, as status, command and route tell it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ima2.errors import Ima2Error
from ima2.hookspecs import QuotaWindow
from ima2.models import Request
from ima2_kit.context import KitContext, QuickClock
from ima2_oauth.quota import usage_url
from ima2_oauth.session import note_limits
from providers.oauth.authority import NOW, USAGE, Authority
from providers.oauth.oauth_signing import own_file, seed, with_service

from ima2_oauth import limits, plugin

RECORDED = Path(__file__).parents[2] / "recorded" / "chatgpt-codex"
CODEX_HEADERS = {
    "X-Codex-Active-Limit": "premium",
    "X-Codex-Plan-Type": "pro",
    "X-Codex-Primary-Used-Percent": "100",
    "X-Codex-Primary-Window-Minutes": "300",
    "X-Codex-Primary-Reset-After-Seconds": "600",
    "X-Codex-Primary-Reset-At": "1777936000",
    "X-Codex-Secondary-Used-Percent": "80.5",
    "X-Codex-Secondary-Window-Minutes": "10080",
    "X-Codex-Secondary-Reset-At": str(int(NOW) + 7200),
    "X-Codex-Primary-Over-Secondary-Limit-Percent": "0",
    "X-Codex-Credits-Has-Credits": "False",
}


def quota(folder: Path, service: Authority | None = None, **settings: Any) -> tuple[QuotaWindow, ...]:
    seed(own_file(folder), left=9000)

    async def work(context: KitContext, _: Authority) -> Any:
        return await plugin.ima2_quota(context)

    found: tuple[QuotaWindow, ...] = with_service(folder, work, service, **settings)
    return found


def recorded_usage() -> dict[str, Any]:
    value: dict[str, Any] = json.loads((RECORDED / "wham-usage-200.body.json").read_text("utf-8"))
    return value


def test_the_recorded_answer(tmp_path: Path) -> None:
    """Its windows are a minute short of five hours and of a week; the reset in seconds comes before the date."""
    service = Authority(usage=recorded_usage())
    assert quota(tmp_path, service) == (
        QuotaWindow("5 h", 8, int(NOW + 6625)),
        QuotaWindow("7 d", 15, int(NOW + 54618)),
    )
    (asked,) = service.requests(USAGE)
    assert asked.headers["authorization"].startswith("Bearer ")
    assert asked.headers["chatgpt-account-id"]
    assert asked.headers["originator"] == "ima2"


@pytest.mark.parametrize(
    ("minutes", "label"),
    [
        (300, "5 h"),
        (299, "5 h"),
        (1440, "1 d"),
        (10080, "7 d"),
        (10079, "7 d"),
        (43200, "30 d"),
        (45, "45 min"),
        (90, "90 min"),
    ],
)
def test_labels_tell_the_real_length(minutes: float, label: str) -> None:
    assert limits.length(minutes) == label


def test_a_free_plan_has_a_week_first_and_nothing_second(tmp_path: Path) -> None:
    window = {"used_percent": 3, "limit_window_seconds": 604800, "reset_after_seconds": 60}
    none = {"used_percent": 0, "limit_window_seconds": 0, "reset_after_seconds": 0}
    service = Authority(usage={"plan_type": "free", "rate_limit": {"primary_window": window, "secondary_window": none}})
    assert quota(tmp_path, service) == (QuotaWindow("7 d", 3, int(NOW + 60)),)


ODD: list[Any] = [
    {"rate_limit": None},
    {"rate_limit": {"primary_window": None, "secondary_window": []}},
    {"rate_limit": {"primary_window": {"used_percent": "x", "limit_window_seconds": 60}}},
    {"rate_limit": {"primary_window": {"used_percent": True, "limit_window_seconds": 60}}},
    {"rate_limit": {"primary_window": {"used_percent": -4, "limit_window_seconds": 60}}},
    {"rate_limit": None, "additional_rate_limits": "x"},
    {"rate_limit": None, "additional_rate_limits": [None, {"limit_name": 3}, {}]},
]


@pytest.mark.parametrize("usage", ODD, ids=range(len(ODD)))
def test_every_member_may_be_missing_or_odd(tmp_path: Path, usage: Any) -> None:
    assert quota(tmp_path, Authority(usage=usage)) == ()


def test_more_limits_are_told_by_their_names(tmp_path: Path) -> None:
    window = {"used_percent": 140, "limit_window_seconds": 86400, "reset_at": NOW + 5}
    extra = [{"limit_name": "Imagegen-Premium", "rate_limit": {"primary_window": window}}]
    service = Authority(usage={"rate_limit": None, "additional_rate_limits": extra})
    assert quota(tmp_path, service) == (QuotaWindow("imagegen premium 1 d", 100, int(NOW + 5)),)


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (403, "<html>no</html>", "QUOTA_UNAVAILABLE"),
        (403, {"detail": "not here"}, "QUOTA_UNAVAILABLE"),
        (500, {}, "QUOTA_UNAVAILABLE"),
        (200, "<html>hello</html>", "QUOTA_UNAVAILABLE"),
        (200, {"something": "else"}, "QUOTA_UNAVAILABLE"),
        (302, {}, "QUOTA_UNAVAILABLE"),
        (0, None, "NETWORK_FAILED"),
    ],
)
def test_a_surprise_is_a_soft_failure(tmp_path: Path, status: int, body: Any, code: str) -> None:
    service = Authority()
    service.say(USAGE, status, body)
    with pytest.raises(Ima2Error) as caught:
        quota(tmp_path, service)
    assert (caught.value.code, caught.value.paid) == (code, "no")


def test_a_refused_token_is_renewed_once(tmp_path: Path) -> None:
    service = Authority(usage=recorded_usage())
    service.say(USAGE, 401, {"detail": "token expired"})
    assert len(quota(tmp_path, service)) == 2
    assert len(service.refreshes) == 1
    service.say(USAGE, 401, {"detail": "token expired"}, times=3)
    with pytest.raises(Ima2Error) as caught:
        quota(tmp_path / "again", service)
    assert caught.value.code in ("QUOTA_UNAVAILABLE", "AUTH_CHATGPT_REUSED")


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("https://chatgpt.com/backend-api/codex", "https://chatgpt.com/backend-api/wham/usage"),
        ("https://chatgpt.com/backend-api/codex/", "https://chatgpt.com/backend-api/wham/usage"),
        ("http://127.0.0.1:9/api/codex", "http://127.0.0.1:9/api/codex/usage"),
    ],
)
def test_where_it_is_asked(tmp_path: Path, base: str, url: str) -> None:
    async def work(context: KitContext, _: Authority) -> str:
        return usage_url(context)

    assert with_service(tmp_path, work, base_url=base) == url
    assert with_service(tmp_path, work, base_url=base, usage_url="http://x/y") == "http://x/y"


def test_headers_are_remembered_for_status(tmp_path: Path) -> None:
    seed(own_file(tmp_path), left=90000)
    clock = QuickClock()

    async def work(context: KitContext, service: Authority) -> Any:
        note_limits(context, CODEX_HEADERS)
        first = await plugin.ima2_status(context)
        near = limits.near(context)
        await clock.sleep(700)
        return first, near, await plugin.ima2_status(context), service

    first, near, later, service = with_service(tmp_path, work, clock=clock)
    assert first.plan == "pro"
    assert first.quota == (QuotaWindow("5 h", 100, int(NOW + 600)), QuotaWindow("7 d", 80.5, int(NOW + 7200)))
    assert near == QuotaWindow("5 h", 100, int(NOW + 600))
    assert later.quota == (QuotaWindow("7 d", 80.5, int(NOW + 7200)),)
    assert service.seen == []


def test_the_window_of_pictures_stands_beside_the_ordinary_one(tmp_path: Path) -> None:
    pictures = {
        "x-codex-active-limit": "imagegen_premium",
        "x-codex-primary-used-percent": "95",
        "x-codex-primary-window-minutes": "1440",
        "x-codex-primary-reset-after-seconds": "60",
        "x-codex-other-limit-secondary-used-percent": "4",
        "x-codex-other-limit-secondary-window-minutes": "300",
    }

    async def work(context: KitContext, _: Authority) -> Any:
        note_limits(context, CODEX_HEADERS)
        note_limits(context, pictures)
        return [window.shown().label for window in limits.remembered(context)]

    assert with_service(tmp_path, work) == ["5 h", "7 d", "imagegen premium 1 d", "other limit 5 h"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": "text/plain"},
        {"x-codex-primary-used-percent": "50"},
        {"x-codex-primary-used-percent": "nan", "x-codex-primary-window-minutes": "300"},
        {"x-codex-primary-used-percent": "", "x-codex-primary-window-minutes": ""},
        {"x-codex-primary-used-percent": "9", "x-codex-primary-window-minutes": "1e99"},
    ],
)
def test_headers_that_say_nothing_leave_nothing(tmp_path: Path, headers: dict[str, str]) -> None:
    async def work(context: KitContext, _: Authority) -> Any:
        note_limits(context, headers)
        return limits.remembered(context), context.notes.read()

    assert with_service(tmp_path, work) == ((), {})


@pytest.mark.parametrize("broken", [b"{", b"[]", b'{"limits": 3}', b'{"limits": [1, {}, {"used": "x"}]}'])
def test_broken_notes_are_no_notes(tmp_path: Path, broken: bytes) -> None:
    notes = tmp_path / "notes" / "oauth.json"
    notes.parent.mkdir()
    notes.write_bytes(broken)

    async def work(context: KitContext, _: Authority) -> Any:
        before = limits.remembered(context)
        note_limits(context, CODEX_HEADERS)
        return before, len(limits.remembered(context))

    assert with_service(tmp_path, work) == ((), 2)


@pytest.mark.parametrize(("used", "warned"), [("89.9", False), ("90", True), ("100", True)])
def test_a_picture_is_planned_with_a_warning_when_little_is_left(tmp_path: Path, used: str, warned: bool) -> None:
    seed(own_file(tmp_path), left=9000)
    headers = {**CODEX_HEADERS, "X-Codex-Primary-Used-Percent": used}

    async def work(context: KitContext, _: Authority) -> Any:
        note_limits(context, headers)
        request = Request(id="job-1", prompt="a red kite", provider="oauth", options={"route": "auto"})
        return [event async for event in plugin.ima2_plan(request, context)]

    events = with_service(tmp_path, work)
    warnings = [event for event in events if getattr(event, "code", "") == "QUOTA_LOW"]
    assert bool(warnings) is warned
    if warned:
        assert f"{used} % of the ChatGPT window 5 h are used; it begins anew 2027-01-15" in warnings[0].message
