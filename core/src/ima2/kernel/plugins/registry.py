"""Taking a plugin in: everything that can be wrong with it is found here, and leaves no trace."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pluggy

from ima2.errors import PluginFailed
from ima2.hookspecs import PROJECT, CollectedSpecs, DispatchedSpecs, ModelInfo, ProviderInfo, Setting
from ima2.kernel.plugins.deadline import Overdue, call_within
from ima2.kernel.plugins.invocation import innermost

DISPATCHED = frozenset(name for name in vars(DispatchedSpecs) if name.startswith("ima2_"))
COLLECTED = frozenset(name for name in vars(CollectedSpecs) if name.startswith("ima2_"))

_ID = re.compile(r"[a-z][a-z0-9-]*")


@dataclass(frozen=True, slots=True)
class Plugin:
    """A plugin that was taken in.

    :ivar info: what it says as a provider; None when it is none.
    :ivar plain: hooks it implements. :ivar wraps: hooks it wraps.
    """

    name: str
    module: object
    info: ProviderInfo | None
    plain: frozenset[str]
    wraps: frozenset[str]


class Registry:
    """The plugins that were taken in, with the pluggy manager that calls them."""

    def __init__(self, deadline: float) -> None:
        self.pm = pluggy.PluginManager(PROJECT)
        self.pm.add_hookspecs(DispatchedSpecs)
        self.pm.add_hookspecs(CollectedSpecs)
        self.plugins: tuple[Plugin, ...] = ()
        self._deadline = deadline

    def add(self, name: str, module: object) -> Plugin:
        """Take a plugin in, or leave everything as it was and raise what is wrong with it."""
        plain, wraps = self._marked(module)
        try:
            self.pm.register(module, name)
            info = self._provider(module)
            self._accept(info, plain)
        except BaseException:
            self._forget(name, module)
            raise
        plugin = Plugin(name, module, info, plain, wraps)
        self.plugins = (*self.plugins, plugin)
        return plugin

    def close(self) -> None:
        """No more plugins: from here on the kernel's own wrapper is the innermost one."""
        self.pm.register(innermost(), "the kernel")

    def only(self, hook: str, module: object) -> pluggy.HookCaller:
        """A caller that asks one plugin alone."""
        return self.without(hook, (plugin.module for plugin in self.plugins if plugin.module is not module))

    def without(self, hook: str, modules: Iterable[object]) -> pluggy.HookCaller:
        """A caller that leaves these plugins out."""
        return self.pm.subset_hook_caller(hook, modules)

    def _marked(self, module: object) -> tuple[frozenset[str], frozenset[str]]:
        """The hooks a plugin implements and those it wraps."""
        if module is None:
            raise PluginFailed("its entry point names None.")
        if twin := next((each.name for each in self.plugins if each.module is module), None):
            raise PluginFailed(f"it is the same object as the plugin {twin!r}.")
        try:
            hash(module)
        except TypeError as error:
            # pluggy keeps plugins in sets; such an object would make calls fail for its neighbours.
            raise PluginFailed(f"a plugin must be hashable, and {type(module).__name__} is not.") from error
        found = {name: self.pm.parse_hookimpl_opts(module, name) for name in dir(module)}
        marks = {name: mark for name, mark in found.items() if mark is not None}
        for name, mark in marks.items():
            _check_name(name, mark)
        wraps = frozenset(name for name, mark in marks.items() if mark.get("wrapper") or mark.get("hookwrapper"))
        return frozenset(marks) - wraps, wraps

    def _provider(self, module: object) -> ProviderInfo | None:
        try:
            answers = call_within(self._deadline, self.only("ima2_provider", module))
        except Overdue as error:
            raise PluginFailed(f"ima2_provider {error}.") from error
        return answers[0] if answers else None

    def _accept(self, info: ProviderInfo | None, plain: frozenset[str]) -> None:
        if info is not None:
            _check_info(info)
            if holder := next((each.name for each in self.plugins if each.info and each.info.id == info.id), None):
                raise PluginFailed(f"the provider {info.id!r} exists already, from the plugin {holder!r}.")
        elif acting := sorted(plain & DISPATCHED):
            raise PluginFailed(
                f"it implements {acting[0]} and is no provider: only wrap it (@hookimpl(wrapper=True)), "
                "or be a provider (ima2_provider)."
            )

    def _forget(self, name: str, module: object) -> None:
        if self.pm.get_plugin(name) is module:
            self.pm.unregister(name=name)


def _check_name(name: str, mark: Mapping[str, Any]) -> None:
    if mark.get("specname") not in (None, name):
        # pluggy 1.6 looks for a plugin to leave out by the hook's own name.
        raise PluginFailed(f"{name} must have the name of its hook, {mark['specname']}.")
    if name not in DISPATCHED | COLLECTED and not mark.get("optionalhook"):
        import difflib

        near = difflib.get_close_matches(name, DISPATCHED | COLLECTED, 1)
        raise PluginFailed(f"{name} is no hook of ima2" + (f"; did you mean {near[0]}?" if near else "."))


def _check_info(info: object) -> None:
    """What is looked at while all providers are listed must be right: sorting and settings are common ground."""
    if not isinstance(info, ProviderInfo):
        raise PluginFailed(f"ima2_provider must return a ProviderInfo, not {type(info).__name__}.")
    if not isinstance(info.id, str) or not _ID.fullmatch(info.id) or info.id == "auto":
        raise PluginFailed(f"{info.id!r} can't be a provider's id: lower case, digits and -, and not 'auto'.")
    expected = {"title": str, "auto": bool, "priority": int, "concurrency": int}
    for name, kind in expected.items():
        if not isinstance(getattr(info, name), kind):
            raise PluginFailed(f"ProviderInfo.{name} must be {kind.__name__}.")
    if info.billing not in ("subscription", "metered", "free"):
        raise PluginFailed("ProviderInfo.billing must be subscription, metered or free.")
    for name, element in {"kinds": str, "settings": Setting, "models": ModelInfo, "resumable": str}.items():
        value = getattr(info, name)
        if not isinstance(value, tuple) or not all(isinstance(each, element) for each in value):
            raise PluginFailed(f"ProviderInfo.{name} must be a tuple of {element.__name__}.")
