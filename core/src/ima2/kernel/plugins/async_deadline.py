"""The same deadlines for callers in an event loop, and for awaitables."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TypeVar

from ima2.kernel.plugins.deadline import Outcome, Overdue, start

T = TypeVar("T")


async def run_within(seconds: float, function: Callable[[], T]) -> T:
    """Like :func:`~ima2.kernel.plugins.deadline.call_within`, without holding up the loop.

    Not ``asyncio.to_thread``: its pool would wait for a hanging call when the loop ends.
    """
    loop = asyncio.get_running_loop()
    arrived: asyncio.Future[Outcome[T]] = loop.create_future()

    def settle(outcome: Outcome[T]) -> None:
        if not arrived.done():
            arrived.set_result(outcome)

    def done(outcome: Outcome[T]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any more
            loop.call_soon_threadsafe(settle, outcome)

    start(function, done)
    try:
        async with asyncio.timeout(seconds):
            outcome = await arrived
    except TimeoutError:
        raise Overdue(seconds) from None
    return outcome.unwrap()


async def await_within(seconds: float, awaitable: Awaitable[T]) -> T:
    """Await at most ``seconds``; raises what it raises.

    :raises Overdue: it was cancelled, and is not waited for even when it ignores that.
    """
    task = asyncio.ensure_future(_outcome(awaitable))
    try:
        await asyncio.wait({task}, timeout=seconds)
    finally:
        task.cancel()
    if not task.done():
        raise Overdue(seconds)
    return task.result().unwrap()


async def _outcome(awaitable: Awaitable[T]) -> Outcome[T]:
    try:
        return Outcome(value=await awaitable)
    except asyncio.CancelledError as error:
        if (task := asyncio.current_task()) and task.cancelling():
            raise
        return Outcome(error=RuntimeError(f"cancelled itself: {error!r}"))
    except (Exception, SystemExit) as error:
        return Outcome(error=error)
