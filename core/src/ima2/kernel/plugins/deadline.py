"""Foreign code under a deadline: it runs in a thread of its own, and nobody waits for one that hangs."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


class Overdue(Exception):
    """The deadline passed; the message says which."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"took longer than {seconds:g} s")


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """What a call came to: a value, or the exception it raised, whatever its base."""

    value: T | None = None
    error: BaseException | None = None

    @classmethod
    def of(cls, function: Callable[[], T]) -> Outcome[T]:
        """Call and catch everything: ``sys.exit()`` in a plugin must end neither a thread nor a loop."""
        try:
            return cls(value=function())
        except BaseException as error:
            return cls(error=error)

    def unwrap(self) -> T:
        """The value; raises what was raised."""
        if self.error is not None:
            raise self.error
        return self.value  # type: ignore[return-value]


def call_within(seconds: float, function: Callable[[], T]) -> T:
    """Call ``function`` and wait at most ``seconds``; raises what it raises.

    :raises Overdue: it still runs, in a daemon thread that ends with the process.
    """
    outcomes: list[Outcome[T]] = []
    thread = start(function, outcomes.append)
    thread.join(seconds)
    if not outcomes:
        raise Overdue(seconds)
    return outcomes[0].unwrap()


def start(function: Callable[[], T], done: Callable[[Outcome[T]], object]) -> threading.Thread:
    """Call ``function`` in a daemon thread that sees the caller's context variables, then ``done`` there."""
    context = contextvars.copy_context()
    thread = threading.Thread(target=lambda: done(context.run(Outcome.of, function)), daemon=True)
    thread.start()
    return thread
