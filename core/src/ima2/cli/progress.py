"""What a person sees while a job runs: one line on a terminal, plain lines when asked for, else nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import Any

from ima2.cli.backend import Event
from ima2.cli.terminal import coloured, is_terminal, note, one_line, warn

Show = Callable[[Event], None]
"""Told of every event of a job."""


def show_progress(*, verbose: bool, quiet: bool = False) -> AbstractContextManager[Show]:
    """A line on stderr with phase, percentage and elapsed time, or what fits where stderr goes to."""
    if quiet:
        return nullcontext(_nothing)
    if is_terminal(sys.stderr):
        return Line()
    return nullcontext(_plain if verbose else _nothing)


def phase_of(event: Event) -> str | None:
    """The words for what happens now; None when the event changes nothing about it."""
    if event.name == "phase":
        return str(event.data.get("message") or event.data.get("step") or event.data.get("phase"))
    return {"submitted": "waiting for the provider", "image": "stored", "partial": "drawing"}.get(event.name)


def _nothing(_event: Event) -> None:
    return


def _plain(event: Event) -> None:
    if event.name == "warning":
        return
    if words := phase_of(event):
        note(f"phase: {words}")
    elif event.name == "progress" and isinstance(fraction := event.data.get("progress"), int | float):
        note(f"progress: {fraction:.0%}")


class Line:
    """One line that is redrawn; it goes away at the end."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import Progress as Bar
        from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

        colour = coloured(sys.stderr)
        console = Console(stderr=True, no_color=not colour, highlight=False)
        text = TextColumn("{task.description}{task.fields[percent]}", markup=False)
        self._bar = Bar(SpinnerColumn(), text, TimeElapsedColumn(), console=console, transient=True)
        self._task = self._bar.add_task("starting", total=None, percent="")

    def __enter__(self) -> Line:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def __call__(self, event: Event) -> None:
        """Redraw."""
        if event.name == "progress":
            self._bar.update(self._task, percent=_percent(event.data))
        elif words := phase_of(event):
            self._bar.update(self._task, description=one_line(words, 60), percent="")


def _percent(data: Any) -> str:
    fraction = data.get("progress")
    stalled = " (nothing moves)" if data.get("stalled") else ""
    return f" {fraction:.0%}{stalled}" if isinstance(fraction, int | float) else stalled


class Warnings:
    """Says each warning once, whether an event or the answer brought it."""

    def __init__(self) -> None:
        self._said: set[tuple[str, str]] = set()

    def __call__(self, warning: Any) -> None:
        """Print it on stderr."""
        key = (str(warning.get("code")), str(warning.get("message") or warning.get("code")))
        if key not in self._said:
            self._said.add(key)
            warn(key[1])
