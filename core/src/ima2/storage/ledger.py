"""Jobs, their paid calls and the event log in SQLite."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ima2.errors import Conflict, NotFound
from ima2.models import Call, CallRow, Job, JobEvent
from ima2.models.job import FINAL_STATES
from ima2.storage.codec import dump
from ima2.storage.database import Database
from ima2.storage.rows import (
    Columns,
    call_columns,
    call_from,
    changed,
    event_from,
    fresh_call,
    job_columns,
    job_from,
)

_LEAVES_UNKNOWN = frozenset({"queued", "failed"})
"""An ``unknown`` job is the user's to decide: run it again, or give it up."""


class SqliteLedger:
    """:class:`ima2.storage.protocols.Ledger` over one :class:`Database`. ``clock`` gives epoch seconds."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self.database = database
        self._clock = clock

    @classmethod
    async def open(cls, path: Path, *, clock: Callable[[], float] = time.time) -> SqliteLedger:
        """Open or make the database file ``path``; errors as in :meth:`Database.open`."""
        return cls(await Database.open(path), clock=clock)

    async def close(self) -> None:
        """Let go of the database."""
        await self.database.close()

    async def add_job(self, job: Job) -> None:
        """Insert. ``Conflict("REQUEST_ID_IN_USE")`` or ``Conflict("IDEMPOTENCY_KEY_CONFLICT")`` when taken."""

        def work(connection: sqlite3.Connection) -> None:
            _refuse_taken(connection, job)
            _insert(connection, "job", job_columns(job))

        await self.database.write(work)

    async def update_job(
        self, job_id: str, *, expect_owner: str | None = None, expect_state: str | None = None, **changes: Any
    ) -> Job:
        """Set columns by :class:`Job` field name and return the row; ``JOB_ENDED``, ``JOB_TAKEN``, ``JOB_CHANGED``."""

        def work(connection: sqlite3.Connection) -> Job:
            before = _job(connection, job_id)
            _refuse_ended(before, changes.get("state"))
            if expect_owner not in (None, before.owner):
                raise Conflict(f"Job {job_id} is run by another process now.", code="JOB_TAKEN")
            if expect_state not in (None, before.state):
                text = f"Job {job_id} is {before.state} by now."
                raise Conflict(text, code="JOB_CHANGED", hint=f"ima2 jobs show {job_id}")
            after = changed(before, {**changes, "id": job_id})
            _update(connection, "job", "id", job_id, before=job_columns(before), after=job_columns(after))
            return after

        return await self.database.write(work)

    async def job(self, job_id: str) -> Job | None:
        """One job."""
        return await self.database.read(lambda connection: _find_job(connection, "id", job_id))

    async def job_by_idempotency_key(self, key: str) -> Job | None:
        """The job that a key has made already."""
        return await self.database.read(lambda connection: _find_job(connection, "idempotency_key", key))

    async def jobs(
        self, *, states: Sequence[str] = (), owner: str | None = None, limit: int = 500, newest_first: bool = False
    ) -> list[Job]:
        """Jobs in creation order."""
        where = f"state IN ({_marks(states)})" if states else "TRUE"
        owned = "owner = ?" if owner is not None else "TRUE"
        order = "DESC" if newest_first else "ASC"
        query = f"SELECT * FROM job WHERE {where} AND {owned} ORDER BY created_at {order}, seq {order} LIMIT ?"  # noqa: S608
        values = [*states, *([owner] if owner is not None else []), limit]
        return await self.database.read(lambda connection: [job_from(row) for row in connection.execute(query, values)])

    async def delete_job(self, job_id: str) -> None:
        """Remove a final job, its calls and its events. ``NotFound("JOB_NOT_FOUND")``, ``Conflict("JOB_RUNNING")``."""

        def work(connection: sqlite3.Connection) -> None:
            if not _job(connection, job_id).final:
                raise Conflict(f"Job {job_id} is still under way.", code="JOB_RUNNING", hint=f"ima2 cancel {job_id}")
            connection.execute("DELETE FROM event WHERE job_id = ?", (job_id,))
            connection.execute("DELETE FROM job WHERE id = ?", (job_id,))

        await self.database.write(work)

    async def put_calls(self, job_id: str, calls: Sequence[Call]) -> list[CallRow]:
        """Insert rows in state ``ready``; those that exist stay as they are. Returns all of the job's rows."""

        def work(connection: sqlite3.Connection) -> list[CallRow]:
            _job(connection, job_id)
            for call in calls:
                row = fresh_call(job_id, call, self._now())
                _insert(connection, "call", call_columns(row), conflict="OR IGNORE")
            return _calls(connection, job_id)

        return await self.database.write(work)

    async def update_call(self, key: str, **changes: Any) -> CallRow:
        """Set columns by :class:`CallRow` field name; ``updated_at`` is now unless given. ``CALL_NOT_FOUND``."""

        def work(connection: sqlite3.Connection) -> CallRow:
            row = connection.execute("SELECT * FROM call WHERE key = ?", (key,)).fetchone()
            if row is None:
                raise NotFound(f"There is no call {key}.", code="CALL_NOT_FOUND")
            before = call_from(row)
            after = changed(before, {"updated_at": self._now(), **changes, "key": key, "job_id": before.job_id})
            _update(connection, "call", "key", key, before=call_columns(before), after=call_columns(after))
            return after

        return await self.database.write(work)

    async def calls(self, job_id: str) -> list[CallRow]:
        """A job's calls in order."""
        return await self.database.read(lambda connection: _calls(connection, job_id))

    async def append(self, job_id: str, name: str, data: Mapping[str, Any]) -> JobEvent:
        """Add to the event log and return the entry with its sequence number."""
        draft = JobEvent.model_validate({"seq": 0, "job_id": job_id, "name": name, "data": data, "at": self._now()})
        values = (job_id, name, dump(draft.data), draft.at)

        def work(connection: sqlite3.Connection) -> int | None:
            return connection.execute(
                "INSERT INTO event (job_id, name, data, at) VALUES (?, ?, ?, ?)", values
            ).lastrowid

        return draft.model_copy(update={"seq": await self.database.write(work)})

    async def events(self, *, after: int = 0, job_id: str | None = None, limit: int = 1000) -> list[JobEvent]:
        """Entries with ``seq > after``, in order."""
        where, values = ("job_id = ? AND", [job_id]) if job_id is not None else ("", [])
        query = f"SELECT * FROM event WHERE {where} seq > ? ORDER BY seq LIMIT ?"  # noqa: S608
        rows = [*values, after, limit]
        return await self.database.read(lambda connection: [event_from(row) for row in connection.execute(query, rows)])

    async def event_bounds(self) -> tuple[int, int]:
        """Smallest and largest sequence number in the log; ``(0, 0)`` when it is empty."""
        query = "SELECT coalesce((SELECT min(seq) FROM event), 0), coalesce((SELECT max(seq) FROM event), 0)"
        smallest, largest = await self.database.read(lambda connection: connection.execute(query).fetchone())
        return smallest, largest

    async def trim_events(self, keep: int) -> int:
        """Drop the oldest entries of ended jobs until ``keep`` remain; how many went."""
        ended = sorted(FINAL_STATES)
        query = (
            "DELETE FROM event WHERE seq IN (SELECT event.seq FROM event LEFT JOIN job ON job.id = event.job_id"  # noqa: S608
            f" WHERE job.id IS NULL OR job.state IN ({_marks(ended)})"
            " ORDER BY event.seq LIMIT max(0, (SELECT count(*) FROM event) - ?))"
        )
        return await self.database.write(lambda connection: connection.execute(query, (*ended, keep)).rowcount)

    def _now(self) -> int:
        return int(self._clock() * 1000)


def _find_job(connection: sqlite3.Connection, column: str, value: str) -> Job | None:
    row = connection.execute(f"SELECT * FROM job WHERE {column} = ?", (value,)).fetchone()  # noqa: S608
    return job_from(row) if row is not None else None


def _job(connection: sqlite3.Connection, job_id: str) -> Job:
    job = _find_job(connection, "id", job_id)
    if job is None:
        raise NotFound(f"There is no job {job_id}.", code="JOB_NOT_FOUND", hint="ima2 ps")
    return job


def _calls(connection: sqlite3.Connection, job_id: str) -> list[CallRow]:
    rows = connection.execute("SELECT * FROM call WHERE job_id = ?", (job_id,))
    return sorted((call_from(row) for row in rows), key=lambda row: (row.call.index, row.key))


def _refuse_taken(connection: sqlite3.Connection, job: Job) -> None:
    if _find_job(connection, "id", job.id) is not None:
        raise Conflict(f"A job {job.id} exists already.", code="REQUEST_ID_IN_USE", hint=f"ima2 jobs show {job.id}")
    if job.idempotency_key is None:
        return
    owner = _find_job(connection, "idempotency_key", job.idempotency_key)
    if owner is not None:
        raise Conflict(f"The idempotency key belongs to job {owner.id}.", code="IDEMPOTENCY_KEY_CONFLICT")


def _refuse_ended(job: Job, state: str | None) -> None:
    decided = job.state == "unknown" and state in _LEAVES_UNKNOWN
    if job.final and not decided:
        raise Conflict(f"Job {job.id} has ended ({job.state}).", code="JOB_ENDED")


def _insert(connection: sqlite3.Connection, table: str, columns: Columns, *, conflict: str = "") -> None:
    names = ", ".join(columns)
    statement = f"INSERT {conflict} INTO {table} ({names}) VALUES ({_marks(columns)})"  # noqa: S608
    connection.execute(statement, tuple(columns.values()))


def _update(
    connection: sqlite3.Connection, table: str, key: str, identity: str, *, before: Columns, after: Columns
) -> None:
    """Write only what differs."""
    new = {name: value for name, value in after.items() if value != before[name]}
    if new:
        sets = ", ".join(f"{name} = ?" for name in new)
        connection.execute(f"UPDATE {table} SET {sets} WHERE {key} = ?", (*new.values(), identity))  # noqa: S608


def _marks(values: Sequence[Any] | Mapping[str, Any]) -> str:
    return ", ".join("?" * len(values))
