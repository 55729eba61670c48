"""The plugin host: loads each plugin by itself, and knows the providers."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pluggy

from ima2.errors import Ima2Error, InvalidRequest, PluginFailed
from ima2.hookspecs import ProviderInfo
from ima2.kernel.plugins.deadline import Overdue, call_within
from ima2.kernel.plugins.discovery import Found, PluginRecord, Switches, find
from ima2.kernel.plugins.registry import Plugin, Registry

LOAD_SECONDS = 5.0
"""How long a plugin may take to be imported."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HookFailure:
    """The last failure of a hook after loading, and how often it failed."""

    plugin: str
    hook: str
    error: str
    count: int = 1


class PluginHost:
    """The plugins of this process. What is wrong with one is a record, never a neighbour's trouble.

    Guards against accidents, not against malice: a plugin runs with the user's rights in this process.
    """

    def __init__(self, registry: Registry, records: tuple[PluginRecord, ...]) -> None:
        self._registry = registry
        self._failures: dict[tuple[str, str], HookFailure] = {}
        self.records = records
        self.plugins = tuple(sorted(registry.plugins, key=lambda plugin: plugin.name))
        self._providers = {plugin.info.id: plugin for plugin in self.plugins if plugin.info}

    @classmethod
    def load(
        cls,
        env: Mapping[str, str],
        *,
        extra: Mapping[str, object] | None = None,
        strict: bool = False,
        deadline: float = LOAD_SECONDS,
    ) -> PluginHost:
        """Load what is installed, and the plugin objects of ``extra`` by name (which come first).

        :raises PluginFailed: only when ``strict``: the first plugin that fails.
        """
        registry, switches = Registry(deadline), Switches.from_env(env)
        records = tuple(_load_all(find(extra or {}), registry, switches, deadline, strict=strict))
        registry.close()
        if switches.trace:
            from ima2.kernel.plugins.trace import trace_hooks

            trace_hooks(registry.pm)
        return cls(registry, records)

    @property
    def providers(self) -> tuple[ProviderInfo, ...]:
        """All providers, by (priority, id)."""
        infos = [plugin.info for plugin in self._providers.values() if plugin.info]
        return tuple(sorted(infos, key=lambda info: (info.priority, info.id)))

    def provider(self, provider_id: str) -> ProviderInfo:
        """A provider by id.

        :raises InvalidRequest: ``UNKNOWN_PROVIDER``, listing what is installed.
        """
        info = self.plugin_of(provider_id).info
        assert info is not None  # noqa: S101 - the table holds providers alone
        return info

    def plugin_of(self, provider_id: str) -> Plugin:
        """The plugin that is a provider. Raises like :meth:`provider`."""
        if plugin := self._providers.get(provider_id):
            return plugin
        known = [info.id for info in self.providers]
        record = next((each for each in self.records if each.name == provider_id and each.error), None)
        broken = f" The plugin of this name did not load: {record.error}" if record else ""
        raise InvalidRequest(
            f"There is no provider {provider_id!r}; installed: {', '.join(known) or 'none'}.{broken}",
            code="UNKNOWN_PROVIDER",
            field="provider",
            step="check",
            hint="ima2 plugins" if record else "ima2 providers",
            details={"providers": known},
        )

    def asking(self, hook: str, plugin: Plugin, *, raw: bool = False) -> pluggy.HookCaller:
        """A caller of a dispatched hook: this provider and, unless ``raw``, whatever wraps it."""
        others = [each.module for each in self.plugins if each is not plugin and (raw or each.info)]
        return self._registry.without(hook, others)

    def wrappers(self, hook: str) -> tuple[str, ...]:
        """The plugins that wrap a dispatched hook; a provider wraps no other provider."""
        return tuple(each.name for each in self.plugins if hook in each.wraps and not each.info)

    def answering(self, hook: str) -> tuple[tuple[Plugin, pluggy.HookCaller], ...]:
        """Each plugin that has a collected hook, by name, with a caller that asks it alone."""
        having = [plugin for plugin in self.plugins if hook in plugin.plain | plugin.wraps]
        return tuple((plugin, self._registry.only(hook, plugin.module)) for plugin in having)

    @property
    def failures(self) -> tuple[HookFailure, ...]:
        """What failed since loading, one entry for each plugin and hook."""
        return tuple(self._failures.values())

    def note_failure(self, name: str, hook: str, error: str) -> None:
        """Record that a plugin's hook failed; the log says it once."""
        before = self._failures.get((name, hook))
        count = before.count + 1 if before else 1
        self._failures[name, hook] = HookFailure(name, hook, error, count)
        if before is None or before.error != error:
            _logger.warning("plugin %s: %s failed: %s", name, hook, error)


def _load_all(
    found: list[Found], registry: Registry, switches: Switches, deadline: float, *, strict: bool
) -> Iterator[PluginRecord]:
    for each in found:
        if switches.leave_out(each):
            yield PluginRecord(each.name, "disabled", source=each.source)
            continue
        record = _load(each, registry, deadline)
        if strict and record.error:
            raise PluginFailed(f"The plugin {record.name} failed: {record.error}", details={"plugin": record.name})
        yield record


def _load(found: Found, registry: Registry, deadline: float) -> PluginRecord:
    began = time.perf_counter()
    try:
        if any(plugin.name == found.name for plugin in registry.plugins):
            raise PluginFailed("another plugin has this name already.")
        plugin = registry.add(found.name, call_within(deadline, found.load))
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        record = PluginRecord(found.name, "failed", _reason(error), _ms_since(began), source=found.source)
        _logger.warning("plugin %s failed: %s", record.name, record.error)
        return record
    provider = plugin.info.id if plugin.info else None
    hooks = tuple(sorted(plugin.plain | plugin.wraps))
    return PluginRecord(found.name, "loaded", None, _ms_since(began), provider, hooks, found.source)


def _ms_since(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 2)


def _reason(error: BaseException) -> str:
    """One line for ``ima2 plugins``."""
    if isinstance(error, Ima2Error):
        return error.message
    if isinstance(error, Overdue):
        return f"loading it {error}."
    if isinstance(error, SystemExit):
        return f"it called sys.exit({error.code!r}) while it was loaded."
    return " ".join(f"{type(error).__name__}: {error}".split())
