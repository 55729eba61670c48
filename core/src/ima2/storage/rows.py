"""Ledger rows as frozen models and back. JSON columns are those that hold more than a number or a word."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any, TypeVar

from ima2.models import Call, CallRow, Job, JobEvent
from ima2.storage.codec import dump, load

M = TypeVar("M", Job, CallRow)
Columns = dict[str, Any]

_JSON = frozenset({"request", "resolution", "plan", "reply", "warnings", "usage", "error", "call", "media"})


def job_columns(job: Job) -> Columns:
    """The columns of ``job``; ``surface`` and ``session_id`` are copied out of the request to be searched."""
    return {**_columns(job), "surface": job.request.surface, "session_id": job.request.session_id}


def call_columns(row: CallRow) -> Columns:
    """The columns of ``call``."""
    return _columns(row)


def fresh_call(job_id: str, call: Call, now: int) -> CallRow:
    """The row of a call that nothing was done for."""
    return CallRow(key=call.key, job_id=job_id, call=call, updated_at=now)


def job_from(row: sqlite3.Row) -> Job:
    """One row of ``job``."""
    return _model(Job, row)


def call_from(row: sqlite3.Row) -> CallRow:
    """One row of ``call``."""
    return _model(CallRow, row)


def event_from(row: sqlite3.Row) -> JobEvent:
    """One row of ``event``."""
    return JobEvent(seq=row["seq"], job_id=row["job_id"], name=row["name"], data=load(row["data"]), at=row["at"])


def changed(model: M, changes: Mapping[str, Any]) -> M:
    """``model`` with fields replaced, validated again.

    :raises pydantic.ValidationError: an unknown field or a value that does not fit.
    """
    return type(model).model_validate({**dict(model), **changes})


def _columns(model: Job | CallRow) -> Columns:
    return {name: dump(value) if name in _JSON and value is not None else value for name, value in model}


def _model(kind: type[M], row: sqlite3.Row) -> M:
    fields = kind.model_fields
    return kind.model_validate({name: load(row[name]) if name in _JSON else row[name] for name in fields})
