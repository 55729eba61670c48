"""The guard on a real socket: hosts, origins, types, and what every answer carries."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from fakes import FakeProvider
from ima2.server.guard.policy import Policy
from serving import Env, Served, run

BODY = b'{"prompt":"a red kite","provider":"fake"}'


def head(method: str = "GET", path: str = "/api/health", *lines: str, host: str | None = "127.0.0.1") -> bytes:
    named = [f"Host: {host}"] if host is not None else []
    return "\r\n".join([f"{method} {path} HTTP/1.1", *named, *lines, "Connection: close", "", ""]).encode("latin-1")


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.") else 0


def post(*lines: str, body: bytes = BODY) -> bytes:
    return head("POST", "/api/generate", f"Content-Length: {len(body)}", *lines) + body


@pytest.mark.parametrize(
    "host", ["evil.test", "127.0.0.1.nip.io", "localhost.", "[::ffff:127.0.0.1]", "0", "127.0.0.1@evil.test"]
)
@pytest.mark.parametrize("path", ["/", "/api/health", "/generated/x.png", "/api/history", "/nowhere"])
def test_a_foreign_host_sees_nothing(env: Env, host: str, path: str) -> None:
    async def work(served: Served) -> None:
        answer = await served.raw(head(path=path, host=host))
        assert status_of(answer) == 403
        assert b"LOCAL_HOST_REJECTED" in answer

    run(env, work)


def test_decisions_use_the_raw_host_and_target_not_a_url_made_of_them(env: Env) -> None:
    async def work(served: Served) -> None:
        absolute = await served.raw(head(path="http://evil.test/api/history", host="127.0.0.1"))
        authority = await served.raw(head(path="http://127.0.0.1/api/history", host="evil.test"))
        assert (status_of(absolute), status_of(authority)) == (400, 400)
        assert status_of(await served.raw(head("OPTIONS", "*"))) in (400, 405)
        odd = await served.raw(head(path="/api/health", host="a/b?c#d"))
        assert status_of(odd) in (400, 403)

    run(env, work)


@pytest.mark.parametrize(
    ("lines", "passes"),
    [
        ((), True),
        (("Origin: http://127.0.0.1",), True),
        (("Origin: http://127.0.0.1", "Sec-Fetch-Site: same-origin"), True),
        (("Sec-Fetch-Site: none",), True),
        (("Origin: https://127.0.0.1",), False),
        (("Origin: http://127.0.0.1:8080",), False),
        (("Origin: http://localhost",), False),
        (("Origin: http://127.0.0.1.evil.test",), False),
        (("Origin: http://evil.test",), False),
        (("Origin: null",), False),
        (("Origin: ",), False),
        (("Origin: http://127.0.0.1, http://evil.test",), False),
        (("Origin: http://127.0.0.1", "Origin: http://evil.test"), False),
        (("Sec-Fetch-Site: cross-site",), False),
        (("Sec-Fetch-Site: same-site",), False),
        (("Sec-Fetch-Site: Same-Origin",), False),
        (("Sec-Fetch-Site: none", "Sec-Fetch-Site: cross-site"), False),
        (("Origin: http://127.0.0.1", "Sec-Fetch-Site: cross-site"), False),
    ],
)
def test_only_pages_of_this_very_origin(env: Env, lines: tuple[str, ...], passes: bool) -> None:
    provider = FakeProvider()

    async def work(served: Served) -> None:
        read = await served.raw(head("GET", "/api/history", *lines))
        changed = await served.raw(post("Content-Type: application/json", *lines))
        assert (status_of(read), status_of(changed)) == ((200, 200) if passes else (403, 403))
        assert (b"LOCAL_ORIGIN_REJECTED" in changed) is not passes

    run(env, work, provider)
    assert len(provider.calls) == int(passes)


@pytest.mark.parametrize(
    "lines",
    [
        (),
        ("Content-Type: text/plain",),
        ("Content-Type: application/x-www-form-urlencoded",),
        ("Content-Type: multipart/form-data; boundary=x",),
        ("Content-Type: text/json",),
        ("Content-Type: application/jsonp",),
        ("Content-Type: text/plain; application/json",),
        ("Content-Type: application/json", "Content-Type: text/plain"),
        ("Content-Type: image/png",),
    ],
)
def test_changes_are_json(env: Env, lines: tuple[str, ...]) -> None:
    provider = FakeProvider()

    async def work(served: Served) -> None:
        answer = await served.raw(post(*lines))
        assert status_of(answer) in (400, 415)
        empty = await served.raw(head("POST", "/api/jobs/x/retry", "Content-Length: 0", *lines))
        assert status_of(empty) in (400, 415)

    run(env, work, provider)
    assert provider.calls == []


def test_every_change_in_the_route_table_refuses_a_strangers_page(env: Env) -> None:
    async def work(served: Served) -> None:
        paths = (await served.client.get("/api/openapi.json")).json()["paths"]
        changes = [(method, path) for path, methods in paths.items() for method in methods if method != "get"]
        assert len(changes) > 8
        for method, path in changes:
            target = path.replace("{", "").replace("}", "")
            for headers in ({"Origin": "http://evil.test"}, {"Sec-Fetch-Site": "cross-site"}, {"Host": "evil.test"}):
                answer = await served.client.request(method, target, headers=headers, json={})
                assert answer.status_code == 403, (method, path, headers)

    run(env, work)


def test_no_answer_ever_allows_another_origin(env: Env) -> None:
    async def work(served: Served) -> None:
        for origin in ("http://evil.test", "null", served.url):
            for path in ("/api/health", "/", "/generated/x.png"):
                answer = await served.client.get(path, headers={"Origin": origin})
                assert not [name for name in answer.headers if name.startswith("access-control-")]
        preflight = await served.client.options(
            "/api/generate", headers={"Origin": served.url, "Access-Control-Request-Method": "POST"}
        )
        assert preflight.status_code == 405

    run(env, work)


def test_every_answer_carries_the_protective_headers(env: Env) -> None:
    async def work(served: Served) -> None:
        filename = (await served.make())["filename"]
        for path in (
            "/",
            "/api/health",
            "/api/nowhere",
            "/nowhere",
            f"/generated/{filename}",
            "/generated/no",
            "/api/history",
        ):
            headers = (await served.client.get(path)).headers
            assert headers["x-content-type-options"] == "nosniff", path
            assert headers["x-frame-options"] == "DENY"
            assert headers["referrer-policy"] == "no-referrer"
            assert headers["cross-origin-opener-policy"] == "same-origin"
            assert headers["cross-origin-resource-policy"] == "same-origin"
            policy = headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy
            assert headers["x-request-id"]
            assert "aiohttp" not in headers["server"].lower()
            if path.startswith("/api"):
                assert headers["cache-control"].startswith("no-store")
        refused = (await served.client.get("/api/health", headers={"Host": "evil.test"})).headers
        assert refused["x-content-type-options"] == "nosniff"

    run(env, work)


@pytest.mark.parametrize(
    "data",
    [
        b"POST /api/generate HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n",
        b"POST /api/generate HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\n{}   ",
        b"POST /api/generate HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: +4\r\n\r\n{}  ",
        b"POST /api/generate HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        b"GET /api/health HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.test\r\n\r\n",
        b"GET /api/health HTTP/1.1\r\n\r\n",
        b"GET /api/health HTTP/1.1\r\nHost: 127.0.0.1\r\n folded: x\r\n\r\n",
        b"GET /api/health HTTP/1.1\r\nHost : 127.0.0.1\r\n\r\n",
        b"GET /api/health HTTP/1.1\r\nHost: 127.0.0.1\r\nX: a\x00b\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    ],
)
def test_smuggled_and_malformed_requests_end_the_connection(env: Env, data: bytes) -> None:
    provider = FakeProvider()

    async def work(served: Served) -> None:
        answer = await served.raw(data)
        assert status_of(answer) in (0, 400, 403)
        assert answer.count(b"HTTP/1.") <= 1
        assert (await served.client.get("/api/health")).status_code == 200

    run(env, work, provider)
    assert provider.calls == []


def test_without_the_guard_the_same_requests_go_through(env: Env) -> None:
    """The control: what the tests above see refused is refused by the guard and by nothing else."""

    async def work(served: Served) -> None:
        assert status_of(await served.raw(head(host="evil.test"))) == 200
        assert status_of(await served.raw(post("Content-Type: text/plain", "Origin: http://evil.test"))) == 200

    run(env, work, guard=False)


def test_listed_origins_pass_with_their_host(env: Env) -> None:
    policy = Policy(public_origins=frozenset({"https://studio.example"}))

    async def work(served: Served) -> None:
        async def ask(**headers: str) -> int:
            return (await served.client.get("/api/history", headers=headers)).status_code

        assert await ask(Host="studio.example", Origin="https://studio.example") == 200
        assert await ask(Host="studio.example", Origin="https://studio.example.evil.test") == 403
        assert await ask(Host="evil.test", Origin="https://studio.example") == 403

    run(env, work, policy=policy)


def test_off_loopback_everything_asks_for_the_token(env: Env) -> None:
    policy = Policy(bind_host="0.0.0.0", token="s3cret-token")

    async def work(served: Served) -> None:
        async def ask(path: str, **headers: str | bytes) -> httpx.Response:
            return await served.client.get(path, headers=headers)

        for path in ("/", "/api/health", "/generated/x.png", "/api/nowhere"):
            refused = await ask(path)
            assert refused.status_code == 401
            assert "s3cret" not in refused.text
        nested = (await ask("/api/health")).json()
        assert nested["error"]["code"] == "LAN_TOKEN_REQUIRED"
        for wrong in ("", "s3cret-toke", "s3cret-token2", "S3CRET-TOKEN", "é"):
            assert (await ask("/api/health", **{"x-ima2-token": wrong.encode()})).status_code == 401
        assert (await ask("/api/health", **{"x-ima2-token": "s3cret-token"})).status_code == 200
        assert (await ask("/api/health?token=s3cret-token")).status_code == 200
        assert (await ask("/api/health?token=nope")).status_code == 401

    run(env, work, policy=policy)


def test_request_ids_are_kept_or_made(env: Env) -> None:
    async def work(served: Served) -> None:
        async def ask(given: str) -> str:
            return (await served.client.get("/api/health", headers={"X-Request-Id": given.encode()})).headers[
                "x-request-id"
            ]

        assert await ask("abc.1:2_3-4") == "abc.1:2_3-4"
        for odd in ("", "a b", "x" * 129, "é", "<script>"):
            assert (await ask(odd)).startswith("req_")

    run(env, work)


def test_unknown_routes_are_nested_json(env: Env) -> None:
    async def work(served: Served) -> None:
        for path in ("/api/nowhere", "/nowhere", "/api/", "/api/x/none/y"):
            answer = await served.client.get(path)
            body: dict[str, Any] = json.loads(answer.content)
            assert answer.status_code == 404
            assert body["error"]["code"] == body["code"] == "NOT_FOUND"
        assert (await served.client.post("/api/health", json={})).status_code == 405

    run(env, work)
