"""``ima2 defaults``: what is used when a request leaves it open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from ima2.cli.failure import UsageProblem
from ima2.cli.flags import complete_model, json_flag
from ima2.cli.lazy import Group
from ima2.cli.plugins import load_host
from ima2.cli.settings import Known, current, known, tell_override
from ima2.cli.terminal import note, say_json, success, table
from ima2.errors import InvalidRequest
from ima2.hookspecs import ProviderInfo
from ima2.settings.values import Value, convert

_SHARED = click.Choice(["model", "reasoning"])
_OPEN = frozenset({"model", "size", "quality", "format", "moderation", "reasoning_effort", "web_search"})


@click.group(cls=Group, invoke_without_command=True)
@json_flag
@click.pass_context
def defaults(context: click.Context, /, as_json: bool) -> None:
    """The model, reasoning and so on that are used when none is named."""
    if context.invoked_subcommand is None:
        _list(context, as_json)


@defaults.command("ls")
@json_flag
@click.pass_context
def list_(context: click.Context, /, as_json: bool) -> None:
    """List them, by provider, with where each comes from."""
    _list(context, as_json)


@defaults.command("set")
@click.argument("name", type=_SHARED)
@click.argument("value", shell_complete=complete_model)
@json_flag
@click.pass_context
def set_(context: click.Context, /, name: str, value: str, as_json: bool) -> None:
    """Set the model or the reasoning effort of every provider that has it."""
    sharing = _sharing(context, name)
    taking = [each for each in sharing if value in _accepted(_info(context, each), name) or not _is_listed(each, name)]
    if not taking:
        offered = dict.fromkeys(each for known in sharing for each in _accepted(_info(context, known), name))
        raise UsageProblem(
            f"No installed provider has the {name} {value!r}; there are {', '.join(offered) or 'none'}.",
            code="UNKNOWN_MODEL" if name == "model" else "INVALID_REASONING_EFFORT",
            hint="ima2 models --refresh",
        )
    for each in taking:
        _write(each, value)
    for each in sharing:
        if each not in taking:
            note(f"{each.owner} has no {value} and keeps its own.")
    overridden = [variable for each in taking if (variable := tell_override(each.setting))]
    if as_json:
        say_json({"ok": True, "written": [each.key for each in taking], "value": value, "overriddenBy": overridden})
    else:
        success(f"{', '.join(str(each.key) for each in taking)} = {value}")


@defaults.command("reset")
@click.argument("name", type=_SHARED)
@json_flag
@click.pass_context
def reset(context: click.Context, /, name: str, as_json: bool) -> None:
    """Go back to the providers' own choice."""
    file = current().config
    removed = [each.key for each in _sharing(context, name) if each.key and file.remove(each.key)]
    say_json({"ok": True, "removed": removed}) if as_json else success(", ".join(map(str, removed)) or "none was set")


def _list(context: click.Context, as_json: bool) -> None:
    view = current()
    rows = [(each, view.resolve(each.setting)) for each in known(context) if _is_default(each)]
    if not as_json:
        table([(each.owner, each.setting.field, str(value.value), _origin(value)) for each, value in rows])
        return
    values: dict[str, dict[str, Any]] = {}
    origins: dict[str, dict[str, Any]] = {}
    for each, value in rows:
        values.setdefault(each.owner, {})[each.setting.field] = value.value
        origins.setdefault(each.owner, {})[each.setting.field] = {"origin": value.origin, "source": value.source}
    say_json({"ok": True, "source": "local", "server": None, "defaults": values, "origins": origins})


def _is_default(each: Known) -> bool:
    setting = each.setting
    if each.owner == "ima2" or setting.secret:
        return False
    return setting.per_request or setting.shared is not None or setting.name in _OPEN


def _origin(value: Value) -> str:
    return "default" if value.origin == "default" else f"{value.origin}: {value.source}"


def _sharing(context: click.Context, name: str) -> list[Known]:
    """The settings of all providers that share the name and can be written.

    :raises UsageProblem: ``NOTHING_SHARED``.
    """
    found = [each for each in known(context) if each.setting.shared == name and each.key]
    if not found:
        raise UsageProblem(f"No installed provider has a default {name}.", code="NOTHING_SHARED", hint="ima2 plugins")
    return found


def _info(context: click.Context, each: Known) -> ProviderInfo:
    return load_host(context).provider(each.owner)


def _is_listed(each: Known, name: str) -> bool:
    """Whether there is a list to hold a value against; the setting's own choices are held against in any case."""
    return name == "model" or not each.setting.choices


def _accepted(info: ProviderInfo, name: str) -> Sequence[str]:
    """What the provider's models, live ones included, let be chosen."""
    from ima2.kernel.clock import SystemClock
    from ima2.kernel.requests.catalogue import Catalogues
    from ima2.settings.paths import Paths

    models = Catalogues(Paths.from_env().catalogues, SystemClock()).of(info).models
    if name == "model":
        return [each for model in models if model.kind == "image" for each in (model.id, *model.aliases)]
    return [effort for model in models for effort in model.capabilities.reasoning_efforts]


def _write(each: Known, value: str) -> None:
    try:
        current().config.set(str(each.key), convert(each.setting, value, str(each.key)))
    except InvalidRequest as error:
        raise UsageProblem(error.message, code=error.code, hint=error.hint) from None
