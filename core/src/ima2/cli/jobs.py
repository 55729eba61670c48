"""Jobs: ``ps``, ``cancel``, ``jobs``, ``repair``."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import click

from ima2.cli.backend import Answer, Backend, Event, Where, ask, open_backend
from ima2.cli.failure import report
from ima2.cli.flags import json_flag, where_flags
from ima2.cli.lazy import Command, Group
from ima2.cli.terminal import clean, note, one_line, say, say_json, success, table
from ima2.errors import Ima2Error

OPEN = ("queued", "planning", "running")
UNANSWERED_ROWS = 20
STATES = (*OPEN, "done", "failed", "cancelled", "unknown")


@click.command(cls=Command)
@click.option("--kind", help="classic, node, multimode, video or agent_queue.")
@click.option("--session", metavar="ID", help="Those of one session.")
@click.option("--terminal", is_flag=True, help="Also those that have ended.")
@where_flags
@json_flag
def ps(kind: str | None, session: str | None, terminal: bool, at: Where, as_json: bool) -> None:
    """List the jobs under way."""

    async def asked(backend: Backend) -> tuple[Answer, Answer]:
        listed = await backend.inflight(kind=kind, session=session, terminal=terminal)
        return listed, await backend.jobs(states=("unknown",), limit=UNANSWERED_ROWS)

    listed, unanswered = ask(at, asked)
    if as_json:
        say_json(listed)
        return
    table([_active(job) for job in listed["jobs"]])
    table([_ended(job) for job in listed.get("terminalJobs", ())])
    if not listed["jobs"]:
        note("Nothing is under way.")
    for job in unanswered["jobs"]:
        if kind in (None, job["request"]["surface"]) and session in (None, job["request"].get("sessionId")):
            note(_unanswered(job))


@click.command(cls=Command)
@click.argument("job_id")
@where_flags
@json_flag
def cancel(job_id: str, at: Where, as_json: bool) -> None:
    """Stop a job. One that is not under way is no error."""
    said = ask(at, lambda backend: backend.cancel(job_id))
    if as_json:
        say_json({"ok": True, **said})
    elif said["aborted"]:
        success(f"{job_id} is stopped. {said.get('message', '')}")
    else:
        say(one_line(said.get("message") or "Nothing was under way."))


jobs = Group("jobs", help="Look at jobs, and answer for those that were interrupted.")


@jobs.command("ls")
@click.option("--state", "states", multiple=True, type=click.Choice(STATES), help="Only these; repeat it.")
@click.option("-n", "--limit", type=click.IntRange(1, 500), default=20, show_default=True, help="How many.")
@where_flags
@json_flag
def list_(states: tuple[str, ...], limit: int, at: Where, as_json: bool) -> None:
    """List jobs, newest first."""
    listed = ask(at, lambda backend: backend.jobs(states=states, limit=limit))
    if as_json:
        say_json(listed)
        return
    table([_job(job) for job in listed["jobs"]])
    if not listed["jobs"]:
        note("There is no such job." if states else "There is no job yet.")


@jobs.command("show")
@click.argument("job_id")
@where_flags
@json_flag
def show(job_id: str, at: Where, as_json: bool) -> None:
    """Tell all about a job and its calls."""
    job = ask(at, lambda backend: backend.job(job_id))
    if as_json:
        say_json(job)
        return
    facts = [("id", job["id"]), ("state", _state(job))]
    facts += [(name, job.get(name)) for name in ("phase", "provider", "model")]
    facts += [("prompt", job["request"].get("prompt")), ("files", ", ".join(job.get("filenames", ())) or None)]
    facts += [(name, (job.get("error") or {}).get(name)) for name in ("error", "code", "paid", "hint")]
    facts += [("hint", f"ima2 jobs resume {job['id']}")] if job["interrupted"] else []
    facts += [(f"call {call['call']['index']}", _call(call)) for call in job.get("calls", ())]
    table([(name, one_line(value, 200)) for name, value in facts if value is not None])
    if reply := job.get("reply"):
        say(f"\n{clean(reply['text'])}")


@jobs.command("resume")
@click.argument("job_id", required=False)
@where_flags
@json_flag
def resume(job_id: str | None, at: Where, as_json: bool) -> int:
    """Go on with a job whose process ended, or that ended while its service has it; or with all of them.

    Nothing paid is sent again.
    """
    if job_id:
        _follow(at, job_id, partial(_resumed, job_id), as_json)
        return 0
    waiting = _interrupted(at)
    if not waiting:
        note("No job was interrupted.")
    codes = [_ending(at, each, as_json) for each in waiting]
    return next((code for code in codes if code), 0)


def _ending(at: Where, job_id: str, as_json: bool) -> int:
    """The exit status of one of several: those after it are gone on with, however it ends."""
    try:
        _follow(at, job_id, partial(_resumed, job_id), as_json)
    except Ima2Error as error:
        error.details.setdefault("requestId", job_id)
        report(error, as_json=as_json)
        return error.exit_code
    return 0


def _resumed(job_id: str, backend: Backend) -> AsyncIterator[Event]:
    return backend.resume(job_id)


def _interrupted(at: Where) -> list[str]:
    """Ids of the jobs that can be gone on with, oldest first."""
    listed = ask(at, lambda backend: backend.jobs(states=(*OPEN, "unknown"), limit=500))
    return [job["id"] for job in reversed(listed["jobs"]) if job["interrupted"] or job.get("waiting")]


@jobs.command("retry")
@click.argument("job_id")
@where_flags
@json_flag
def retry(job_id: str, at: Where, as_json: bool) -> None:
    """Send an unanswered job again; it may be charged a second time. What the service has is fetched instead."""
    _follow(at, job_id, lambda backend: backend.retry(job_id), as_json)


@jobs.command("drop")
@click.argument("job_id")
@where_flags
@json_flag
def drop(job_id: str, at: Where, as_json: bool) -> None:
    """Give an unanswered job up; what is stored stays."""
    job = ask(at, lambda backend: backend.drop(job_id))
    if as_json:
        say_json({"ok": True, **job})
        return
    success(f"{job_id} is given up.")
    for path in (job.get("error") or {}).get("kept", ()):
        note(f"Kept: {path}")


@click.command(cls=Command)
@json_flag
def repair(as_json: bool) -> None:
    """Rebuild the index from the files and their sidecars; nothing is removed."""
    from ima2.cli.repairing import repair_index

    said = asdict(asyncio.run(repair_index()))
    if as_json:
        say_json({"ok": True, **{name: _plain(value) for name, value in said.items()}})
        return
    for name, value in said.items():
        if value:
            say(f"{name.replace('_', ' ')}: {_told(value)}")
    success("Index and files agree.")


def _plain(value: object) -> object:
    return str(value) if isinstance(value, Path) else value


def _told(value: object) -> str:
    """A number, a path, or how many files and which."""
    if not isinstance(value, tuple):
        return one_line(value)
    return one_line(f"{len(value)} ({', '.join(map(str, value))})", 300)


def _follow(at: Where, job_id: str, begin: Callable[[Backend], AsyncIterator[Event]], as_json: bool) -> None:
    from ima2.cli.run import Watch, watch_job

    async def followed() -> Answer:
        async with open_backend(at) as backend:
            await watch_job(backend, job_id, begin(backend), Watch(leaves=True))
            return await backend.job(job_id)

    job = asyncio.run(followed())
    if as_json:
        say_json({"ok": True, **job})
        return
    if reply := job.get("reply"):
        say(clean(reply["text"]))
    for filename in job.get("filenames", ()):
        success(filename)


def _active(job: Mapping[str, Any]) -> tuple[str, ...]:
    age = max(0, int(time.time() - int(job["startedAt"]) / 1000))
    return (
        job["requestId"],
        job["kind"],
        "interrupted" if job["interrupted"] else str(job.get("step") or job["phase"]),
        f"{age} s",
        one_line(job["prompt"], 50),
    )


def _unanswered(job: Answer) -> str:
    """What can be done about a job that is ``unknown``."""
    hint = (job.get("error") or {}).get("hint") or f"ima2 jobs show {job['id']}"
    return f"{job['id']} {'can be gone on with' if job.get('waiting') else 'is unanswered'}: {hint}"


def _ended(job: Mapping[str, str]) -> tuple[str, ...]:
    return (
        job["requestId"],
        job["kind"],
        job["status"],
        f"{int(job['durationMs']) / 1000:.1f} s",
        job["errorCode"] or "",
    )


def _job(job: Answer) -> tuple[str, ...]:
    why = (job.get("error") or {}).get("code") or ""
    return (job["id"], _state(job), job["provider"], why, one_line(job["request"]["prompt"], 50))


def _state(job: Answer) -> str:
    return "interrupted" if job["interrupted"] else str(job["state"])


def _call(call: Answer) -> str:
    error = call.get("error") or {}
    return " · ".join(str(part) for part in (call["state"], call.get("upstreamId"), error.get("error")) if part)
