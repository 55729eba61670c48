"""Going away from a job without ending it: what was ordered is paid for, and comes later."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping
from typing import Any

from ima2.cli.backend import Backend
from ima2.cli.failure import Interrupted
from ima2.cli.terminal import note
from ima2.errors import Ima2Error, NotFound, Paid

SECOND_CHANCE_SECONDS = 3.0
"""How long a second Ctrl+C is waited for."""


async def ordered(backend: Backend, job_id: str) -> bool:
    """Whether a service has the job, or the order is on its way to it: any process can go on from there.

    So it is taken to be when nobody can tell: a clip is not to be lost for a question without an answer.
    """
    try:
        job = await backend.job(job_id)
    except NotFound:
        return False
    except Ima2Error:
        return True
    return job.get("state") == "running" and any(map(_waits, job.get("calls", ())))


def _waits(call: Mapping[str, Any]) -> bool:
    return bool(call.get("resumable") and call["state"] in ("sending", "submitted", "downloading", "storing", "done"))


async def asked_again(backend: Backend, job_id: str) -> bool:
    """Say how to come back, and wait a moment for a second Ctrl+C."""
    loop, again = asyncio.get_running_loop(), asyncio.Event()

    def heard(_number: int, _frame: Any) -> None:
        loop.call_soon_threadsafe(again.set)

    signal.signal(signal.SIGINT, heard)
    note(f"The clip is ordered and goes on without you. Come back with: {command(backend, job_id)}")
    note("Ctrl+C again gives it up: the service is asked to stop where it can, and may charge it all the same.")
    try:
        async with asyncio.timeout(SECOND_CHANCE_SECONDS):
            await again.wait()
    except TimeoutError:
        return False
    return True


async def left(backend: Backend, job_id: str) -> Interrupted:
    """The end of a command whose job goes on, or came to its own end meanwhile."""
    job = await _job(backend, job_id)
    error = job.get("error") or {}
    if job.get("state") == "done":
        return Interrupted("Interrupted; meanwhile the clip came.", job_id, code="JOB_LEFT", **_came(job))
    if error and job.get("state") in ("failed", "cancelled", "unknown"):
        facts = {name: error.get(name) for name in ("code", "paid", "hint")}
        return Interrupted(f"Interrupted; meanwhile the job ended: {error['error']}", job_id, **facts)
    return Interrupted(
        "Interrupted; the clip is ordered and will not be ordered again.",
        job_id,
        code="JOB_LEFT",
        paid="maybe",
        hint=command(backend, job_id),
    )


async def timed_out(backend: Backend, job_id: str, seconds: float, *, leaves: bool) -> Ima2Error:
    """The end of a command that had waited long enough.

    With ``leaves`` nothing changes for a job that a server runs or a service has; any other one is stopped.
    """
    job = await _job(backend, job_id)
    if job.get("state") == "done":
        text = f"It came as the {seconds:g} s were over."
        return Ima2Error(text, code="JOB_TRACKING_TIMEOUT", status=504, details={"requestId": job_id}, **_came(job))
    goes_on = leaves and (backend.url is not None or await ordered(backend, job_id))
    said = "It goes on." if goes_on else str((await backend.cancel(job_id)).get("message", ""))
    paid = await _paid(backend, job_id, goes_on=goes_on)
    return Ima2Error(
        f"It is not done after {seconds:g} s. {said}".strip(),
        code="JOB_TRACKING_TIMEOUT",
        status=504,
        paid=paid,
        hint=command(backend, job_id) if goes_on else f"ima2 jobs show {job_id}",
        details={"requestId": job_id},
    )


def _came(job: Mapping[str, Any]) -> dict[str, Any]:
    """What is told of a job that is done although its command is not there to tell of it."""
    paid: Paid = "no" if job.get("billing") == "free" else "yes"
    return {"paid": paid, "kept": tuple(job.get("filenames", ())), "hint": f"ima2 jobs show {job['id']}"}


async def _paid(backend: Backend, job_id: str, *, goes_on: bool) -> Paid:
    """What the job may cost. One that was stopped says so, and one that was never made costs nothing."""
    job = await _job(backend, job_id)
    if goes_on:
        return "no" if job.get("billing") == "free" else "maybe"
    paid: Paid = (job.get("error") or {}).get("paid", "no")
    return paid


async def _job(backend: Backend, job_id: str) -> Mapping[str, Any]:
    """Empty when there is none, or nobody to ask."""
    try:
        return await backend.job(job_id)
    except Ima2Error:
        return {}


def command(backend: Backend, job_id: str) -> str:
    """What to type later: a server goes on by itself, a process that ends does not."""
    return f"ima2 jobs show {job_id}" if backend.url else f"ima2 jobs resume {job_id}"
