"""Follow a job from the command line to its end, whichever that is."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from ima2.cli.backend import Backend, Event
from ima2.cli.failure import INTERRUPTED, Interrupted
from ima2.cli.leaving import asked_again, left, ordered, timed_out
from ima2.cli.progress import Warnings, show_progress
from ima2.cli.terminal import note
from ima2.errors import Ima2Error

CANCEL_SECONDS = 35.0
"""How long Ctrl+C waits for the job to end cleanly."""
SECOND_LOOK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Watch:
    """What to show meanwhile; ``draft`` is told of each ``partial``.

    ``leaves``: a job that a service has already is left to it, by Ctrl+C as after ``timeout`` seconds.
    """

    verbose: bool = False
    draft: Callable[[Event], Awaitable[None]] | None = None
    leaves: bool = False
    timeout: float | None = None


async def watch_job(backend: Backend, job_id: str, events: AsyncIterator[Event], watch: Watch) -> Mapping[str, Any]:
    """The answer of a job.

    Ctrl+C cancels the job, wherever it runs, and says what may still be charged; a second one leaves at once. From a
    job that can be left and is ordered, the first one leaves and the second one cancels.

    :raises Interrupted: after the first Ctrl+C.
    :raises Ima2Error: what ended the job, with its ``requestId``.
    """
    try:
        async with asyncio.timeout(watch.timeout):
            return await _answer(events, watch)
    except asyncio.CancelledError:
        if watch.leaves and await ordered(backend, job_id) and not await asked_again(backend, job_id):
            raise await left(backend, job_id) from None
        raise await _interrupted(backend, job_id) from None
    except TimeoutError:
        raise await timed_out(backend, job_id, watch.timeout or 0, leaves=watch.leaves) from None
    except Ima2Error as error:
        error.details.setdefault("requestId", job_id)
        raise


async def _answer(events: AsyncIterator[Event], watch: Watch) -> Mapping[str, Any]:
    warnings = Warnings()
    with show_progress(verbose=watch.verbose) as progress:
        async with aclosing(events) as stream:  # type: ignore[type-var]
            async for event in stream:
                if event.name == "done":
                    answer = event.data
                    break
                progress(event)
                if event.name == "warning":
                    with progress.aside():
                        warnings(event.data)
                elif event.name == "partial" and watch.draft:
                    with progress.aside():
                        await watch.draft(event)
            else:
                raise Ima2Error("The job ended without an answer.", code="JOB_UNKNOWN", status=409)
    for warning in answer.get("warnings", ()):
        warnings(warning)
    return answer


async def _interrupted(backend: Backend, job_id: str) -> Interrupted:
    signal.signal(signal.SIGINT, _leave)
    note("Stopping the job (Ctrl+C again leaves at once) …")
    try:
        async with asyncio.timeout(CANCEL_SECONDS):
            said = await _stopped(backend, job_id)
            facts = _facts(await backend.job(job_id)) if said["active"] else {}
    except (Ima2Error, TimeoutError) as error:
        text = error.message if isinstance(error, Ima2Error) else "it did not stop in time"
        return Interrupted(
            f"Interrupted; the job could not be stopped: {text}",
            job_id,
            paid="maybe",
            hint=f"ima2 jobs show {job_id}",
        )
    return Interrupted(f"Interrupted. {said.get('message', '')}".strip(), job_id, **facts)


def _facts(job: Mapping[str, Any]) -> dict[str, Any]:
    """What a stopped job may cost, what of it is kept, and what can be done about it."""
    error = job.get("error") or {}
    kept = dict.fromkeys((*job.get("filenames", ()), *(error.get("kept") or ())))
    return {"paid": error.get("paid", "no"), "hint": error.get("hint"), "kept": tuple(kept)}


async def _stopped(backend: Backend, job_id: str) -> Mapping[str, Any]:
    """A job may have been accepted just as the interrupt came; a second look finds it."""
    said = await backend.cancel(job_id)
    if not said["active"]:
        await asyncio.sleep(SECOND_LOOK_SECONDS)
        said = await backend.cancel(job_id)
    return said


def _leave(_number: int, _frame: object) -> None:
    """The ledger has it all; the next process goes on with what was left."""
    os._exit(INTERRUPTED)
