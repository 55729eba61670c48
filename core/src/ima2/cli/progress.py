"""What a person sees while a job runs: one line on a terminal, plain lines when asked for, else nothing."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from ima2.cli.backend import Event
from ima2.cli.terminal import coloured, is_terminal, note, one_line, warn


def show_progress(*, verbose: bool) -> Silent:
    """A line on stderr with phase, percentage and elapsed time, or what fits where stderr goes to."""
    if is_terminal(sys.stderr):
        return Line()
    return Plain() if verbose else Silent()


def phase_of(event: Event) -> str | None:
    """The words for what happens now; None when the event changes nothing about it."""
    if event.name == "phase":
        return str(event.data.get("message") or event.data.get("step") or event.data.get("phase"))
    return {
        "submitted": "waiting for the provider",
        "planning": "planning",
        "image": "stored",
        "video": "stored",
        "partial": "drawing",
    }.get(event.name)


class Silent:
    """Shows nothing; also the shape of those that do."""

    def __enter__(self) -> Silent:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return

    def __call__(self, event: Event) -> None:
        """Show an event."""

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Make room for something else to be printed."""
        yield


class Plain(Silent):
    """A line for each step."""

    def __call__(self, event: Event) -> None:
        """Print it."""
        if words := phase_of(event):
            note(f"phase: {words}")
        elif event.name == "progress" and isinstance(fraction := event.data.get("progress"), int | float):
            note(f"progress: {fraction:.0%}")


class Line(Silent):
    """One line that is redrawn; it goes away at the end."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import Progress as Bar
        from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

        console = Console(stderr=True, no_color=not coloured(sys.stderr), highlight=False)
        text = TextColumn("{task.description}{task.fields[percent]}", markup=False)
        columns = (SpinnerColumn(), text, TimeElapsedColumn())
        # What is printed aside may be a picture, which a redirected stream would spoil.
        self._bar = Bar(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False)
        self._task = self._bar.add_task("starting", total=None, percent="")

    def __enter__(self) -> Line:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Take the line away meanwhile."""
        self._bar.stop()
        try:
            yield
        finally:
            self._bar.start()

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
