"""What is stored: ``ls``, ``show``, ``history``, ``metadata``."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import click

from ima2.cli.backend import Answer, Backend, Where, ask
from ima2.cli.failure import NotListed
from ima2.cli.flags import json_flag, where_flags
from ima2.cli.lazy import Command, Group
from ima2.cli.terminal import one_line, say, say_json, success, table
from ima2.errors import NotFound

MAX_ROWS = 500
_SHOWN = (
    "filename",
    "path",
    "mediaType",
    "size",
    "duration",
    "bytes",
    "provider",
    "model",
    "quality",
    "seed",
    "createdAt",
    "requestId",
    "sessionId",
    "isFavorite",
    "prompt",
    "userPrompt",
    "revisedPrompt",
    "webSearchCalls",
)


@click.command(cls=Command)
@click.option("-n", "--limit", type=click.IntRange(1, MAX_ROWS), default=20, show_default=True, help="How many.")
@click.option("--session", metavar="ID", help="Those of one session.")
@click.option("--favorites", is_flag=True, help="Those you marked.")
@where_flags
@json_flag
def ls(limit: int, session: str | None, favorites: bool, at: Where, as_json: bool) -> None:
    """List the gallery, newest first."""
    query = {"limit": limit, "sessionId": session, "favoritesOnly": "1" if favorites else None}
    listed = ask(at, lambda backend: backend.history(**query))
    if as_json:
        say_json(listed)
        return
    table([_row(item) for item in listed["items"]])
    if listed["items"]:
        return
    if favorites:
        say("Nothing is marked. Mark a picture with:  ima2 history favorite NAME")
    elif session:
        say("Nothing belongs to that session.")
    else:
        say('Nothing is stored yet. Begin with:  ima2 generate "a red kite over the sea"')


@click.command(cls=Command)
@click.argument("name")
@click.option("--metadata", "with_metadata", is_flag=True, help="Also what the file itself says.")
@click.option("--reveal", is_flag=True, help="Open the folder it lies in.")
@where_flags
@json_flag
def show(name: str, with_metadata: bool, reveal: bool, at: Where, as_json: bool) -> None:
    """Tell all about one picture or clip, by file name or by the id of its job."""
    found = ask(at, lambda backend: _found(backend, name, with_metadata))
    if as_json:
        say_json(found)
    else:
        table([(field, str(found[field])) for field in _SHOWN if found.get(field) is not None])
        table([("source", str(each.get("url")), str(each.get("title") or "")) for each in found.get("sources") or ()])
    if reveal:
        from ima2.cli.opening import reveal_file

        reveal_file(found.get("path"))


history = Group("history", help="Remove, restore and mark pictures.")


@history.command("rm")
@click.argument("names", nargs=-1, required=True)
@click.option("--permanent", is_flag=True, help="For good, not into the trash.")
@where_flags
@json_flag
def remove(names: tuple[str, ...], permanent: bool, at: Where, as_json: bool) -> None:
    """Move pictures to the trash."""
    for name in names:
        gone = ask(at, lambda backend: backend.trash(name, permanent=permanent))  # noqa: B023
        if as_json:
            say_json(gone)
        else:
            back = f"  (ima2 history restore {name} --trash-id {gone['trashId']})" if gone.get("trashId") else ""
            success(f"{name} removed{back}")


@history.command("restore")
@click.argument("name")
@click.option("--trash-id", metavar="ID", required=True, help="As `history rm` said.")
@where_flags
@json_flag
def restore(name: str, trash_id: str, at: Where, as_json: bool) -> None:
    """Bring a picture back from the trash."""
    said = ask(at, lambda backend: backend.restore(name, trash_id))
    say_json(said) if as_json else success(f"{name} is back")


@history.command("favorite")
@click.argument("name")
@where_flags
@json_flag
def favorite(name: str, at: Where, as_json: bool) -> None:
    """Mark a picture, or unmark it."""
    said = ask(at, lambda backend: backend.favorite(name))
    say_json(said) if as_json else success(f"{name} {'marked' if said['isFavorite'] else 'unmarked'}")


@click.command(cls=Command)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_flag
def metadata(file: Path, as_json: bool) -> None:
    """Read the settings a picture carries, or those that lie beside it."""
    said = _metadata(file)
    if as_json:
        say_json(said)
    elif not said["metadata"]:
        raise NotFound(f"{file} carries no settings.", code="IMAGE_METADATA_NOT_FOUND")
    else:
        table([(name, one_line(value, 100)) for name, value in said["metadata"].items() if value is not None])


async def _found(backend: Backend, name: str, with_metadata: bool) -> Answer:
    """By job id, else by file name among the newest; with ``path`` when the file is on this machine."""
    by_job = (await backend.history(limit=1, requestId=name))["items"]
    newest = by_job or (await backend.history(limit=MAX_ROWS))["items"]
    wanted = name.replace("\\", "/")
    item = next((each for each in newest if by_job or wanted in _names(each)), None)
    if item is None:
        raise NotListed(f"There is no {name} in the gallery.", code="ASSET_NOT_FOUND", hint="ima2 ls")
    path = await backend.file(item)
    found = {**item, "path": str(path) if path else None}
    return {**found, "metadata": _metadata(path)["metadata"]} if with_metadata and path else found


def _names(item: Answer) -> tuple[str, str]:
    filename = str(item["filename"])
    return filename, filename.rpartition("/")[2]


def _metadata(file: Path) -> Answer:
    """What the file carries, else what lies beside it: stored files keep the provider's bytes unchanged."""
    from ima2.storage.metadata import read_metadata

    sidecar = file.with_name(f"{file.name}.json")
    if embedded := read_metadata(file.read_bytes()):
        return {"ok": True, "metadata": embedded.metadata, "source": embedded.source, "warnings": []}
    if sidecar.is_file():
        return {"ok": True, "metadata": json.loads(sidecar.read_bytes()), "source": "sidecar", "warnings": []}
    return {"ok": True, "metadata": None, "source": None, "code": "IMAGE_METADATA_NOT_FOUND", "warnings": []}


def _row(item: Answer) -> tuple[str, ...]:
    when = f"{datetime.fromtimestamp(item['createdAt'] / 1000):%Y-%m-%d %H:%M}"
    mark = "*" if item.get("isFavorite") else " "
    return (mark, when, item["filename"], str(item.get("provider")), one_line(item.get("prompt") or "", 50))
