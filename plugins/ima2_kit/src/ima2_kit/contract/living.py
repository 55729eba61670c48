"""Status, cancelling, secrets: how a provider behaves in a house with others."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from ima2.errors import Ima2Error
from ima2.hookspecs import Status
from ima2.models import CallEvent

from ima2_kit.context import KitContext
from ima2_kit.contract.bench import Bench, Contract
from ima2_kit.watch import NETWORK, watching

STATUS_SECONDS = 0.5
"""What ima2 waits for a status."""
CLOSING_SECONDS = 5.0
MOST_WAITS = 20
KINDS = ("image", "video", "text")
SECRET_LETTERS = 8


class Living(Contract):
    """What holds beside the paid call itself."""

    @pytest.mark.parametrize("signed_in", [True, False], ids=["signed in", "signed out"])
    def test_status_is_local_and_quick(self, bench: Bench, signed_in: bool) -> None:
        """In time and without a connection; who is not ready says what to type."""
        status, seen = asyncio.run(_status(bench, signed_in))
        assert seen == [], "a status comes from local reads alone"
        if status is None:
            return  # always ready
        assert isinstance(status, Status)
        assert json.dumps(dict(status.legacy)) is not None
        if not status.ready:
            assert status.why.strip(), "say what is missing"
            assert status.hint or bench.info.login, "name the one command that makes it ready"

    def test_sign_in_is_complete(self, bench: Bench) -> None:
        """``ima2_auth`` gives None, or an object that can log in by its methods and log out."""
        auth = asyncio.run(_auth(bench))
        if auth is None:
            return
        assert set(auth.methods) <= {"browser", "device", "paste", "api_key"}
        assert auth.methods
        assert callable(auth.login)
        assert callable(auth.logout)

    @pytest.mark.parametrize("kind", KINDS)
    def test_closes_wherever_it_is_left(self, bench: Bench, kind: str) -> None:
        """A stream that is closed after any of its events yields nothing more and leaves no task behind."""
        bench.model(kind)
        count = asyncio.run(_closed_after(bench, kind, None))
        for leave_after in range(1, count):
            asyncio.run(_closed_after(bench, kind, leave_after))

    @pytest.mark.parametrize("kind", KINDS)
    def test_cancelling_is_felt(self, bench: Bench, kind: str) -> None:
        """Wherever the provider waits, being cancelled ends it soon, and it swallows nothing."""
        bench.model(kind)
        for waits in range(1, MOST_WAITS):
            if not asyncio.run(_cancelled(bench, kind, waits)):
                break

    @pytest.mark.parametrize("kind", KINDS)
    def test_tells_no_secret(self, bench: Bench, kind: str, caplog: pytest.LogCaptureFixture) -> None:
        """No secret in events, errors or the log; no prompt in the log above debug."""
        bench.model(kind)
        caplog.set_level(logging.DEBUG)
        said, settings = asyncio.run(_said(bench, kind))
        logged = "\n".join(record.getMessage() for record in caplog.records)
        shown = "\n".join(record.getMessage() for record in caplog.records if record.levelno > logging.DEBUG)
        for secret in _secrets(bench, settings):
            assert secret not in said, "a secret is in an event or an error"
            assert secret not in logged, "a secret is in the log"
        assert bench.prompt not in shown, "a prompt is logged above debug"


async def _status(bench: Bench, signed_in: bool) -> tuple[Any, list[str]]:
    async with bench.context(signed_in=signed_in) as context:
        await _asked_status(bench, context)  # the first time imports
        with watching(NETWORK) as seen:
            return await _asked_status(bench, context, STATUS_SECONDS), seen


async def _asked_status(bench: Bench, context: KitContext, seconds: float = 30.0) -> Any:
    answer = bench.hooks.ask("ima2_status", context=context)
    if answer is None:
        return None
    assert hasattr(answer, "__await__"), "ima2_status is an async def"
    try:
        async with asyncio.timeout(seconds):
            return await answer
    except TimeoutError:
        pytest.fail(f"no status within {seconds:g} s")


async def _auth(bench: Bench) -> Any:
    async with bench.context() as context:
        return bench.hooks.ask("ima2_auth", context=context)


async def _closed_after(bench: Bench, kind: str, leave_after: int | None) -> int:
    """Read so many events, then close; returns how many there were."""
    async with bench.context() as context:
        stream = await _stream(bench, kind, context)
        count = 0
        async for _ in stream:
            count += 1
            if count == leave_after:
                break
        async with asyncio.timeout(CLOSING_SECONDS):
            await stream.aclose()
        left = [event async for event in stream]
        assert left == [], "a closed stream goes on"
        await asyncio.sleep(0)
    others = asyncio.all_tasks() - {asyncio.current_task()}
    assert not others, f"tasks left behind after event {leave_after}: {others}"
    return count


async def _cancelled(bench: Bench, kind: str, waits: int) -> bool:
    """Cancel the ``waits``-th time that the provider waits for something; False when it never does so often."""
    async with bench.context() as context:
        stream = await _stream(bench, kind, context)
        while True:
            step = asyncio.create_task(_next(stream))
            await asyncio.sleep(0)
            waits -= not step.done()
            if waits:
                if await step is None:
                    return False
                continue
            step.cancel()
            await asyncio.wait({step}, timeout=CLOSING_SECONDS)
            assert step.done(), f"cancelled, it goes on for more than {CLOSING_SECONDS:g} s"
            assert step.cancelled(), "cancelled, it goes on: let CancelledError pass"
            return True


async def _next(stream: Any) -> CallEvent | None:
    event: CallEvent | None = await anext(stream, None)
    return event


async def _said(bench: Bench, kind: str) -> tuple[str, Mapping[str, Any]]:
    """All that a call says, and the settings it ran with."""
    async with bench.context() as context:
        stream = await _stream(bench, kind, context)
        lines: list[str] = []
        try:
            async for event in stream:
                lines.append(event.model_dump_json())  # noqa: PERF401 - an error must not take these with it
        except Ima2Error as error:
            lines.append(json.dumps(error.to_dict(), default=str))
        lines.append(repr(await _asked_status(bench, context)))
        return "\n".join(lines), context.settings


async def _stream(bench: Bench, kind: str, context: KitContext) -> Any:
    if kind == "text":
        return bench.converse(context)
    plan = await bench.plan(bench.request(bench.model(kind), context.settings), context)
    return bench.generate(plan.calls[0], context)


def _secrets(bench: Bench, settings: Mapping[str, Any]) -> Iterator[str]:
    secret_settings = [settings.get(setting.name) for setting in bench.info.settings if setting.secret]
    pending: list[Any] = [bench.credentials, *secret_settings]
    while pending:
        value = pending.pop()
        if isinstance(value, Mapping):
            pending.extend(value.values())
        elif isinstance(value, list | tuple):
            pending.extend(value)
        elif isinstance(value, str) and len(value) >= SECRET_LETTERS:
            yield value
