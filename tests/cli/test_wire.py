"""Streams and errors of a server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from ima2.cli.wire import answer_of, frames
from ima2.errors import Forbidden, Ima2Error, NotReady

STREAM = (
    ': ping\n\nid: 7\nevent: warning\ndata: {"message":"a\u2028b\x85c 한"}\n\n'
    'event: done\r\ndata:{"count":1}\r\n\r\nid: 8\nevent: cut\ndata: {"never'
).encode()


def _read(size: int) -> list[Any]:
    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(STREAM), size):
            yield STREAM[start : start + size]

    async def read() -> list[Any]:
        return [frame async for frame in frames(chunks())]

    return asyncio.run(read())


@pytest.mark.parametrize("size", [1, 2, 7, 64, 10_000])
def test_frames(size: int) -> None:
    assert _read(size) == [(7, "warning", {"message": "a\u2028b\x85c 한"}), (0, "done", {"count": 1})]


def _answer(status: int, **content: Any) -> Ima2Error:
    with pytest.raises(Ima2Error) as caught:
        answer_of(httpx.Response(status, request=httpx.Request("GET", "http://127.0.0.1/x"), **content))
    return caught.value


@pytest.mark.parametrize(
    "body",
    [
        {"error": "No key.", "code": "API_KEY_REQUIRED", "hint": "ima2 login api"},
        {"error": {"code": "API_KEY_REQUIRED", "message": "No key."}, "hint": "ima2 login api"},
        {"ok": False, "error": "No key.", "code": "API_KEY_REQUIRED", "hint": "ima2 login api"},
    ],
)
def test_three_forms_of_error(body: dict[str, Any]) -> None:
    error = _answer(401, json=body)
    assert isinstance(error, NotReady)
    assert (error.message, error.code, error.hint, error.status) == (
        "No key.",
        "API_KEY_REQUIRED",
        "ima2 login api",
        401,
    )
    assert error.exit_code == 4
    assert error.details == {}


@pytest.mark.parametrize(("status", "exit_code"), [(404, 5), (429, 5), (503, 6), (504, 8)])
def test_an_error_without_a_word(status: int, exit_code: int) -> None:
    error = _answer(status, content=b"<html>")
    assert (error.status, error.exit_code) == (status, exit_code)
    assert str(status) in error.message


def test_a_redirect_is_refused() -> None:
    error = _answer(302, headers={"Location": "http://elsewhere.test/"})
    assert isinstance(error, Forbidden)
    assert error.code == "SERVER_REDIRECT_REJECTED"
