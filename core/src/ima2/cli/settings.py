"""``ima2 config``: settings, their values, and where each comes from. Light: it asks no service and opens no ledger."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import click
from click.shell_completion import CompletionItem

from ima2.cli.failure import UsageProblem
from ima2.cli.flags import json_flag, yes_flag
from ima2.cli.lazy import Group
from ima2.cli.plugins import load_host
from ima2.cli.terminal import is_terminal, json_text, say, say_json, success, table, warn
from ima2.errors import InvalidRequest, NotFound
from ima2.hookspecs import Setting
from ima2.settings.config import ConfigFile
from ima2.settings.core import CORE
from ima2.settings.paths import Paths
from ima2.settings.values import SettingsView, Value, convert

REDACTED = "<redacted>"
_SECRET_WORDS = ("key", "token", "secret", "password", "serviceaccount")


@dataclass(frozen=True, slots=True)
class Known:
    """A setting and whose it is: ``ima2`` or a provider's id."""

    owner: str
    setting: Setting

    @property
    def key(self) -> str | None:
        """Its place in ``config.json``."""
        return self.setting.key


config = Group(
    "config", help="Read and change settings. The environment comes before the file, the file before the default."
)


@config.command("path")
def path() -> None:
    """Print where the file is."""
    say(str(Paths.from_env().config_file))


@config.command("ls")
@click.option("--show-origin", is_flag=True, help="Also where each value comes from.")
@click.option("--effective", is_flag=True, help="Also what is not in the file.")
@json_flag
@click.pass_context
def list_(context: click.Context, /, show_origin: bool, effective: bool, as_json: bool) -> None:
    """List what is set; with --show-origin or --effective every setting."""
    if not (show_origin or effective):
        _print_file(as_json)
        return
    view = current()
    rows = [(each, _value(view, each)) for each in known(context)]
    if as_json:
        say_json({"settings": [_facts(each, value) for each, value in rows]})
        return
    table([_row(each, value, show_origin) for each, value in rows])


@config.command("keys")
@json_flag
@click.pass_context
def keys(context: click.Context, /, as_json: bool) -> None:
    """List the keys that may be set, and the variables that override them."""
    rows = [each for each in known(context) if each.key and not each.setting.secret]
    if as_json:
        say_json({"keys": [{"key": each.key, "env": next(iter(each.setting.env), None)} for each in rows]})
        return
    table([(str(each.key), ", ".join(each.setting.env), each.setting.help) for each in rows])


def complete_key(context: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Keys that may be set."""
    found = [each for each in known(context) if each.key and each.key.startswith(typed)]
    return [CompletionItem(each.key, help=each.setting.help) for each in found]


@config.command("get")
@click.argument("key", shell_complete=complete_key)
@json_flag
@click.pass_context
def get(context: click.Context, /, key: str, as_json: bool) -> None:
    """Print the value in force."""
    value = _effective(context, key)
    if as_json:
        say_json({"key": key, "value": value})
    elif value is None:
        raise NotFound(f"{key} is not set.", code="NOT_SET", hint="ima2 config keys")
    else:
        say(value if isinstance(value, str) else json_text(value))


@config.command("set")
@click.argument("key", shell_complete=complete_key)
@click.argument("value")
@json_flag
@click.pass_context
def set_(context: click.Context, /, key: str, value: str, as_json: bool) -> None:
    """Set a key in the file."""
    setting = writable(context, key)
    try:
        converted = convert(setting, value, key)
    except InvalidRequest as error:
        raise UsageProblem(error.message, code=error.code, field=error.field) from error
    ConfigFile(Paths.from_env().config_file).set(key, converted)
    overridden = tell_override(setting)
    say_json({"ok": True, "key": key, "value": converted, "overriddenBy": overridden}) if as_json else success(
        f"{key} = {json_text(converted)}"
    )


@config.command("rm")
@click.argument("key", shell_complete=complete_key)
@yes_flag
@json_flag
def remove(key: str, yes: bool, as_json: bool) -> None:
    """Forget a key of the file."""
    if not yes:
        if not is_terminal(sys.stdin):
            raise UsageProblem("Without a terminal nobody can be asked.", code="CONFIRMATION_NEEDED", hint="-y")
        click.confirm(f"Remove {key}?", abort=True, err=True)
    removed = ConfigFile(Paths.from_env().config_file).remove(key)
    if as_json:
        say_json({"ok": True, "key": key, "removed": removed})
    else:
        success(f"{key} is removed" if removed else f"{key} was not set")


def current() -> SettingsView:
    """The file and the environment as they are now."""
    return SettingsView(ConfigFile(Paths.from_env().config_file), os.environ)


def known(context: click.Context) -> list[Known]:
    """Every setting there is: our own, then each provider's."""
    return [*(Known("ima2", setting) for setting in CORE), *_of_providers(context)]


def _of_providers(context: click.Context) -> Iterator[Known]:
    for info in load_host(context).providers:
        for setting in info.settings:
            yield Known(info.id, setting)


def writable(context: click.Context, key: str) -> Setting:
    """The setting behind a key.

    :raises UsageProblem: ``UNKNOWN_KEY``; ``SECRET_KEY`` for what belongs into a sign-in.
    """
    found = next((each for each in known(context) if each.key == key), None)
    if found is None:
        raise UsageProblem(f"There is no key {key}.", code="UNKNOWN_KEY", hint="ima2 config keys")
    if found.setting.secret:
        raise UsageProblem(
            f"{key} is a secret and is not set here.", code="SECRET_KEY", hint=f"ima2 login {found.owner}"
        )
    return found.setting


def tell_override(setting: Setting) -> str | None:
    """Say it when a variable makes the file's value meaningless; its name."""
    overriding = next((name for name in setting.env if os.environ.get(name)), None)
    if overriding:
        warn(f"The variable {overriding} is set and comes before the file.")
    return overriding


def _print_file(as_json: bool) -> None:
    content = _redacted(ConfigFile(Paths.from_env().config_file).read())
    say_json(content) if as_json else say(json_text(content, indent=2))


def _redacted(content: Any, name: str = "") -> Any:
    """Whatever is named like a secret, also keys that no plugin here knows."""
    if isinstance(content, dict):
        return {key: _redacted(value, key) for key, value in content.items()}
    looks_secret = any(word in name.lower() for word in _SECRET_WORDS)
    return REDACTED if looks_secret and content not in (None, "") else content


def _effective(context: click.Context, key: str) -> Any:
    found = next((each for each in known(context) if each.key == key), None)
    if found is None:
        return _redacted(current().config.get(key), key.rpartition(".")[2])
    value = current().resolve(found.setting).value
    return REDACTED if found.setting.secret and value is not None else value


def _value(view: SettingsView, each: Known) -> Value:
    """A value that is wrong is shown as such; the list goes on."""
    try:
        return view.resolve(each.setting)
    except InvalidRequest as error:
        return Value(f"invalid: {error.message}", "config", error.field or "")


def _row(each: Known, value: Value, show_origin: bool) -> tuple[str, ...]:
    origin = (f"{value.origin}: {value.source}",) if show_origin else ()
    return (each.owner, each.key or each.setting.name, _shown(each.setting, value.value), *origin)


def _shown(setting: Setting, value: Any) -> str:
    if value is None:
        return "-"
    return REDACTED if setting.secret else str(value)


def _facts(each: Known, value: Value) -> dict[str, Any]:
    secret = each.setting.secret and value.value is not None
    return {
        "owner": each.owner,
        "name": each.setting.name,
        "key": each.key,
        "value": REDACTED if secret else value.value,
        "origin": value.origin,
        "source": value.source,
    }
