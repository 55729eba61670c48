"""Asking one plugin's hooks, as ima2 does, without the rest of ima2."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import metadata
from typing import Any

import pluggy
from ima2.hookspecs import PROJECT, CollectedSpecs, DispatchedSpecs

SPECIFIED = frozenset(
    name for specs in (CollectedSpecs, DispatchedSpecs) for name in vars(specs) if name.startswith("ima2_")
)


def entry_point(name: str) -> metadata.EntryPoint:
    """The installed entry point of a plugin.

    :raises LookupError: there is none, or more than one.
    """
    found = tuple(metadata.entry_points(group=PROJECT, name=name))
    if len(found) != 1:
        installed = ", ".join(sorted(metadata.entry_points(group=PROJECT).names)) or "none"
        raise LookupError(
            f"{len(found)} entry points are named {name!r} in the group {PROJECT!r}; installed: {installed}. "
            "Is your distribution installed (pip install -e .)?"
        )
    return found[0]


class Hooks:
    """The hooks of one plugin.

    :raises pluggy.PluginValidationError: a hook is unknown or takes arguments that its specification has not.
    """

    def __init__(self, plugin: object) -> None:
        self.plugin = plugin
        self._manager = pluggy.PluginManager(PROJECT)
        self._manager.add_hookspecs(CollectedSpecs)
        self._manager.add_hookspecs(DispatchedSpecs)
        self._manager.register(plugin)
        self._manager.check_pending()
        callers = self._manager.get_hookcallers(plugin) or []
        self._callers: Mapping[str, Callable[..., Any]] = {caller.name: caller for caller in callers}

    @property
    def names(self) -> frozenset[str]:
        """The hooks it implements."""
        return frozenset(self._callers)

    def ask(self, hook: str, **arguments: Any) -> Any:
        """What the hook returns; None when it is not implemented."""
        if hook not in self._callers:
            return None
        answer = self._callers[hook](**arguments)
        return answer[0] if isinstance(answer, list) and self._collects(hook) and answer else answer

    def unmarked(self) -> list[str]:
        """What is named like a hook and lacks ``@hookimpl``: ima2 never calls it."""
        return sorted(name for name in dir(self.plugin) if name in SPECIFIED and name not in self._callers)

    def _collects(self, hook: str) -> bool:
        specification = getattr(CollectedSpecs, hook, None)
        options = getattr(specification, f"{PROJECT}_spec", {})
        return specification is not None and not options.get("firstresult")
