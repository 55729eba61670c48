"""Which plugins are installed, and what became of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib import metadata
from typing import Literal

from ima2.hookspecs import PROJECT

State = Literal["loaded", "failed", "disabled"]


@dataclass(frozen=True, slots=True)
class PluginRecord:
    """What became of one plugin. ``load_ms`` is its import and registration, in milliseconds.

    :ivar provider: id of the provider it is.
    :ivar hooks: the hooks it implements or wraps, sorted.
    :ivar source: the installed distribution; None for a plugin that was given as an object.
    """

    name: str
    state: State
    error: str | None = None
    load_ms: float = 0.0
    provider: str | None = None
    hooks: tuple[str, ...] = ()
    source: metadata.Distribution | None = field(default=None, repr=False, compare=False)

    @property
    def distribution(self) -> str | None:
        """Name of its distribution. Read when asked: parsing metadata costs more than most plugins."""
        return _name(self.source) if self.source else None

    @property
    def version(self) -> str | None:
        """Version of its distribution."""
        return self.source.metadata["Version"] if self.source else None


@dataclass(frozen=True, slots=True)
class Found:
    """A plugin that is not loaded yet. ``load`` may raise anything, or never return.

    ``target`` is what the entry point names, empty for an object that was given.
    """

    name: str
    target: str
    load: Callable[[], object]
    source: metadata.Distribution | None = None


@dataclass(frozen=True, slots=True)
class Switches:
    """What the environment says of plugins.

    ``IMA2_PLUGINS=off`` loads none that is installed, ``IMA2_DISABLE_PLUGINS=a,b`` leaves these out,
    ``IMA2_TRACE_HOOKS=1`` prints each hook call.
    """

    off: bool = False
    disabled: frozenset[str] = frozenset()
    trace: bool = False

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Switches:
        """Read the three variables."""
        names = env.get("IMA2_DISABLE_PLUGINS", "").split(",")
        return cls(
            off=env.get("IMA2_PLUGINS", "").strip().lower() == "off",
            disabled=frozenset(name.strip() for name in names if name.strip()),
            trace=env.get("IMA2_TRACE_HOOKS", "").strip().lower() in ("1", "true", "yes"),
        )

    def leave_out(self, found: Found) -> bool:
        """Whether a plugin must not be loaded."""
        return found.name in self.disabled or (self.off and found.source is not None)


def find(extra: Mapping[str, object]) -> list[Found]:
    """The given objects and the installed entry points, by name; a given object comes before an installed one.

    The order in which the installation lists them means nothing, so nothing may depend on it.
    """
    given = [Found(name, "", partial(_give, plugin)) for name, plugin in extra.items()]
    return sorted([*given, *_installed()], key=lambda found: (found.name, found.target))


def _give(plugin: object) -> object:
    return plugin


def _installed() -> Iterator[Found]:
    try:
        points = list(metadata.entry_points(group=PROJECT))
    except Exception:
        # One unreadable entry_points.txt anywhere breaks the common scan.
        yield from _one_by_one()
        return
    for point in points:
        yield Found(point.name, point.value, point.load, point.dist)


def _one_by_one() -> Iterator[Found]:
    seen: set[str] = set()
    for distribution in metadata.distributions():
        name = _name(distribution)
        if name in seen:
            continue
        seen.add(name)
        try:
            points = list(distribution.entry_points.select(group=PROJECT))
        except Exception as error:
            yield Found(name, "", partial(_unreadable, error), distribution)
        else:
            yield from (Found(point.name, point.value, point.load, distribution) for point in points)


def _name(distribution: metadata.Distribution) -> str:
    try:
        return str(distribution.metadata["Name"])
    except Exception:  # no METADATA at all: what then happens differs between versions of Python
        return "a distribution without a name"


def _unreadable(error: Exception) -> object:
    raise ValueError(f"its entry_points.txt can't be read ({error})") from error
