"""The gallery: listing, favourites, deleting and bringing back."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from ima2.errors import InvalidRequest
from ima2.kernel.answers.gallery import page, row
from ima2.server import schemas
from ima2.server.body import read_object
from ima2.server.endpoint import endpoint
from ima2.server.imports import import_picture
from ima2.server.keys import POLICY, STUDIO
from ima2.server.query import flag, optional_whole, whole
from ima2.settings.core import HISTORY_MAX_PAGE, HISTORY_PAGE

SHARED_IDENTITY = "local"
"""Whose favourites a client without ``X-Ima2-Browser-Id`` sees: everybody's on this machine."""
_MAX_IDENTITY = 128


@endpoint(
    "GET",
    "/api/history",
    family="flat",
    query=(
        ("limit", "rows of this page"),
        ("before", "cursor: createdAt of the last row seen, epoch milliseconds"),
        ("beforeFilename", "cursor: file name of the last row seen"),
        ("since", "rows from this time on, epoch milliseconds"),
        ("sessionId", "rows of one session"),
        ("requestId", "rows of one job"),
        ("favoritesOnly", "1: marked rows only"),
        ("groupBy", "session"),
    ),
)
async def history(request: web.Request) -> web.Response:
    """List the gallery, newest first, a page at a time."""
    before = optional_whole(request, "before")
    found = await page(
        request.app[STUDIO],
        _identity(request),
        limit=_limit(request),
        before=None if before is None else (before, request.query.get("beforeFilename", "")),
        since=optional_whole(request, "since"),
        session=request.query.get("sessionId") or None,
        job=request.query.get("requestId") or None,
        favorites=flag(request, "favoritesOnly"),
    )
    if request.query.get("groupBy") == "session":
        found |= _grouped(found.pop("items"))
    return web.json_response(found)


@endpoint("POST", "/api/history/favorite", family="flat", body=schemas.FavoriteBody)
async def favorite(request: web.Request) -> web.Response:
    """Mark a file, or unmark it."""
    name = _text(await read_object(request, request.app[POLICY]), "filename")
    marked = await request.app[STUDIO].store.set_favorite(_identity(request), name)
    return web.json_response({"isFavorite": marked})


@endpoint("POST", "/api/history/import-local", family="flat", raw_image=True, status=201)
async def import_local(request: web.Request) -> web.Response:
    """Take a picture of the user's own into the gallery."""
    artifact = await import_picture(request)
    return web.json_response({"item": row(artifact)}, status=201)


@endpoint("DELETE", "/api/history/{filename}", family="flat")
async def trash(request: web.Request) -> web.Response:
    """Move a file to the trash, from which it can come back."""
    name = request.match_info["filename"]
    trash_id = await request.app[STUDIO].store.trash(name)
    return web.json_response({**_gone(name), "trash": "internal", "trashId": trash_id, "undoableInApp": True})


@endpoint("DELETE", "/api/history/{filename}/permanent", family="flat")
async def delete(request: web.Request) -> web.Response:
    """Remove a file for good."""
    name = request.match_info["filename"]
    await request.app[STUDIO].store.delete(name)
    return web.json_response(_gone(name))


@endpoint("POST", "/api/history/{filename}/restore", family="flat", body=schemas.RestoreBody)
async def restore(request: web.Request) -> web.Response:
    """Bring a file back from the trash."""
    trash_id = _text(await read_object(request, request.app[POLICY]), "trashId")
    artifact = await request.app[STUDIO].store.restore(request.match_info["filename"], trash_id)
    return web.json_response({"ok": True, "item": row(artifact)})


def _limit(request: web.Request) -> int:
    view = request.app[STUDIO].view
    most = int(view.resolve(HISTORY_MAX_PAGE).value)
    return whole(request, "limit", default=int(view.resolve(HISTORY_PAGE).value), low=1, high=most)


def _identity(request: web.Request) -> str:
    return request.headers.get("X-Ima2-Browser-Id", "").strip()[:_MAX_IDENTITY] or SHARED_IDENTITY


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise InvalidRequest(f"{name} is missing.", code="INVALID_FIELD", field=name)
    return value


def _grouped(items: list[dict[str, Any]]) -> dict[str, Any]:
    """Sessions in the order of their newest row; rows without one are ``loose``."""
    by_session: dict[str, list[dict[str, Any]]] = {}
    for item in items:
        by_session.setdefault(item["sessionId"] or "", []).append(item)
    loose = by_session.pop("", [])
    sessions = [
        {"sessionId": name, "items": rows, "lastUsedAt": rows[0]["createdAt"], "title": None, "label": name}
        for name, rows in by_session.items()
    ]
    return {"sessions": sessions, "loose": loose}


def _gone(name: str) -> dict[str, Any]:
    """No session's graph is touched: its nodes find out when they look for the file."""
    return {"ok": True, "filename": name, "sessionsTouched": 0, "nodesTouched": 0}
