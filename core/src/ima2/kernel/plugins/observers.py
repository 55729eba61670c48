"""Plugins that look on: told after the fact, never waited for, never able to hurt."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import pluggy

from ima2.kernel.plugins.async_deadline import await_within, run_within
from ima2.kernel.plugins.collect import reason
from ima2.kernel.plugins.deadline import Overdue
from ima2.kernel.plugins.dispatch import Dispatcher
from ima2.kernel.plugins.host import PluginHost

if TYPE_CHECKING:
    from ima2.models import Artifact, Job, JobEvent

QUEUE_LENGTH = 1000
"""What may wait for one observer; then the oldest goes."""
OBSERVE_SECONDS = 10.0
DRAIN_SECONDS = 2.0
"""How long a closing house waits for observers."""

_HOOKS = ("ima2_job_event", "ima2_artifact_saved")
_logger = logging.getLogger(__name__)


class Observers:
    """Tells each observing plugin everything in order, in a lane of its own: a slow one delays no other.

    To be used in one event loop.
    """

    def __init__(
        self, dispatcher: Dispatcher, *, queue_length: int = QUEUE_LENGTH, deadline: float = OBSERVE_SECONDS
    ) -> None:
        callers: dict[str, dict[str, pluggy.HookCaller]] = {}
        for hook in _HOOKS:
            for plugin, caller in dispatcher.host.answering(hook):
                callers.setdefault(plugin.name, {})[hook] = caller
        self._lanes = [_Lane(dispatcher.host, name, own, queue_length, deadline) for name, own in callers.items()]

    def job_event(self, event: JobEvent) -> None:
        """Tell of an event that is on disk. Returns at once."""
        self._tell("ima2_job_event", event=event)

    def artifact_saved(self, artifact: Artifact, job: Job) -> None:
        """Tell of a stored artifact. Returns at once."""
        self._tell("ima2_artifact_saved", artifact=artifact, job=job)

    async def aclose(self, *, deadline: float = DRAIN_SECONDS) -> None:
        """Let what waits be told for at most ``deadline`` seconds, then stop."""
        await asyncio.gather(*(lane.aclose(deadline) for lane in self._lanes))

    def _tell(self, hook: str, **kwargs: Any) -> None:
        for lane in self._lanes:
            lane.put(hook, kwargs)


class _Lane:
    """One observer, its queue, and the task that empties it."""

    def __init__(
        self,
        host: PluginHost,
        name: str,
        callers: Mapping[str, pluggy.HookCaller],
        queue_length: int,
        deadline: float,
    ) -> None:
        self._host = host
        self._name = name
        self._callers = callers
        self._deadline = deadline
        self._queue: asyncio.Queue[tuple[str, dict[str, Any]]] = asyncio.Queue(queue_length)
        self._task: asyncio.Task[None] | None = None
        self._open = True
        self._dropped = 0

    def put(self, hook: str, kwargs: dict[str, Any]) -> None:
        if not self._open or hook not in self._callers:
            return
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        if self._queue.full():
            self._drop_oldest()
        self._queue.put_nowait((hook, kwargs))

    async def aclose(self, deadline: float) -> None:
        self._open = False
        if self._task is None:
            return
        drained = asyncio.ensure_future(self._queue.join())
        await asyncio.wait({drained, self._task}, timeout=deadline, return_when=asyncio.FIRST_COMPLETED)
        drained.cancel()
        self._task.cancel()
        await asyncio.wait({self._task})

    def _drop_oldest(self) -> None:
        self._queue.get_nowait()
        self._queue.task_done()
        self._dropped += 1
        if self._dropped == 1:
            _logger.warning("plugin %s is too slow an observer; it misses the oldest events", self._name)

    async def _run(self) -> None:
        while self._open or not self._queue.empty():
            hook, kwargs = await self._queue.get()
            try:
                await self._observe(hook, kwargs)
            except Overdue as error:
                # Its thread is lost. Calling it again would lose one more each time.
                self._open = False
                self._fail(hook, f"{error}; it is told nothing more")
                return
            self._queue.task_done()

    async def _observe(self, hook: str, kwargs: dict[str, Any]) -> None:
        """:raises Overdue: a call hangs; an awaitable that takes too long is cancelled, and that is all."""
        try:
            answers = await run_within(self._deadline, partial(_answers, self._callers[hook], kwargs))
            for answer in answers:
                if inspect.isawaitable(answer):
                    await self._finish(hook, answer)
        except Overdue:
            raise
        except (Exception, SystemExit) as error:
            self._fail(hook, reason(error))

    async def _finish(self, hook: str, answer: Awaitable[Any]) -> None:
        try:
            await await_within(self._deadline, answer)
        except Overdue as error:
            self._fail(hook, reason(error))

    def _fail(self, hook: str, error: str) -> None:
        self._host.note_failure(self._name, hook, error)


def _answers(caller: pluggy.HookCaller, kwargs: dict[str, Any]) -> list[Any]:
    return list(caller(**kwargs))
