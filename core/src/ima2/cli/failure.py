"""How a command ends: one place that turns errors into lines, JSON and an exit status."""

from __future__ import annotations

from collections.abc import Sequence

import click

from ima2.cli.terminal import fail, note, say_json
from ima2.errors import Ima2Error, InvalidRequest

INTERRUPTED = 130


class UsageProblem(InvalidRequest):
    """The command line asks for what can't be done. Found locally, before anything else; exit 2."""

    default_code = "INVALID_USAGE"

    @property
    def exit_code(self) -> int:
        """Usage, whatever the code says."""
        return 2


class Interrupted(Ima2Error):
    """The user pressed Ctrl+C, and the job was dealt with."""

    default_code = "GENERATION_CANCELED"
    default_status = 499

    @property
    def exit_code(self) -> int:
        """As a shell counts SIGINT."""
        return INTERRUPTED


def wants_json(args: Sequence[str]) -> bool:
    """Whether ``--json`` was asked for, also when the rest of the line could not be parsed."""
    before = args[: args.index("--")] if "--" in args else args
    return "--json" in before


def report(error: Ima2Error, *, as_json: bool) -> int:
    """Print the error and return the exit status. ``{ok: false, error, code, status, hint?, requestId?}`` on stdout."""
    if as_json:
        say_json({"ok": False, **error.to_dict()})
    fail(error.message, error.hint)
    for path in error.kept:
        note(f"Kept: {path}")
    return error.exit_code


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
