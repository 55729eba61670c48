"""Hooks that every plugin may answer: what one gets wrong costs nobody else."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ima2.hookspecs import Command, ProviderInfo, hookimpl
from ima2.kernel.plugins.collect import collect
from ima2.kernel.plugins.dispatch import Dispatcher
from ima2.models import Request, Resolution


class Commands:
    def __init__(self, answer: Callable[[], Any]) -> None:
        self.answer = answer

    @hookimpl
    def ima2_commands(self) -> Any:
        return self.answer()


def late() -> Iterator[Command]:
    yield Command("half", "x:y")
    raise RuntimeError("later")


def leave() -> None:
    raise SystemExit(2)


def several() -> Iterator[Command]:
    yield from (Command("one", "x:y"), Command("two", "x:y"))


BAD: dict[str, Callable[[], Any]] = {
    "raises": lambda: 1 / 0,
    "exits": leave,
    "late": late,
    "text": lambda: "abc",
    "number": lambda: 7,
    "single": lambda: Command("x", "x:y"),
    "none_inside": lambda: [None],
    "zero_inside": lambda: [0],
    "mixed": lambda: [Command("half", "x:y"), "rest"],
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_answer_is_noted_and_left_out(make: Callable[..., Dispatcher], name: str) -> None:
    good = Commands(lambda: (Command("good", "x:y"),))
    dispatcher = make(a=good, bad=Commands(BAD[name]), z=Commands(several))
    found = [(plugin, command.name) for plugin, command in dispatcher.collect("ima2_commands")]
    assert found == [("a", "good"), ("z", "one"), ("z", "two")]
    (failure,) = dispatcher.host.failures
    assert (failure.plugin, failure.hook) == ("bad", "ima2_commands")


def test_a_hanging_answer_is_noted_and_left_out(make: Callable[..., Dispatcher]) -> None:
    release = threading.Event()
    dispatcher = make(bad=Commands(release.wait), good=Commands(several))
    assert [name for name, _ in collect(dispatcher.host, "ima2_commands", deadline=0.1)] == ["good", "good"]
    assert dispatcher.host.failures[0].error == "took longer than 0.1 s"
    release.set()


def test_nothing_to_say_is_fine(make: Callable[..., Dispatcher]) -> None:
    dispatcher = make(a=Commands(lambda: None), b=Commands(list))
    assert dispatcher.collect("ima2_commands") == []
    assert dispatcher.collect("ima2_routes") == []
    assert dispatcher.host.failures == ()


class Chooser:
    def __init__(self, answer: Callable[[], Any]) -> None:
        self.answer = answer

    @hookimpl
    def ima2_resolve_provider(self, request: Request, candidates: Any) -> Any:
        return self.answer()


def choose(dispatcher: Dispatcher, *ids: str) -> Resolution | None:
    request = Request(id="r", prompt="p")
    candidates = tuple(ProviderInfo(name, name) for name in ids)
    return asyncio.run(dispatcher.resolve_provider(request, candidates))


def test_the_first_choice_by_plugin_name_counts(make: Callable[..., Dispatcher]) -> None:
    dispatcher = make(
        c=Chooser(lambda: Resolution(provider="x", reason="c")),
        b=Chooser(lambda: Resolution(provider="y", reason="b")),
        a=Chooser(lambda: None),
    )
    assert choose(dispatcher, "x", "y") == Resolution(provider="y", reason="b")


@pytest.mark.parametrize(
    "answer", [lambda: 1 / 0, leave, lambda: "y", lambda: Resolution(provider="elsewhere", reason="")]
)
def test_a_bad_choice_is_passed_over(make: Callable[..., Dispatcher], answer: Callable[[], Any]) -> None:
    dispatcher = make(a=Chooser(answer), b=Chooser(lambda: Resolution(provider="x", reason="b")))
    chosen = choose(dispatcher, "x", "y")
    assert chosen is not None
    assert chosen.reason == "b"
    assert [failure.plugin for failure in dispatcher.host.failures] == ["a"]


def test_nobody_chooses(make: Callable[..., Dispatcher]) -> None:
    assert choose(make(a=Chooser(lambda: None)), "x") is None
    assert choose(make(), "x") is None
