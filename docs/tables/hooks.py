"""The contract with plugins: hooks, what they return, what they yield, what they are lent."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterable, Iterator
from typing import Any

from ima2 import hookspecs, models
from ima2.hookspecs import CollectedSpecs, DispatchedSpecs

from tables.markdown import code, fenced, prose, table

DESCRIPTORS = (
    hookspecs.ProviderInfo,
    hookspecs.ModelInfo,
    hookspecs.Capabilities,
    hookspecs.SizeRule,
    hookspecs.Setting,
    hookspecs.Problem,
    hookspecs.Status,
    hookspecs.QuotaWindow,
    hookspecs.Command,
    hookspecs.Route,
    hookspecs.Service,
    hookspecs.DoctorCheck,
)
EVENTS = (
    models.Phase,
    models.Progress,
    models.Partial,
    models.Sending,
    models.Submitted,
    models.Media,
    models.Usage,
    models.Warning,
    models.Text,
    models.Planned,
    models.Reply,
)
LENT = (
    models.Request,
    models.Reference,
    models.Step,
    models.Plan,
    models.Call,
    models.Resolution,
    hookspecs.Context,
    hookspecs.Spool,
    hookspecs.Credentials,
    hookspecs.Clock,
    hookspecs.Auth,
    hookspecs.LoginSession,
)


def all_hooks() -> str:
    """A heading for each hook, with its signature."""
    return "\n\n".join(part for specs in (CollectedSpecs, DispatchedSpecs) for part in _family(specs))


def all_descriptors() -> str:
    """The frozen dataclasses that describe a plugin."""
    return "\n\n".join(map(_class, DESCRIPTORS))


def all_events() -> str:
    """What the streaming hooks yield."""
    return "\n\n".join(map(_class, EVENTS))


def all_lent() -> str:
    """What hooks are given."""
    return "\n\n".join(map(_class, LENT))


def signature(name: str, hook: Any) -> str:
    """As an implementation would write it: ``def ima2_auth(context: Context) -> Auth | None``."""
    written = inspect.signature(hook)
    arguments = [
        parameter.replace(annotation=_Written(parameter.annotation))
        for parameter in written.parameters.values()
        if parameter.name != "self"
    ]
    shown = written.replace(parameters=arguments, return_annotation=_Written(written.return_annotation))
    return f"{'async ' if inspect.iscoroutinefunction(hook) else ''}def {name}{shown}"


@dataclasses.dataclass(frozen=True)
class _Written:
    """An annotation as it stands in the source; inspect would put quotes around it."""

    source: str

    def __repr__(self) -> str:
        return self.source


def hooks_of(specs: type) -> Iterator[tuple[str, Any]]:
    """Hooks of a spec class in the order of the source."""
    return ((name, hook) for name, hook in vars(specs).items() if name.startswith("ima2_"))


def _family(specs: type) -> Iterable[str]:
    yield f"### {'Collected' if specs is CollectedSpecs else 'Dispatched'} hooks"
    yield prose(specs.__doc__)
    for name, hook in hooks_of(specs):
        yield f"#### {name}"
        yield fenced(signature(name, hook), "python")
        yield prose(hook.__doc__)


def _class(described: type) -> str:
    parts = [f"### {described.__name__}", prose(described.__doc__), _fields(described), *_methods(described)]
    return "\n\n".join(part for part in parts if part)


def _fields(described: type) -> str:
    rows = [(code(name), code(kind), code(_default(described, name))) for name, kind in _annotations(described).items()]
    return table(("field", "type", "default"), rows) if rows else ""


def _annotations(described: type) -> dict[str, str]:
    return {name: kind for name, kind in inspect.get_annotations(described).items() if not name.startswith("_")}


def _default(described: type, name: str) -> str | None:
    """As in the source; None for a field that must be given."""
    if dataclasses.is_dataclass(described):
        (found,) = [field for field in dataclasses.fields(described) if field.name == name]
        missing, factory = found.default is dataclasses.MISSING, found.default_factory
        made = factory() if factory is not dataclasses.MISSING else found.default
        return None if missing and factory is dataclasses.MISSING else repr(made)
    if issubclass(described, models.Request.__mro__[1]):
        field = described.model_fields[name]
        return None if field.is_required() else repr(field.get_default(call_default_factory=True))
    return None


def _methods(described: type) -> Iterable[str]:
    """Methods of a protocol; data classes have none that a plugin calls."""
    if not getattr(described, "_is_protocol", False):
        return
    for name, method in vars(described).items():
        if inspect.isfunction(method) and not name.startswith("_"):
            yield fenced(signature(name, method), "python")
            yield prose(method.__doc__)
