"""``ima2 doctor``: what is wrong here, a line each, with what to type."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ima2.errors import Ima2Error
from ima2.kernel.requests.readiness import fix_for

if TYPE_CHECKING:
    from ima2.kernel.studio import Studio

CHECK_SECONDS = 5.0
DISK_RESERVE = 1 << 30
"""Bytes that should stay free: results need room."""


@dataclass(frozen=True, slots=True)
class Check:
    """One line. ``ok`` None means: worth knowing, not wrong."""

    name: str
    ok: bool | None
    text: str
    hint: str | None = None


async def examine(studio: Studio) -> list[Check]:
    """Run every check, each on its own; one that fails to run is itself a finding."""
    own: list[Callable[[Studio], Awaitable[list[Check]]]] = [_plugins, _folders, _database, _jobs, _providers, _others]
    found: list[Check] = []
    for check in own:
        try:
            async with asyncio.timeout(CHECK_SECONDS * 4):
                found.extend(await check(studio))
        except (Ima2Error, OSError, TimeoutError) as error:
            found.append(Check(check.__name__.strip("_"), False, f"could not be checked: {error}"))
    return found


async def _plugins(studio: Studio) -> list[Check]:
    hint = "ima2 plugins"
    return [
        Check(
            f"plugin {record.name}",
            {"loaded": True, "failed": False}.get(record.state),
            record.error or f"{record.state} in {record.load_ms:.0f} ms",
            hint if record.state == "failed" else None,
        )
        for record in studio.host.records
    ]


async def _folders(studio: Studio) -> list[Check]:
    return [await asyncio.to_thread(_folder, folder) for folder in {studio.paths.data, studio.paths.generated}]


def _folder(folder: Path) -> Check:
    name = f"folder {folder}"
    folder.mkdir(parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK):
        return Check(name, False, "can't be written", "change its permissions, or set IMA2_CONFIG_DIR")
    free = shutil.disk_usage(folder).free
    if free < DISK_RESERVE:
        return Check(name, False, f"only {free / 2**20:,.0f} MiB are free", "free some space: results need room")
    return Check(name, True, f"{free / 2**30:,.0f} GiB free")


async def _database(studio: Studio) -> list[Check]:
    verdict = await asyncio.to_thread(_quick_check, studio.paths.database)
    if verdict != "ok":
        return [Check("database", False, verdict, "ima2 repair")]
    return [Check("database", True, f"ok, SQLite {sqlite3.sqlite_version}")]


def _quick_check(path: Path) -> str:
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    try:
        return str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.DatabaseError as error:
        return str(error)
    finally:
        connection.close()


async def _jobs(studio: Studio) -> list[Check]:
    orphans = await studio.runner.orphans()
    unknown = await studio.ledger.jobs(states=("unknown",))
    found = []
    if orphans:
        text = f"jobs of processes that ended, waiting to go on: {len(orphans)}"
        found.append(Check("jobs", False, text, "ima2 jobs resume"))
    if unknown:
        found.append(Check("jobs", False, f"jobs that wait for your answer: {len(unknown)}", "ima2 jobs ls"))
    return found or [Check("jobs", True, "none waits")]


async def _providers(studio: Studio) -> list[Check]:
    states = await studio.providers()
    if not states:
        return [Check("providers", False, "none is installed", "install the package of one; the README lists them")]
    return [
        Check(
            f"provider {state.info.id}",
            True if state.status.ready else None,
            "ready" if state.status.ready else state.status.why or "not ready",
            None if state.status.ready else fix_for(state.info, state.status),
        )
        for state in states
    ]


async def _others(studio: Studio) -> list[Check]:
    """What the plugins check themselves."""
    found = []
    for plugin, check in studio.dispatcher.collect("ima2_doctor_checks"):
        info = next((info for info in studio.host.providers if info.id == plugin), None)
        if info is None:
            continue
        async with studio.contexts.outside_job(info) as context:
            try:
                async with asyncio.timeout(CHECK_SECONDS):
                    ok, text, hint = await check.run(context)
                found.append(Check(check.name, ok, text, hint))
            except Exception as error:
                found.append(Check(check.name, False, f"{plugin} could not check it: {error}"))
    return found
