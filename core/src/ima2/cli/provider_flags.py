"""Flags that installed providers bring: a per-request setting ``planner_model`` is the flag ``--planner-model``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import click

from ima2.cli.lazy import Command
from ima2.hookspecs import ProviderInfo, Setting

_PREFIX = "setting_"
_TYPES: Mapping[str, click.ParamType[Any]] = {"string": click.STRING, "integer": click.INT, "number": click.FLOAT}


class ProviderOption(click.Option):
    """A flag with the titles of the providers that understand it, and its field in a request's JSON."""

    def __init__(self, setting: Setting, titles: tuple[str, ...]) -> None:
        flag = setting.name.replace("_", "-")
        boolean = setting.type == "boolean"
        super().__init__(
            [f"{_PREFIX}{setting.name}", f"--{flag}/--no-{flag}" if boolean else f"--{flag}"],
            type=None if boolean else _type(setting),
            default=None,
            help=setting.help,
        )
        self.titles = titles
        self.field = setting.field


@dataclass(frozen=True, slots=True)
class _Offer:
    setting: Setting
    titles: tuple[str, ...]


class ProviderCommand(Command):
    """A command whose flags are its own and those of the providers of one kind."""

    kind = "image"

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """The command's own parameters, then the providers' (those that clash with its own are its own)."""
        own = super().get_params(ctx)
        return [*own, *self._brought(ctx, own)]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the providers' flags under their titles."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            if record := parameter.get_help_record(ctx):
                title = ", ".join(parameter.titles) if isinstance(parameter, ProviderOption) else "Options"
                sections.setdefault(title, []).append(record)
        for title, records in sections.items():
            with formatter.section(title):
                formatter.write_dl(records)

    def _brought(self, ctx: click.Context, own: Iterable[click.Parameter]) -> list[ProviderOption]:
        if (known := ctx.meta.get("ima2.provider_options")) is None:
            from ima2.cli.plugins import load_host

            infos = [info for info in load_host(ctx).providers if self.kind in info.kinds]
            taken = {flag for parameter in own for flag in (*parameter.opts, *parameter.secondary_opts)}
            known = [
                option for option in _options(infos, self.kind) if not taken & {*option.opts, *option.secondary_opts}
            ]
            ctx.meta["ima2.provider_options"] = known
        return list(known)


def settings_in(ctx: click.Context) -> dict[str, Any]:
    """Field → value of the providers' flags that were given."""
    options = ctx.meta.get("ima2.provider_options", ())
    values = {option.field: ctx.params.get(option.name) for option in options}
    return {field: value for field, value in values.items() if value is not None}


def _options(infos: Iterable[ProviderInfo], kind: str) -> list[ProviderOption]:
    """One flag a name, however many providers share it."""
    offers: dict[str, _Offer] = {}
    for info in infos:
        for setting in info.settings:
            if setting.serves(kind) and not setting.secret:
                earlier = offers.get(setting.name)
                titles = (*earlier.titles, info.title) if earlier else (info.title,)
                offers[setting.name] = _Offer(earlier.setting if earlier else setting, titles)
    return [ProviderOption(offer.setting, offer.titles) for offer in offers.values()]


def _type(setting: Setting) -> click.ParamType[Any]:
    """Ranges and choices are the provider's to check: two providers may share a name and not the values."""
    return _TYPES[setting.type]
