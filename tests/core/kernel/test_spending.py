"""What a job has cost: planning and every call, each once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from fakes import FakeProvider, png
from ima2.errors import JobUnknown
from ima2.hookspecs import Context, hookimpl
from ima2.kernel.jobs.planning import default_plan
from ima2.kernel.opening import open_studio
from ima2.models import PlanEvent, Planned, Request, Sending, Usage


class Planner(FakeProvider):
    """Planning costs 1 cent, in two steps."""

    @hookimpl
    async def ima2_plan(self, request: Request, context: Context) -> AsyncIterator[PlanEvent]:
        yield Usage(cost_usd=0.006, raw={"ticks": 6})
        yield Usage(cost_usd=0.004, raw={"ticks": 4})
        yield Planned(plan=default_plan(request))


def drawn(cost: float | None, ticks: int, shade: int) -> list[Any]:
    return [Sending(), Usage(cost_usd=cost, raw={"ticks": ticks}), png(shade=shade)]


def spent(env: dict[str, str], provider: FakeProvider, n: int, *, retry: bool = False) -> dict[str, Any]:
    async def main() -> dict[str, Any]:
        async with open_studio(env, plugins={"fake": provider}) as studio:
            job = await studio.wait((await studio.submit({"prompt": "x", "provider": "fake", "n": n})).job.id)
            if retry:
                assert job.state == "unknown"
                job = await studio.wait((await studio.retry(job.id)).id)
            return await studio.answer(job)

    return asyncio.run(main())


def test_planning_and_calls_add_up(env: dict[str, str]) -> None:
    told = spent(env, Planner(drawn(0.02, 20, 1), drawn(0.02, 20, 2)), 2)
    assert round(told["costUsd"], 6) == 0.05
    assert told["usage"]["ticks"] == 50


def test_one_unknown_cost_makes_the_sum_unknown(env: dict[str, str]) -> None:
    told = spent(env, Planner(drawn(None, 20, 1)), 1)
    assert told["costUsd"] is None
    assert told["usage"]["ticks"] == 30


def test_nothing_counts_twice_when_an_unknown_job_goes_on(env: dict[str, str]) -> None:
    lost = [Sending(), JobUnknown("no answer", paid="maybe")]
    told = spent(env, Planner(drawn(0.02, 20, 1), lost, drawn(0.02, 20, 2)), 2, retry=True)
    assert told["count"] == 2
    assert told["usage"]["ticks"] == 50
