"""What a command that goes away makes of what it is told, or not told, of its job."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from ima2.cli.leaving import left, ordered, timed_out
from ima2.errors import Ima2Error, NotFound, ServerUnreachable


class Told:
    """A backend that has one answer to every question for the job."""

    def __init__(self, said: dict[str, Any] | Ima2Error, url: str | None = None) -> None:
        self.url = url
        self._said = said
        self.cancelled = 0

    async def job(self, job_id: str) -> dict[str, Any]:
        if isinstance(self._said, Ima2Error):
            raise self._said
        return {"id": job_id, **self._said}

    async def cancel(self, job_id: str) -> dict[str, Any]:
        self.cancelled += 1
        return {"requestId": job_id, "active": True, "aborted": True, "message": "It is stopped."}


def call(state: str, *, resumable: bool = True) -> dict[str, Any]:
    return {"state": "running", "calls": [{"state": state, "resumable": resumable}]}


SILENCE = ServerUnreachable("no answer")
NOBODY = NotFound("no such job", code="JOB_NOT_FOUND")


@pytest.mark.parametrize(
    ("said", "leaves"),
    [
        (call("ready"), False),
        (call("sending"), True),
        (call("sending", resumable=False), False),
        (call("submitted"), True),
        (call("storing"), True),
        (call("done"), True),
        ({"state": "planning", "calls": []}, False),
        (SILENCE, True),
        (NOBODY, False),
    ],
)
def test_what_may_be_on_its_way_is_left_not_cancelled(said: Any, leaves: bool) -> None:
    backend: Any = Told(said)
    assert asyncio.run(ordered(backend, "job")) is leaves
    error = asyncio.run(timed_out(backend, "job", 5, leaves=True))
    assert backend.cancelled == (0 if leaves else 1)
    assert error.code == "JOB_TRACKING_TIMEOUT"
    assert error.paid == ("maybe" if leaves else "no")
    assert (error.hint or "").startswith("ima2 jobs resume" if leaves else "ima2 jobs show")


def test_a_server_goes_on_with_whatever_it_has() -> None:
    for said in (call("ready"), SILENCE, NOBODY):
        backend: Any = Told(said, "http://127.0.0.1:1")
        error = asyncio.run(timed_out(backend, "job", 5, leaves=True))
        assert (backend.cancelled, error.paid, error.hint) == (0, "maybe", "ima2 jobs show job")


def test_what_costs_nothing_is_not_called_charged() -> None:
    backend: Any = Told({**call("submitted"), "billing": "free"}, "http://127.0.0.1:1")
    assert asyncio.run(timed_out(backend, "job", 5, leaves=True)).paid == "no"


def test_what_came_meanwhile_is_told() -> None:
    backend: Any = Told({"state": "done", "filenames": ["a.mp4"], "billing": "metered"})
    late = asyncio.run(timed_out(backend, "job", 5, leaves=True))
    gone = asyncio.run(left(backend, "job")).error
    for error in (late, gone):
        assert (error.kept, error.paid, error.hint) == (("a.mp4",), "yes", "ima2 jobs show job")
    assert backend.cancelled == 0


def test_a_job_that_ended_badly_meanwhile_says_how() -> None:
    failed = {"error": "Refused.", "code": "MODERATION_REFUSED", "paid": "yes", "hint": "change the prompt"}
    backend: Any = Told({"state": "failed", "error": failed})
    error = asyncio.run(left(backend, "job")).error
    assert (error.code, error.paid, error.hint) == ("MODERATION_REFUSED", "yes", "change the prompt")
    assert "Refused." in error.message
