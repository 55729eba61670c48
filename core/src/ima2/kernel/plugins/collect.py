"""Asking every plugin, one by one. Light: the command line asks for commands before it does anything."""

from __future__ import annotations

from functools import partial
from typing import Any

import pluggy

from ima2.errors import PluginFailed
from ima2.hookspecs import Command, DoctorCheck, Route, Service
from ima2.kernel.plugins.deadline import Overdue, call_within
from ima2.kernel.plugins.host import PluginHost
from ima2.kernel.plugins.invocation import describe

COLLECT_SECONDS = 5.0
"""How long a plugin may take to describe something."""

_ELEMENTS: dict[str, type] = {
    "ima2_commands": Command,
    "ima2_routes": Route,
    "ima2_services": Service,
    "ima2_doctor_checks": DoctorCheck,
}


def collect(host: PluginHost, hook: str, *, deadline: float = COLLECT_SECONDS, **kwargs: Any) -> list[tuple[str, Any]]:
    """(plugin, thing) for each thing that a plugin's list holds, by plugin name.

    A plugin that raises, hangs or returns something else is left out and noted with the host.
    """
    collected: list[tuple[str, Any]] = []
    for plugin, caller in host.answering(hook):
        try:
            things = call_within(deadline, partial(_listed, hook, caller, kwargs))
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            host.note_failure(plugin.name, hook, reason(error))
        else:
            collected += [(plugin.name, thing) for thing in things]
    return collected


def reason(error: BaseException) -> str:
    """Why a hook failed, in one line without what a caller said."""
    if isinstance(error, PluginFailed):
        return error.message
    return str(error) if isinstance(error, Overdue) else describe(error)


def _listed(hook: str, caller: pluggy.HookCaller, kwargs: dict[str, Any]) -> list[Any]:
    """Drains a generator too: a lazy one would fail later, in somebody else's hands."""
    things = [thing for answer in caller(**kwargs) or () for thing in answer]
    element = _ELEMENTS[hook]
    wrong = [type(thing).__name__ for thing in things if not isinstance(thing, element)]
    if wrong:
        raise PluginFailed(f"it must return a list of {element.__name__}, not of {wrong[0]}.")
    return things
