"""``ima2_check`` and ``ima2_steps``: pure, quick, and in agreement with the capability table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import Any

from ima2.hookspecs import ModelInfo, Problem
from ima2.models import Reference, Request, Step

from ima2_kit.contract.bench import Bench, Contract
from ima2_kit.watch import IO, watching, within

PURE_SECONDS = 5.0
"""What ima2 grants a hook that only computes."""
_CHOICES = {
    "quality": "qualities",
    "format": "formats",
    "moderation": "moderations",
    "reasoning_effort": "reasoning_efforts",
    "background": "backgrounds",
    "resolution": "resolutions",
    "aspect_ratio": "aspect_ratios",
}


class Checking(Contract):
    """What is asked before anything is spent."""

    def test_check_accepts_what_the_table_offers(self, bench: Bench) -> None:
        """Each value that the capabilities offer, alone in an else plain request, passes."""
        refused = [
            f"{model.id} {changes}: {problem.code} {problem.message}"
            for model in bench.info.models
            for changes in _offered(model)
            for problem in _check(bench, bench.request(model, **changes))
        ]
        assert refused == []

    def test_check_answers_anything(self, bench: Bench) -> None:
        """Odd requests get problems that a client can show, never an exception."""
        for model in bench.info.models:
            for changes in _odd(model):
                for problem in _check(bench, bench.request(model, **changes)):
                    assert re.fullmatch("[A-Z][A-Z0-9_]*", problem.code), f"{problem.code!r} is no stable code"
                    assert problem.message.strip()
                    assert 400 <= problem.status < 500, "a problem is the request's, so its status is 4xx"

    def test_check_is_pure(self, bench: Bench) -> None:
        """The same request gets the same answer, without a file or a connection."""
        for model in bench.info.models:
            request = bench.request(model)
            first = _check(bench, request)
            with watching(IO) as seen:
                second = _check(bench, request)
            assert first == second
            assert seen == []

    def test_steps_tell_what_will_be_paid(self, bench: Bench) -> None:
        """A dry run names every step; a provider that charges has a paid one, a free one has none."""
        if "ima2_steps" not in bench.hooks.names:
            return  # then ima2 says: one paid step for each picture
        for model in bench.info.models:
            ask = partial(bench.hooks.ask, "ima2_steps", request=bench.request(model))
            steps = within(PURE_SECONDS, ask)
            assert steps, "a dry run that says nothing helps nobody"
            assert all(isinstance(step, Step) and step.summary.strip() and step.count >= 1 for step in steps)
            assert any(step.paid for step in steps) == (bench.info.billing != "free")


def _check(bench: Bench, request: Request) -> list[Problem]:
    answer = within(PURE_SECONDS, partial(bench.hooks.ask, "ima2_check", request=request))
    assert not hasattr(answer, "__await__"), "ima2_check is no coroutine"
    problems = list(answer or [])
    assert all(isinstance(problem, Problem) for problem in problems), f"ima2_check returns {problems!r}"
    return problems


def _offered(model: ModelInfo) -> Iterator[dict[str, Any]]:
    caps = model.capabilities
    if "generate" in caps.operations:
        yield {}
        for field, capability in _CHOICES.items():
            yield from ({field: value} for value in getattr(caps, capability))
        yield from ({"size": size} for size in _sizes(model))
        yield from ({"duration": seconds} for seconds in caps.duration or ())
        yield {"n": caps.max_count}
        yield from ({"seed": seed} for seed in (0, 1) if caps.seed)
        yield from ({"partial_images": count} for count in range(1, caps.partial_images + 1))
        lossy = [name for name in caps.formats if name != "png"]
        yield from ({"compression": level, "format": lossy[0]} for level in (0, 100) if caps.compression and lossy)
        if caps.max_references:
            yield {"references": tuple(_reference(number) for number in range(caps.max_references))}
    if "edit" in caps.operations:
        yield {"operation": "edit", "references": (_reference(0, "source"),)}
        if caps.mask:
            yield {"operation": "edit", "references": (_reference(0, "source"), _reference(1, "mask"))}


def _sizes(model: ModelInfo) -> tuple[str, ...]:
    rule = model.capabilities.sizes
    return (*rule.fixed, *(("auto",) if rule.auto else ())) if rule else ()


def _odd(model: ModelInfo) -> Iterator[dict[str, Any]]:
    yield {"prompt": ""}
    yield {"prompt": "\x00\x1b[31m\u202e" + "x" * 32_000}
    yield {"model": "no-such-model-9"}
    yield {"size": "0x0"}
    yield {"size": "wide"}
    yield {"seed": -1}
    yield {"seed": 2**70}
    yield {"duration": 1e9}
    yield {"format": "bmp", "quality": "?", "background": "?", "compression": 50}
    yield {"options": {"no_such_option": "x"}}
    yield {"operation": "edit"}
    yield {"references": (_reference(0, "mask"),)}
    yield {"references": tuple(_reference(number) for number in range(40))}


def _reference(number: int, role: str = "reference") -> Reference:
    return Reference.model_validate(
        {
            "sha256": f"{number:064x}",
            "mediaType": "image/png",
            "width": 1024,
            "height": 1024,
            "size": 4000,
            "role": role,
            "hasAlpha": role == "mask",
        }
    )
