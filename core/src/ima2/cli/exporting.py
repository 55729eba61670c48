"""``ima2 export``: a copy that carries its settings."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from ima2.cli.failure import UsageProblem
from ima2.cli.flags import json_flag
from ima2.cli.lazy import Command
from ima2.cli.terminal import say_json, success
from ima2.errors import NotFound


@click.command(cls=Command)
@click.argument("name")
@click.argument("file")
@click.option("--force", is_flag=True, help="Replace FILE.")
@json_flag
def export(name: str, file: str, force: bool, as_json: bool) -> None:
    """Copy the picture NAME to FILE with its prompt and settings inside.

    The pixels are the same; the stored picture stays as it came, since it may be signed.
    """
    target = Path(file)
    if target.exists() and not force:
        raise UsageProblem(f"{file} exists; --force replaces it.", code="INVALID_OUTPUT", field="file")
    asyncio.run(_export(name, target))
    say_json({"ok": True, "filename": name, "path": str(target)}) if as_json else success(str(target))


async def _export(name: str, target: Path) -> None:
    from ima2.kernel.opening import open_studio
    from ima2.storage.metadata import export as embed
    from ima2.storage.metadata import metadata_from

    async with open_studio() as studio:
        artifact = await studio.store.artifact(name)
        if artifact is None:
            raise NotFound(f"There is no picture {name}.", code="ASSET_NOT_FOUND", hint="ima2 ls")
        await asyncio.to_thread(embed, studio.store.folder / artifact.filename, target, metadata_from(artifact.sidecar))
