"""``ima2 setup``: who may pay for pictures, and signing in there. Built from what the installed providers say."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from ima2.cli.flags import complete_provider
from ima2.cli.lazy import Command
from ima2.cli.signin import read_line, sign_in
from ima2.cli.terminal import note, say, success, warn
from ima2.errors import Ima2Error, InvalidRequest

if TYPE_CHECKING:
    from ima2.kernel.studio import ProviderState

_PAID_BY = {"subscription": "the plan you have", "metered": "an API key, charged by use", "free": "nobody"}


@click.command(cls=Command)
@click.argument("providers", nargs=-1, shell_complete=complete_provider)
def setup(providers: tuple[str, ...]) -> None:
    """Choose how to pay for pictures, and sign in there.

    Without names it lists the ways and asks; several may be chosen.
    """
    states = asyncio.run(_states())
    chosen = [_named(name, states) for name in providers] or _asked(states)
    failed = [error for state in chosen if (error := _sign_in(state))]
    if failed:
        raise failed[0]
    say('Try it:  ima2 generate "a red kite over the sea"')


async def _states() -> list[ProviderState]:
    from ima2.kernel.opening import open_studio

    async with open_studio() as studio:
        ready = {state.info.id: state for state in await studio.providers()}
        return [ready[info.id] for info in studio.providers_with_sign_in()]


def _asked(states: list[ProviderState]) -> list[ProviderState]:
    if not states:
        raise Ima2Error("No installed provider wants a sign-in.", code="NO_SIGN_IN", status=404, hint="ima2 providers")
    for number, state in enumerate(states, 1):
        _show(number, state)
    default = next((number for number, state in enumerate(states, 1) if not state.status.ready), 1)
    answer = read_line("Which? A number, or several such as 1,2; 0 for none", False, str(default))
    return _chosen(answer, states)


def _show(number: int, state: ProviderState) -> None:
    info, status = state.info, state.status
    ready = f"ready{f' as {status.account}' if status.account else ''}" if status.ready else status.why or "not ready"
    note(f"{number}  {info.title}: {_PAID_BY[info.billing]} · {ready}")
    if info.notice:
        note(f"   {info.notice}")


def _chosen(answer: str, states: list[ProviderState]) -> list[ProviderState]:
    words = answer.replace(",", " ").split()
    if words == ["0"]:
        return []
    numbers = [int(word) if word.isdecimal() else 0 for word in words]
    if not all(0 < number <= len(states) for number in numbers):
        text = f"{answer[:40]!r} is no choice; say numbers from 1 to {len(states)}."
        raise InvalidRequest(text, code="INVALID_FIELD", hint="ima2 setup")
    return [states[number - 1] for number in dict.fromkeys(numbers)]


def _named(name: str, states: list[ProviderState]) -> ProviderState:
    found = next((state for state in states if state.info.id == name), None)
    if found is None:
        known = ", ".join(state.info.id for state in states) or "none"
        raise InvalidRequest(f"{name} is none of the providers to sign in to: {known}.", code="UNKNOWN_PROVIDER")
    return found


def _sign_in(state: ProviderState) -> Ima2Error | None:
    """The failure, told at once, so that it does not keep the others from being signed in to."""
    try:
        name, signed_in = asyncio.run(sign_in(state.info.id))
    except Ima2Error as error:
        warn(f"{state.info.title}: {error.message}")
        return error
    success(" · ".join(str(each) for each in (f"signed in to {name}", signed_in.account, signed_in.plan) if each))
    return None
