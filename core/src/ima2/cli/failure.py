"""How a command ends: one place that turns errors into lines, JSON and an exit status."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from ima2.cli.terminal import fail, note, say_json
from ima2.errors import Cancelled, Ima2Error, InvalidRequest, NotFound, StorageFailed

INTERRUPTED = 130
_SPENT = {"maybe": "the request had been sent", "yes": "the request was answered"}


class Ending(Exception):
    """An error with an exit status of the command line's own; outside the tree of errors, which knows no commands."""

    def __init__(self, error: Ima2Error, exit_code: int) -> None:
        super().__init__(error.message)
        self.error = error
        self.exit_code = exit_code


class UsageProblem(Ending):
    """The command line asks for what can't be done. Found locally, before anything else; exit 2."""

    def __init__(self, message: str, *, code: str, hint: str | None = None, field: str | None = None) -> None:
        super().__init__(InvalidRequest(message, code=code, hint=hint, field=field), 2)


class Interrupted(Ending):
    """The user pressed Ctrl+C, and the job was dealt with; exit as a shell counts SIGINT."""

    def __init__(self, message: str, job_id: str, **facts: Any) -> None:
        super().__init__(Cancelled(message, details={"requestId": job_id}, **facts), INTERRUPTED)


class NotListed(Ending):
    """What was named is not in a list; exit 1, as existing scripts expect."""

    def __init__(self, message: str, *, code: str, hint: str) -> None:
        super().__init__(NotFound(message, code=code, hint=hint), 1)


def unexpected(error: Exception) -> Ima2Error:
    """The disk's fault in its own words, or one of ours by kind and place; its text may hold a prompt and stays out."""
    if isinstance(error, OSError) and error.strerror and not isinstance(error, ConnectionError | TimeoutError):
        return StorageFailed(f"{error.filename or 'The output'}: {error.strerror}.", hint="ima2 doctor")
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return Ima2Error(
        f"ima2 failed in a way it should not ({type(error).__name__}{place}).",
        hint="IMA2_LOG_LEVEL=debug shows the whole story; jobs that began are in `ima2 jobs ls`",
    )


def wants_json(args: Sequence[str]) -> bool:
    """Whether ``--json`` was asked for, also when the rest of the line could not be parsed."""
    before = args[: args.index("--")] if "--" in args else args
    return "--json" in before


def report(error: Ima2Error, *, as_json: bool) -> None:
    """Print the error. ``{ok: false, error, code, status, hint?, requestId?}`` on stdout."""
    if as_json:
        say_json({"ok": False, **error.to_dict()})
    fail(error.message, error.hint)
    if error.retry_after is not None:
        note(f"Retry after: {error.retry_after:g} s")
    if error.paid in _SPENT:
        note(f"Paid: {error.paid} ({_SPENT[error.paid]})")
    for path in error.kept:
        note(f"Kept: {path}")


def report_click(error: click.ClickException, *, as_json: bool) -> int:
    """The same for what click itself found."""
    hint = None
    if isinstance(error, click.UsageError) and error.ctx:
        hint = f"{error.ctx.command_path} --help"
    if as_json:
        facts = {"error": error.format_message(), "code": "INVALID_USAGE", "status": 400, "hint": hint}
        say_json({"ok": False, **{name: value for name, value in facts.items() if value is not None}})
    fail(error.format_message(), hint)
    return error.exit_code
