"""Asking one provider: what it does wrong names it, and touches nobody else."""

from __future__ import annotations

import asyncio
import threading
from asyncio import CancelledError
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

import pytest
from ima2.errors import Ima2Error, InvalidRequest, PluginFailed, RateLimited, Unsupported
from ima2.hookspecs import ModelInfo, Problem, Status, hookimpl
from ima2.kernel.plugins.dispatch import Dispatcher
from ima2.models import Call, Message, Phase, Request, Step, Text, Turn

REQUEST = Request(id="r", prompt="a secret wish")
CALL = Call(key="r.0", prompt="a secret wish", model="m")
TURN = Turn(model="m", messages=(Message(text="a secret question"),))
CONTEXT: Any = None
Make = Callable[..., Dispatcher]


async def drain(stream: Any) -> list[Any]:
    async with aclosing(stream) as events:
        return [event async for event in events]


def failure(work: Any) -> Ima2Error:
    async def run() -> Any:
        return await (work() if callable(work) else work)

    with pytest.raises(Ima2Error) as caught:
        asyncio.run(run())
    return caught.value


def with_hook(provider: Any, hook: str, function: Callable[..., Any], provider_id: str = "acme") -> Any:
    """A provider whose one hook is ``function``."""
    return type("Plugin", (provider,), {hook: staticmethod(hookimpl(function))})(provider_id)


def test_only_the_one_that_was_asked_is_called(make: Make, provider: Any) -> None:
    asked: list[str] = []

    def plugin(name: str) -> Any:
        def check(request: Any) -> list[Problem]:
            asked.append(name)
            return [Problem(name, None, name)]

        return with_hook(provider, "ima2_check", check, name)

    dispatcher = make(a=plugin("a"), b=plugin("b"), c=plugin("c"))
    assert [problem.code for problem in asyncio.run(dispatcher.check("b", REQUEST))] == ["b"]
    assert asked == ["b"]


def test_what_nobody_implements_has_an_answer(make: Make, provider: Any) -> None:
    dispatcher = make(acme=provider("acme"))

    async def ask() -> None:
        assert await dispatcher.check("acme", REQUEST) == ()
        assert await dispatcher.steps("acme", REQUEST) == ()
        assert dispatcher.plan("acme", REQUEST, CONTEXT) is None
        assert await dispatcher.cancel("acme", CALL, CONTEXT) is False
        assert await dispatcher.models("acme", CONTEXT) == ()
        assert await dispatcher.auth("acme", CONTEXT) is None
        assert await dispatcher.status("acme", CONTEXT) == Status(ready=True)
        for stream in (dispatcher.generate_image, dispatcher.generate_video):
            with pytest.raises(Unsupported) as caught:
                stream("acme", CALL, CONTEXT)
            assert caught.value.code == "NOT_IMPLEMENTED"
        with pytest.raises(Unsupported):
            dispatcher.converse("acme", TURN, CONTEXT)

    asyncio.run(ask())
    assert not dispatcher.implements("acme", "ima2_check")
    assert dispatcher.implements("acme", "ima2_provider")


def test_every_method_refuses_an_unknown_provider(make: Make, provider: Any) -> None:
    dispatcher = make(acme=provider("acme"))
    for work in (
        lambda: dispatcher.check("x", REQUEST),
        lambda: dispatcher.steps("x", REQUEST),
        lambda: dispatcher.status("x", CONTEXT),
        lambda: dispatcher.models("x", CONTEXT),
        lambda: dispatcher.auth("x", CONTEXT),
        lambda: dispatcher.plan("x", REQUEST, CONTEXT),
        lambda: dispatcher.generate_image("x", CALL, CONTEXT),
    ):
        error = failure(work)
        assert isinstance(error, InvalidRequest)
        assert error.code == "UNKNOWN_PROVIDER"


@pytest.mark.parametrize("error", [ValueError("a secret wish"), SystemExit(1), StopIteration(), CancelledError()])
def test_a_foreign_exception_names_plugin_and_hook_but_not_its_text(
    make: Make, provider: Any, error: BaseException
) -> None:
    def check(request: Any) -> None:
        raise error

    dispatcher = make(mine=with_hook(provider, "ima2_check", check))
    found = failure(dispatcher.check("acme", REQUEST))
    assert isinstance(found, PluginFailed)
    assert "The plugin mine failed in ima2_check: " in found.message
    assert "secret" not in str(found.to_dict())
    assert found.details == {"plugin": "mine", "hook": "ima2_check"}
    assert [(each.plugin, each.hook) for each in dispatcher.host.failures] == [("mine", "ima2_check")]


def test_an_ima2_error_passes_as_it_is(make: Make, provider: Any) -> None:
    mine = RateLimited("slow down", retry_after=3)

    def check(request: Any) -> None:
        raise mine

    async def generate(call: Any, context: Any) -> Any:
        yield Phase(name="generate")
        raise mine

    plugin = with_hook(provider, "ima2_check", check)
    assert failure(make(a=plugin).check("acme", REQUEST)) is mine
    dispatcher = make(a=with_hook(provider, "ima2_generate_image", generate))
    assert failure(lambda: drain(dispatcher.generate_image("acme", CALL, CONTEXT))) is mine
    assert dispatcher.host.failures == ()


@pytest.mark.parametrize("answer", ["text", 7, {"a": 1}, [Step(name="s", summary="s")], [None], object()])
def test_a_wrong_kind_of_answer_is_refused(make: Make, provider: Any, answer: Any) -> None:
    dispatcher = make(a=with_hook(provider, "ima2_check", lambda request: answer))
    assert "must answer with a list of Problem" in failure(dispatcher.check("acme", REQUEST)).message


def test_an_async_hook_where_a_plain_one_belongs(make: Make, provider: Any) -> None:
    async def check(request: Any) -> list[Problem]:
        return []

    dispatcher = make(a=with_hook(provider, "ima2_check", check))
    assert "not with coroutine" in failure(dispatcher.check("acme", REQUEST)).message


def test_a_plain_hook_where_an_async_one_belongs(make: Make, provider: Any) -> None:
    dispatcher = make(a=with_hook(provider, "ima2_models", lambda context: [ModelInfo("m")]))
    assert "must answer with an awaitable" in failure(lambda: dispatcher.models("acme", CONTEXT)).message


def test_models_and_steps_come_as_tuples(make: Make, provider: Any) -> None:
    async def models(context: Any) -> list[ModelInfo]:
        return [ModelInfo("m")]

    step = Step(name="generate", summary="s", paid=True)
    with_models = make(a=with_hook(provider, "ima2_models", models))
    with_steps = make(a=with_hook(provider, "ima2_steps", lambda request: [step]))
    assert asyncio.run(with_models.models("acme", CONTEXT)) == (ModelInfo("m"),)
    assert asyncio.run(with_steps.steps("acme", REQUEST)) == (step,)


def test_a_hanging_check_stops_neither_loop_nor_process(make: Make, provider: Any) -> None:
    release = threading.Event()
    dispatcher = make(a=with_hook(provider, "ima2_check", lambda request: release.wait()), b=provider("b"))

    async def both() -> Ima2Error:
        hanging = asyncio.create_task(dispatcher.check("acme", REQUEST, deadline=0.2))
        assert await dispatcher.check("b", REQUEST) == ()
        assert not hanging.done()
        with pytest.raises(PluginFailed) as caught:
            await hanging
        return caught.value

    assert "took longer than 0.2 s" in asyncio.run(both()).message
    release.set()


def status_of(dispatcher: Dispatcher, deadline: float = 5) -> Status:
    return asyncio.run(dispatcher.status("acme", CONTEXT, deadline=deadline))


def test_a_slow_status_is_not_ready_and_is_stopped(make: Make, provider: Any) -> None:
    stopped: list[bool] = []

    async def status(context: Any) -> Status:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.append(True)
        return Status(ready=True)

    dispatcher = make(mine=with_hook(provider, "ima2_status", status))

    async def ask() -> Status:
        found = await dispatcher.status("acme", CONTEXT, deadline=0.05)
        await asyncio.sleep(0)
        assert stopped == [True]
        return found

    found = asyncio.run(ask())
    assert not found.ready
    assert found.why == "The plugin mine failed in ima2_status: it took longer than 0.05 s."


def test_a_status_that_ignores_being_cancelled_is_not_waited_for(make: Make, provider: Any) -> None:
    release = asyncio.Event()

    async def status(context: Any) -> Status:
        while not release.is_set():
            try:
                await release.wait()
            except CancelledError:
                continue
        return Status(ready=True)

    dispatcher = make(a=with_hook(provider, "ima2_status", status))

    async def ask() -> Status:
        found = await dispatcher.status("acme", CONTEXT, deadline=0.05)
        release.set()
        return found

    assert not asyncio.run(ask()).ready


@pytest.mark.parametrize("error", [KeyError("secret"), SystemExit(1), CancelledError()])
def test_a_failing_status_is_not_ready(make: Make, provider: Any, error: BaseException) -> None:
    async def status(context: Any) -> Status:
        raise error

    found = status_of(make(mine=with_hook(provider, "ima2_status", status)))
    assert not found.ready
    assert "The plugin mine failed in ima2_status" in found.why
    assert "secret" not in found.why


def test_a_status_of_the_wrong_kind_is_not_ready(make: Make, provider: Any) -> None:
    async def status(context: Any) -> bool:
        return True

    found = status_of(make(a=with_hook(provider, "ima2_status", status)))
    assert not found.ready
    assert "must answer with a Status, not with bool" in found.why


def test_auth_must_be_able_to_sign_in_and_out(make: Make, provider: Any) -> None:
    dispatcher = make(a=with_hook(provider, "ima2_auth", lambda context: "token"))
    assert "login and logout" in failure(lambda: dispatcher.auth("acme", CONTEXT)).message


@pytest.mark.parametrize("hook", ["generate_image", "generate_video", "plan"])
@pytest.mark.parametrize("error", [ValueError("a secret wish"), SystemExit(1), CancelledError()])
def test_a_stream_that_breaks_names_its_plugin(make: Make, provider: Any, hook: str, error: BaseException) -> None:
    async def stream(context: Any) -> Any:
        yield Phase(name="generate")
        raise error

    dispatcher = make(mine=with_hook(provider, f"ima2_{hook}", stream))
    seen: list[Any] = []

    async def run() -> None:
        asked = REQUEST if hook == "plan" else CALL
        async with aclosing(getattr(dispatcher, hook)("acme", asked, CONTEXT)) as events:
            async for event in events:
                seen.append(event)  # noqa: PERF401

    found = failure(run())
    assert isinstance(found, PluginFailed)
    assert f"The plugin mine failed in ima2_{hook}" in found.message
    assert "secret" not in found.message
    assert seen == [Phase(name="generate")]


@pytest.mark.parametrize("answer", [[Phase(name="x")], 7, "text"])
def test_what_is_no_async_iterator_is_refused(make: Make, provider: Any, answer: Any) -> None:
    dispatcher = make(a=with_hook(provider, "ima2_generate_image", lambda call: answer))
    with pytest.raises(PluginFailed, match="must answer with an async iterator"):
        dispatcher.generate_image("acme", CALL, CONTEXT)


def test_a_coroutine_in_place_of_a_stream_is_refused(make: Make, provider: Any) -> None:
    async def generate(call: Any) -> list[Any]:
        return []

    dispatcher = make(a=with_hook(provider, "ima2_generate_image", generate))
    with pytest.raises(PluginFailed, match="not with coroutine"):
        dispatcher.generate_image("acme", CALL, CONTEXT)


def test_none_is_no_stream_but_a_fine_plan(make: Make, provider: Any) -> None:
    nothing = make(a=with_hook(provider, "ima2_generate_image", lambda call: None))
    with pytest.raises(Unsupported, match="Acme does not implement ima2_generate_image"):
        nothing.generate_image("acme", CALL, CONTEXT)
    unplanned = make(a=with_hook(provider, "ima2_plan", lambda request: None))
    assert unplanned.plan("acme", REQUEST, CONTEXT) is None


def test_a_stream_is_pulled_one_event_at_a_time(make: Make, provider: Any) -> None:
    reached: list[int] = []

    async def generate(call: Any) -> Any:
        for number in range(3):
            reached.append(number)
            yield Text(delta=str(number))

    dispatcher = make(a=with_hook(provider, "ima2_generate_image", generate))

    async def run() -> None:
        async with aclosing(dispatcher.generate_image("acme", CALL, CONTEXT)) as events:
            assert reached == []
            await anext(events)
            assert reached == [0], "the paid request waits until Sending is on disk"

    asyncio.run(run())
    assert reached == [0]


def test_closing_and_cancelling_reach_the_provider_in_its_own_task(make: Make, provider: Any) -> None:
    closed_in: list[Any] = []

    async def generate(call: Any) -> Any:
        try:
            yield Phase(name="generate")
            await asyncio.Event().wait()
        finally:
            closed_in.append(asyncio.current_task())

    dispatcher = make(a=with_hook(provider, "ima2_generate_image", generate))

    async def consume(stop_early: bool) -> None:
        async with aclosing(dispatcher.generate_image("acme", CALL, CONTEXT)) as events:
            async for _ in events:
                if stop_early:
                    return

    async def run() -> None:
        early = asyncio.create_task(consume(True))
        await early
        late = asyncio.create_task(consume(False))
        for _ in range(5):
            await asyncio.sleep(0)
        late.cancel()
        with pytest.raises(CancelledError):
            await late
        assert closed_in == [early, late]

    asyncio.run(run())


def test_a_stream_that_will_not_close_is_left(make: Make, provider: Any, caplog: pytest.LogCaptureFixture) -> None:
    async def generate(call: Any) -> Any:
        try:
            yield Phase(name="generate")
        finally:
            yield Phase(name="again")

    dispatcher = make(a=with_hook(provider, "ima2_generate_image", generate))

    async def run() -> None:
        async with aclosing(dispatcher.generate_image("acme", CALL, CONTEXT)) as events:
            await anext(events)

    asyncio.run(run())
    assert "did not close its stream of ima2_generate_image" in caplog.text
