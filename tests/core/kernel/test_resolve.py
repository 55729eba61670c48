"""`auto`: who is chosen, why, and what is said of the others."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from fakes import FakeProvider
from ima2.errors import NotReady
from ima2.hookspecs import Capabilities, ModelInfo, hookimpl
from ima2.kernel.opening import open_studio
from ima2.models import Resolution

Env = dict[str, str]


def resolve(env: Env, *providers: FakeProvider, extra: dict[str, object] | None = None, **body: Any) -> dict[str, Any]:
    async def main() -> dict[str, Any]:
        plugins = {provider.info.id: provider for provider in providers}
        async with open_studio(env, plugins={**plugins, **(extra or {})}) as studio:
            job = (await studio.submit({"prompt": "x", **body})).job
            await studio.wait(job.id)
            return job.resolution.model_dump()

    return asyncio.run(main())


def test_subscription_before_metered_then_priority_then_id(env: Env) -> None:
    paid = FakeProvider(id="a", billing="metered", priority=1)
    late = FakeProvider(id="b", billing="subscription", priority=20)
    early = FakeProvider(id="c", billing="subscription", priority=10)
    assert resolve(env, paid, late, early)["provider"] == "c"


def test_the_first_ready_one_and_a_reason_for_each_skipped(env: Env) -> None:
    off = FakeProvider(id="a", billing="subscription", ready=False)
    video = FakeProvider(id="b", billing="subscription", kinds=("video",))
    small = FakeProvider(id="c", models=(ModelInfo("c-1", capabilities=Capabilities(max_count=1)),))
    good = FakeProvider(id="d")
    resolution = resolve(env, off, video, small, good, n=2)
    assert resolution["provider"] == "d"
    assert {each["provider"]: each["fix"] for each in resolution["skipped"]} == {"a": "ima2 login a", "c": None}


def test_the_users_order_wins(env: Env) -> None:
    config = Path(env["IMA2_CONFIG_DIR"]) / "config.json"
    config.parent.mkdir()
    config.write_text(json.dumps({"providers": {"order": "b,a"}}))
    assert resolve(env, FakeProvider(id="a", billing="subscription"), FakeProvider(id="b"))["provider"] == "b"


def test_one_that_does_not_offer_itself_is_never_chosen(env: Env) -> None:
    with pytest.raises(NotReady) as caught:
        resolve(env, FakeProvider(id="a", auto=False))
    assert caught.value.code == "NO_PROVIDER_READY"


def test_nothing_ready_names_every_fix(env: Env) -> None:
    with pytest.raises(NotReady) as caught:
        resolve(env, FakeProvider(id="a", ready=False), FakeProvider(id="b", ready=False))
    assert caught.value.hint == "ima2 login a  or  ima2 login b"
    assert caught.value.exit_code == 4


def test_a_plugin_may_choose_among_those_that_can(env: Env) -> None:
    class Chooser:
        @hookimpl
        def ima2_resolve_provider(self, request: Any, candidates: Any) -> Resolution:
            return Resolution(provider=candidates[-1].id, reason="the last shall be first")

    resolution = resolve(env, FakeProvider(id="a"), FakeProvider(id="b"), extra={"chooser": Chooser()})
    assert (resolution["provider"], resolution["reason"]) == ("b", "the last shall be first")


def test_a_broken_chooser_is_passed_over(env: Env) -> None:
    class Chooser:
        @hookimpl
        def ima2_resolve_provider(self, request: Any, candidates: Any) -> Resolution:
            raise KeyError("oops")

    assert resolve(env, FakeProvider(id="a"), extra={"chooser": Chooser()})["provider"] == "a"


def test_quality_is_medium_where_it_can_be_chosen_and_open_where_not(env: Env) -> None:
    plain = FakeProvider(models=(ModelInfo("m"),))
    strange = FakeProvider(models=(ModelInfo("m", capabilities=Capabilities(qualities=("fine",))),))
    assert [quality(env, each) for each in (FakeProvider(), plain, strange)] == ["medium", None, None]


def test_a_preference_holds_where_it_can_and_is_no_warning_where_not(env: Env) -> None:
    plain = FakeProvider(models=(ModelInfo("m"),))
    wish = {"prefer": {"quality": "low"}}
    assert [quality(env, each, **wish) for each in (FakeProvider(), plain)] == ["low", None]
    assert quality(env, FakeProvider(), quality="high", **wish) == "high"


def quality(env: Env, provider: FakeProvider, **body: Any) -> str | None:
    async def main() -> dict[str, Any]:
        async with open_studio(env, plugins={"fake": provider}) as studio:
            return await studio.preview({"prompt": "x", "provider": "fake", **body})

    preview = asyncio.run(main())
    assert preview["warnings"] == []
    return preview["request"].get("quality")
