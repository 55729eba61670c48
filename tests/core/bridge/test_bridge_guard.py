"""Who may use a bridge, and for what."""

from __future__ import annotations

import json

import pytest
from core.bridge.crossing import Crossing, cross, fine


def head(path: str = "/v1/models", *lines: str, method: str = "GET", host: str | None = None) -> str:
    named = [f"Host: {host}"] if host is not None else []
    return "\r\n".join([f"{method} {path} HTTP/1.1", *named, *lines, "Connection: close", "", ""])


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.") else 0


@pytest.mark.parametrize(
    "name", ["127.0.0.1:{port}", "localhost:{port}", "LOCALHOST:{port}", "[::1]:{port}", "127.9.9.9:{port}"]
)
@pytest.mark.parametrize("path", ["/v1/models", "/health"])
def test_programs_of_this_machine_pass(name: str, path: str) -> None:
    async def work(both: Crossing) -> None:
        answer = await both.raw(head(path, host=name.format(port=both.bridge.port)).encode())
        assert status_of(answer) == 200, answer
        assert b"access-control" not in answer.lower()

    cross(fine, work)


@pytest.mark.parametrize(
    "name",
    [
        "evil.test",
        "evil.test:{port}",
        "127.0.0.1",
        "localhost",
        "127.0.0.1:1",
        "127.0.0.1.nip.io:{port}",
        "localhost.:{port}",
        "[::ffff:127.0.0.1]:{port}",
        "0.0.0.0:{port}",
        "127.0.0.1@evil.test:{port}",
        "",
    ],
)
@pytest.mark.parametrize("path", ["/v1/models", "/health", "/nowhere"])
def test_a_foreign_host_sees_nothing(name: str, path: str) -> None:
    async def work(both: Crossing) -> None:
        answer = await both.raw(head(path, host=name.format(port=both.bridge.port)).encode())
        assert status_of(answer) in (400, 403), answer
        assert both.seen == []

    cross(fine, work)


@pytest.mark.parametrize(
    "line",
    [
        "Origin: http://evil.test",
        "Origin: null",
        "Origin: http://127.0.0.1:{port}",
        "Origin:",
        "Sec-Fetch-Site: cross-site",
        "Sec-Fetch-Site: same-origin",
        "Sec-Fetch-Site: none",
        "sec-fetch-mode: no-cors",
        "Sec-Fetch-Dest: image",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
@pytest.mark.parametrize("path", ["/v1/responses", "/health"])
def test_no_page_in_a_browser_passes_not_even_one_from_here(line: str, method: str, path: str) -> None:
    async def work(both: Crossing) -> None:
        own = f"127.0.0.1:{both.bridge.port}"
        shown = line.format(port=both.bridge.port)
        answer = await both.raw(head(path, shown, "Content-Length: 0", method=method, host=own).encode())
        assert status_of(answer) == 403, answer
        assert b"access-control" not in answer.lower()
        assert both.seen == []

    cross(fine, work)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v1",
        "/v1/",
        "/v1/api-key",
        "/v1/billing",
        "/v2/models",
        "/models",
        "/v1/modelsx",
        "/v1//models",
        "/v1/models/",
        "/v1/models//x",
        "/v1/models/../api-key",
        "/v1/models/..",
        "/v1/models/.",
        "/v1/models/%2e%2e/api-key",
        "/v1/models/%2E%2E%2Fapi-key",
        "/v1/models%2f..%2fapi-key",
        "/v1/models/..;/api-key",
        "/v1/models\\..\\api-key",
        "/v1/chat",
        "/healthz",
        "//evil.test/v1/models",
    ],
)
def test_only_what_was_listed_is_served(path: str) -> None:
    async def work(both: Crossing) -> None:
        answer = await both.raw(head(path, host=f"127.0.0.1:{both.bridge.port}").encode())
        assert status_of(answer) in (400, 404), answer
        assert both.seen == []

    cross(fine, work)


def test_what_lies_below_a_route_belongs_to_it() -> None:
    async def work(both: Crossing) -> None:
        for path in ("/v1/models/grok-4.3", "/v1/files/file_1/content?x=../../api-key", "/v1/chat/completions"):
            answer = await both.raw(head(path, host=f"localhost:{both.bridge.port}").encode())
            assert status_of(answer) == 200, answer
        assert [path for _, path, _ in both.seen] == [
            "/v1/models/grok-4.3",
            "/v1/files/file_1/content?x=../../api-key",
            "/v1/chat/completions",
        ]

    cross(fine, work)


@pytest.mark.parametrize(
    "start",
    ["GET http://evil.test/v1/models", "GET http://127.0.0.1/v1/models", "CONNECT evil.test:443", "TRACE /v1/models"],
)
def test_it_is_no_open_proxy(start: str) -> None:
    async def work(both: Crossing) -> None:
        text = f"{start} HTTP/1.1\r\nHost: 127.0.0.1:{both.bridge.port}\r\nConnection: close\r\n\r\n"
        assert status_of(await both.raw(text.encode())) in (400, 403, 404, 405, 501)
        assert both.seen == []

    cross(fine, work)


def test_two_hosts_or_none_are_refused() -> None:
    async def work(both: Crossing) -> None:
        own = f"127.0.0.1:{both.bridge.port}"
        assert status_of(await both.raw(head("/v1/models").encode())) in (400, 403)
        assert status_of(await both.raw(head("/v1/models", f"Host: {own}", host=own).encode())) in (400, 403)
        assert both.seen == []

    cross(fine, work)


def test_health_tells_who_it_is_without_asking_anyone() -> None:
    async def work(both: Crossing) -> None:
        answer = await both.client.get(f"{both.bridge.url}/health")
        assert answer.json() == {"status": "ok", "who": "acme", "port": both.bridge.port}
        assert both.seen == []
        assert "key-1" not in json.dumps(answer.json())

    cross(fine, work)
