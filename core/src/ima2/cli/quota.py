"""``ima2 quota``."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from typing import Any

import click

from ima2.cli.flags import complete_provider, json_flag
from ima2.cli.lazy import Command
from ima2.cli.terminal import say, say_json, table, warn

NEAR = 90.0
"""Percent used from which a plan deserves a warning."""
Facts = dict[str, Any]


@click.command(cls=Command)
@click.argument("provider", required=False, shell_complete=complete_provider)
@json_flag
def quota(provider: str | None, as_json: bool) -> None:
    """Tell what is left of your plans: how much of each window is used, and when it begins anew.

    Asks the services, which costs nothing. A provider that is named and can't tell is an error.
    """
    plans = asyncio.run(_asked(provider))
    if as_json:
        say_json({"ok": True, "providers": plans})
        return
    table([row for plan in plans for row in _rows(plan)])
    for plan in plans:
        _warn(plan)
    if not plans:
        say("No installed provider has a plan.")


async def _asked(provider: str | None) -> list[Facts]:
    from ima2.kernel.answers.quota import quota_facts
    from ima2.kernel.opening import open_studio

    async with open_studio() as studio:
        found = await studio.quota(provider)
    if provider and found[0].error:
        raise found[0].error
    plans = [each for each in found if provider or each.info.billing == "subscription"]
    return [quota_facts(each) for each in plans]


def _rows(plan: Facts) -> list[tuple[str, ...]]:
    who = " · ".join(str(each) for each in (plan["account"], plan["plan"]) if each)
    rows = [(f"{each['usedPercent']:g} % used", each["label"], _reset(each["resetsAt"])) for each in plan["windows"]]
    if not rows:
        rows = [
            (" · ".join(str(plan[name]) for name in ("error", "hint") if plan.get(name)) or "no limit known", "", "")
        ]
    return [(plan["provider"], who, *rows[0]), *(("", "", *row) for row in rows[1:])]


def _reset(at: int | None) -> str:
    return "" if at is None else f"begins anew {_moment(at)}"


def _moment(at: int) -> str:
    """Local time and how far away, as in ``2026-11-22 15:00 (in 2 h)``."""
    minutes = max(0, round((at - time.time()) / 60))
    away = (
        f"{minutes} min" if minutes < 90 else f"{minutes / 60:.0f} h" if minutes < 2880 else f"{minutes / 1440:.0f} d"
    )
    return f"{datetime.fromtimestamp(at).astimezone():%Y-%m-%d %H:%M} (in {away})"


def _warn(plan: Facts) -> None:
    for each in plan["windows"]:
        if each["usedPercent"] >= NEAR:
            state = "is used up" if each["usedPercent"] >= 100 else "is nearly used up"
            reset = "" if each["resetsAt"] is None else f"; it begins anew {_moment(each['resetsAt'])}"
            warn(f"{plan['title']}: the window {each['label']} {state}{reset}.")
    if plan.get("error") and plan["windows"]:
        warn(f"{plan['error']} What stands here was known before.")
