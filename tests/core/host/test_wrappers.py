"""Plugins that wrap a provider's hook: they may change, refuse and replace, and are blamed for their own faults."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import aclosing
from typing import Any

import pytest
from ima2.errors import CapacityError, PluginFailed
from ima2.hookspecs import Problem, Status, hookimpl
from ima2.kernel.plugins.dispatch import Dispatcher
from ima2.models import Call, Request, Text

CALL = Call(key="r.0", prompt="p", model="m")
REQUEST = Request(id="r", prompt="p")
CONTEXT: Any = None
Make = Callable[..., Dispatcher]


@pytest.fixture
def journal() -> list[str]:
    return []


@pytest.fixture
def acme(provider: Any, journal: list[str]) -> Any:
    """Yields two words and notes when it is closed."""

    class Acme(provider):  # type: ignore[misc]
        @hookimpl
        async def ima2_generate_image(self, call: Call, context: Any) -> AsyncIterator[Text]:
            journal.append("acme began")
            try:
                yield Text(delta=call.prompt)
                yield Text(delta="end")
            finally:
                await asyncio.sleep(0)
                journal.append("acme closed")

        @hookimpl
        def ima2_check(self, request: Request) -> list[Problem]:
            return [Problem("ACME", None, "acme")]

        @hookimpl
        async def ima2_status(self, context: Any) -> Status:
            journal.append("status asked")
            return Status(ready=True)

    return Acme("acme")


class Shout:
    """Changes each event."""

    @hookimpl(wrapper=True)
    def ima2_generate_image(self, call: Call) -> Generator[None, Any, Any]:
        inner = yield

        async def louder() -> AsyncIterator[Text]:
            async with aclosing(inner):
                async for event in inner:
                    yield Text(delta=event.delta.upper())

        return louder()


class Budget:
    """Refuses before anything is called."""

    @hookimpl(wrapper=True)
    def ima2_generate_image(self, call: Call) -> Generator[None, Any, Any]:
        raise CapacityError("The month's budget is used up.", code="BUDGET_REACHED")
        yield


def words(dispatcher: Dispatcher, **options: Any) -> list[str]:
    async def run() -> list[str]:
        async with aclosing(dispatcher.generate_image("acme", CALL, CONTEXT, **options)) as events:
            return [event.delta async for event in events]  # type: ignore[union-attr]

    return asyncio.run(run())


def test_a_wrapper_changes_events(make: Make, acme: Any) -> None:
    assert words(make(acme=acme, shout=Shout())) == ["P", "END"]


def test_a_resumed_call_goes_without_wrappers(make: Make, acme: Any) -> None:
    assert words(make(acme=acme, shout=Shout(), budget=Budget()), raw=True) == ["p", "end"]


def test_a_guard_refuses_before_the_provider_runs(make: Make, acme: Any, journal: list[str]) -> None:
    dispatcher = make(acme=acme, budget=Budget())
    with pytest.raises(CapacityError) as caught:
        words(dispatcher)
    assert caught.value.exit_code == 10
    assert journal == []
    assert dispatcher.host.failures == ()


def test_a_wrapper_works_for_every_provider_and_a_provider_wraps_no_other(make: Make, acme: Any, provider: Any) -> None:
    class Rival(provider):  # type: ignore[misc]
        @hookimpl(wrapper=True)
        def ima2_check(self, request: Request) -> Generator[None, Any, Any]:
            yield
            return [Problem("SABOTAGE", None, "")]

    dispatcher = make(acme=acme, rival=Rival("rival"))
    assert [problem.code for problem in asyncio.run(dispatcher.check("acme", REQUEST))] == ["ACME"]
    assert not dispatcher.implements("rival", "ima2_check")


def test_a_wrapper_adds_to_a_check(make: Make, acme: Any) -> None:
    class Policy:
        @hookimpl(wrapper=True)
        def ima2_check(self, request: Request) -> Generator[None, Any, Any]:
            return [*(yield), Problem("POLICY", "prompt", "not here")]

    codes = [problem.code for problem in asyncio.run(make(acme=acme, policy=Policy()).check("acme", REQUEST))]
    assert codes == ["ACME", "POLICY"]


def test_a_status_may_be_wrapped_or_replaced(make: Make, acme: Any, journal: list[str]) -> None:
    class Closed:
        @hookimpl(wrapper=True)
        def ima2_status(self, context: Any) -> Generator[None, Any, Any]:
            yield

            async def closed() -> Status:
                return Status(ready=False, why="Sunday")

            return closed()

    dispatcher = make(acme=acme, closed=Closed())
    assert asyncio.run(dispatcher.status("acme", CONTEXT)).why == "Sunday"
    assert journal == []
    gc.collect()  # a coroutine that nobody awaited would complain here


def fault_of(dispatcher: Dispatcher) -> PluginFailed:
    with pytest.raises(PluginFailed) as caught:
        words(dispatcher)
    return caught.value


def test_a_wrapper_is_blamed_for_its_own_fault(make: Make, acme: Any, journal: list[str]) -> None:
    class Broken:
        @hookimpl(wrapper=True)
        def ima2_generate_image(self, call: Call) -> Generator[None, Any, Any]:
            inner = yield

            async def broken() -> AsyncIterator[Any]:
                async for event in inner:
                    yield event.no_such_field

            return broken()

    fault = fault_of(make(acme=acme, broken=Broken()))
    assert "The plugin broken failed in ima2_generate_image: AttributeError" in fault.message
    assert journal == ["acme began", "acme closed"]


def test_the_provider_is_blamed_for_its_own_fault_in_a_wrapper(make: Make, provider: Any) -> None:
    class Broken(provider):  # type: ignore[misc]
        @hookimpl
        async def ima2_generate_image(self, call: Call) -> AsyncIterator[Text]:
            yield Text(delta="a")
            raise KeyError("x")

    assert "The plugin mine failed" in fault_of(make(mine=Broken("acme"), shout=Shout())).message


@pytest.mark.parametrize("moment", ["before", "after", "silent", "twice"])
def test_a_wrapper_that_breaks_the_call_itself(make: Make, acme: Any, moment: str) -> None:
    class Broken:
        @hookimpl(wrapper=True)
        def ima2_generate_image(self, call: Call) -> Generator[None, Any, Any]:
            if moment == "before":
                raise RuntimeError("p")
            if moment == "silent":
                return
            inner = yield
            if moment == "twice":
                yield
            if moment == "after":
                raise RuntimeError("p")
            return inner

    assert "The plugin broken failed" in fault_of(make(acme=acme, broken=Broken())).message


def test_of_several_wrappers_all_are_named(make: Make, acme: Any) -> None:
    class Broken:
        @hookimpl(wrapper=True)
        def ima2_generate_image(self, call: Call) -> Generator[None, Any, Any]:
            yield
            return 7

    assert "The plugin broken or shout failed" in fault_of(make(acme=acme, broken=Broken(), shout=Shout())).message


def test_a_forgotten_stream_is_closed_before_the_call_ends(make: Make, acme: Any, journal: list[str]) -> None:
    kept: list[Any] = []

    class Forgetful:
        @hookimpl(wrapper=True)
        def ima2_generate_image(self, call: Call) -> Generator[None, Any, Any]:
            inner = yield
            kept.append(inner)  # so that no collector closes it

            async def first_only() -> AsyncIterator[Text]:
                async for event in inner:
                    yield event
                    return

            return first_only()

    dispatcher = make(acme=acme, forgetful=Forgetful())

    async def run() -> None:
        async with aclosing(dispatcher.generate_image("acme", CALL, CONTEXT)) as events:
            assert [event async for event in events] == [Text(delta="p")]
        assert journal == ["acme began", "acme closed"]

    asyncio.run(run())


def test_a_stream_cancelled_half_way_is_closed_through_a_forgetful_wrapper(
    make: Make, acme: Any, journal: list[str]
) -> None:
    kept: list[Any] = []

    class Stuck:
        @hookimpl(wrapper=True)
        def ima2_generate_image(self, call: Call) -> Generator[None, Any, Any]:
            inner = yield
            kept.append(inner)

            async def stuck() -> AsyncIterator[Text]:
                async for event in inner:
                    yield event
                    await asyncio.Event().wait()

            return stuck()

    dispatcher = make(acme=acme, stuck=Stuck())

    async def run() -> None:
        arrived = asyncio.Event()

        async def consume() -> None:
            async with aclosing(dispatcher.generate_image("acme", CALL, CONTEXT)) as events:
                async for _ in events:
                    arrived.set()

        consumer = asyncio.create_task(consume())
        await arrived.wait()
        consumer.cancel()
        with pytest.raises(asyncio.CancelledError):
            await consumer
        assert journal == ["acme began", "acme closed"]

    asyncio.run(run())


def test_a_cache_may_answer_in_place_of_the_provider(make: Make, acme: Any, journal: list[str]) -> None:
    class Cache:
        @hookimpl(wrapper=True)
        def ima2_generate_image(self, call: Call) -> Generator[None, Any, Any]:
            yield

            async def stored() -> AsyncIterator[Text]:
                yield Text(delta="stored")

            return stored()

    assert words(make(acme=acme, cache=Cache())) == ["stored"]
    assert journal == []


def test_calls_at_the_same_time_do_not_mix(make: Make, acme: Any, journal: list[str]) -> None:
    dispatcher = make(acme=acme, shout=Shout())

    async def one(number: int) -> list[str]:
        call = Call(key=f"r.{number}", prompt=f"w{number}", model="m")
        async with aclosing(dispatcher.generate_image("acme", call, CONTEXT)) as events:
            return [event.delta async for event in events if not await asyncio.sleep(0)]  # type: ignore[union-attr]

    async def run() -> list[list[str]]:
        return await asyncio.gather(*(one(number) for number in range(20)))

    assert asyncio.run(run()) == [[f"W{number}", "END"] for number in range(20)]
    assert journal.count("acme closed") == 20
