"""Every setting of ima2 and of the providers of this repository."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path

from ima2.hookspecs import ProviderInfo, Setting
from ima2.settings.core import CORE

from tables.markdown import code, table

ROOT = Path(__file__).parents[2]


def all_settings() -> str:
    """A table for ima2 and one for each provider."""
    parts = ["### ima2", settings_table(CORE)]
    for info in providers():
        listed = settings_table(info.settings) if info.settings else "It has no settings."
        parts += [f"### {info.id}: {info.title}", listed]
    return "\n\n".join(parts)


def plugins() -> Mapping[str, str]:
    """Entry points of our own distributions, name → module, whatever else is installed."""
    paths = (*ROOT.glob("plugins/ima2_*/pyproject.toml"), *ROOT.glob("ima2_*/pyproject.toml"))
    projects = (tomllib.loads(path.read_text(encoding="utf-8"))["project"] for path in paths)
    return {
        name: module for project in projects for name, module in project.get("entry-points", {}).get("ima2", {}).items()
    }


def providers() -> Iterator[ProviderInfo]:
    """By id."""
    return (import_module(module).ima2_provider() for _, module in sorted(plugins().items()))


@cache
def variables() -> frozenset[str]:
    """Every environment variable of a setting."""
    listed = (*CORE, *(setting for info in providers() for setting in info.settings))
    return frozenset(name for setting in listed for name in setting.env)


def settings_table(settings: Iterable[Setting]) -> str:
    """A line for each."""
    head = ("setting", "type", "default", "environment", "`config.json`", "option", "what it does")
    return table(head, map(_row, settings))


def _row(setting: Setting) -> tuple[str, ...]:
    variables = ", ".join(map(code, setting.env))
    flag = f"--{setting.name.replace('_', '-')}" if setting.per_request else None
    return (
        code(setting.name),
        _type(setting),
        _default(setting),
        variables,
        code(setting.key),
        code(flag),
        setting.help,
    )


def _type(setting: Setting) -> str:
    if setting.choices:
        return "one of " + ", ".join(map(code, setting.choices))
    limits = [f"from {setting.minimum:g}"] if setting.minimum is not None else []
    limits += [f"to {setting.maximum:g}"] if setting.maximum is not None else []
    return " ".join([setting.type, *limits]) + (", secret" if setting.secret else "")


def _default(setting: Setting) -> str:
    value = str(setting.default).lower() if isinstance(setting.default, bool) else setting.default
    return code(value)
