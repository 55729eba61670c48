"""Going away from a job without ending it: what was submitted is paid for, and comes later."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

from ima2.cli.backend import Backend
from ima2.cli.failure import Interrupted
from ima2.cli.terminal import note
from ima2.errors import Ima2Error, Paid

SECOND_CHANCE_SECONDS = 3.0
"""How long a second Ctrl+C is waited for."""


async def submitted(backend: Backend, job_id: str) -> bool:
    """Whether a service has the job and has named it, so that any process can go on with it."""
    try:
        job = await backend.job(job_id)
    except Ima2Error:
        return False
    return job.get("state") == "running" and any(call.get("upstreamId") for call in job.get("calls", ()))


async def asked_again(backend: Backend, job_id: str) -> bool:
    """Say how to come back, and wait a moment for a second Ctrl+C."""
    loop, again = asyncio.get_running_loop(), asyncio.Event()

    def heard(_number: int, _frame: Any) -> None:
        loop.call_soon_threadsafe(again.set)

    signal.signal(signal.SIGINT, heard)
    note(f"The clip is submitted and goes on without you. Come back with: {command(backend, job_id)}")
    note("Ctrl+C again asks the service to stop it.")
    try:
        async with asyncio.timeout(SECOND_CHANCE_SECONDS):
            await again.wait()
    except TimeoutError:
        return False
    return True


def left(backend: Backend, job_id: str) -> Interrupted:
    """The end of a command whose job goes on."""
    return Interrupted(
        "Interrupted; the clip was submitted and will not be sent again.",
        job_id,
        code="JOB_LEFT",
        paid="maybe",
        hint=command(backend, job_id),
    )


async def timed_out(backend: Backend, job_id: str, seconds: float) -> Ima2Error:
    """The end of a command that had waited long enough; nothing changes for a job that is submitted."""
    goes_on = await submitted(backend, job_id)
    said = "it goes on." if goes_on else str((await backend.cancel(job_id)).get("message", ""))
    paid: Paid = "maybe" if goes_on else await _paid(backend, job_id)
    return Ima2Error(
        f"After {seconds:g} s it is not done yet; {said}",
        code="JOB_TRACKING_TIMEOUT",
        status=504,
        paid=paid,
        hint=command(backend, job_id) if goes_on else f"ima2 jobs show {job_id}",
        details={"requestId": job_id},
    )


async def _paid(backend: Backend, job_id: str) -> Paid:
    """What a stopped job may have cost; one that was never made, nothing."""
    try:
        job = await backend.job(job_id)
    except Ima2Error:
        return "no"
    paid: Paid = (job.get("error") or {}).get("paid", "no")
    return paid


def command(backend: Backend, job_id: str) -> str:
    """What to type later: a server goes on by itself, a process that ends does not."""
    return f"ima2 jobs show {job_id}" if backend.url else f"ima2 jobs resume {job_id}"
