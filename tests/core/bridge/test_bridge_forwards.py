"""What crosses a bridge, and what does not."""

from __future__ import annotations

import asyncio
import gzip
import socket
from typing import Any

import httpx
import pytest
from aiohttp import web
from core.bridge.crossing import Credential, Crossing, cross, fine, spec, whole
from ima2.errors import InvalidRequest, NotReady
from ima2.upstream.bridge import Bridge
from ima2.upstream.client import make_client


def test_a_request_crosses_with_the_users_credential_in_place_of_the_clients() -> None:
    async def work(both: Crossing) -> None:
        headers = {
            "Authorization": "Bearer dummy",
            "Cookie": "session=of-another-port",
            "X-Api-Key": "mine",
            "Proxy-Authorization": "Basic eA==",
            "Connection": "keep-alive, X-Hop",
            "X-Hop": "1",
            "TE": "trailers",
            "Accept-Encoding": "gzip",
            "X-Kept": "caf\u00e9".encode("latin-1").decode("latin-1"),
        }
        answer = await both.client.post(
            f"{both.v1}/responses?a=1&b=%2F",
            content=b"hello",
            headers={**headers, "X-Kept": b"caf\xe9"},  # type: ignore[dict-item]
        )
        assert answer.json() == {"path": "/v1/responses?a=1&b=%2F", "body": "hello"}
        [(method, _, sent)] = both.seen
        assert method == "POST"
        assert sent["authorization"] == "Bearer key-1"
        assert sent["user-agent"] == "bridge-test"
        assert sent["accept-encoding"] == "identity"
        assert sent["content-length"] == "5"
        assert sent["host"] == both.upstream.removeprefix("http://")
        assert "caf" in sent["x-kept"]
        assert not {"cookie", "x-api-key", "proxy-authorization", "x-hop", "te", "transfer-encoding"} & sent.keys()

    cross(fine, work)


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "PUT", "PATCH"])
def test_methods_cross(method: str) -> None:
    async def work(both: Crossing) -> None:
        answer = await both.client.request(method, f"{both.v1}/files/file-1")
        assert (answer.status_code, both.seen[0][0]) == (200, method)
        assert "transfer-encoding" not in both.seen[0][2], "no body was sent, so none is announced"

    cross(fine, work)


def test_an_answer_crosses_without_what_is_the_services_own() -> None:
    async def answer(_: web.BaseRequest) -> web.StreamResponse:
        headers = {
            "Set-Cookie": "a=b",
            "Strict-Transport-Security": "max-age=1",
            "Access-Control-Allow-Origin": "*",
            "Connection": "X-Private",
            "X-Private": "1",
            "X-Request-Id": "r-1",
            "Retry-After": "7",
        }
        return web.Response(status=418, body=b"tea", headers=headers)

    async def work(both: Crossing) -> None:
        got = await both.client.get(f"{both.v1}/models")
        assert (got.status_code, got.content) == (418, b"tea")
        assert (got.headers["x-request-id"], got.headers["retry-after"], got.headers["content-length"]) == (
            "r-1",
            "7",
            "3",
        )
        names = {"set-cookie", "strict-transport-security", "access-control-allow-origin", "x-private"}
        assert not names & got.headers.keys()

    cross(answer, work)


def test_compressed_bytes_are_not_touched() -> None:
    packed = gzip.compress(b"x" * 1000)

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        assert await request.read() == packed
        return web.Response(body=packed, headers={"Content-Encoding": "gzip"})

    async def work(both: Crossing) -> None:
        got = await both.client.post(f"{both.v1}/files", content=packed, headers={"Content-Encoding": "gzip"})
        assert got.content == b"x" * 1000
        assert both.seen[0][2]["content-encoding"] == "gzip"

    cross(answer, work)


def test_events_cross_one_by_one() -> None:
    async def work(both: Crossing) -> None:
        async with both.client.stream("POST", f"{both.v1}/responses", content=b"{}") as answer:
            pieces = answer.aiter_raw()
            assert await anext(pieces) == b"data: 0\n\n"
            go_on.set()
            assert await anext(pieces) == b"data: 1\n\n"

    go_on = asyncio.Event()

    async def stream(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"data: 0\n\n")
        await go_on.wait()
        await response.write(b"data: 1\n\n")
        return response

    cross(stream, work)


def test_a_body_crosses_while_it_is_still_being_written() -> None:
    arrived = asyncio.Event()

    async def read(request: web.BaseRequest) -> web.StreamResponse:
        assert await request.content.readany() == b"first"
        arrived.set()
        return web.json_response({"rest": (await request.read()).decode()})

    async def work(both: Crossing) -> None:
        async def pieces() -> Any:
            yield b"first"
            await arrived.wait()
            yield b"second"

        answer = await both.client.post(f"{both.v1}/files", content=pieces())
        assert answer.json() == {"rest": "second"}

    cross(read, work)


@pytest.mark.parametrize(("path", "first"), [("/v1/files", b"100 Continue"), ("/v1/nowhere", b"404 Not Found")])
def test_a_body_that_is_held_back_is_asked_for_once_it_is_wanted(path: str, first: bytes) -> None:
    async def work(both: Crossing) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", both.bridge.port)
        lines = (f"POST {path} HTTP/1.1", f"Host: 127.0.0.1:{both.bridge.port}", "Content-Length: 5")
        writer.write("\r\n".join([*lines, "Expect: 100-continue", "", ""]).encode())
        assert first in await reader.readline()
        if first.startswith(b"100"):
            writer.write(b"hello")
            assert await reader.readline() == b"\r\n"
            assert b"200 OK" in await reader.readline()
            assert "expect" not in both.seen[0][2]
        writer.close()

    cross(fine, work)


def test_a_client_that_leaves_stops_the_call() -> None:
    stopped = asyncio.Event()

    async def endless(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b"data: more\n\n")
                await asyncio.sleep(0.01)
        finally:
            stopped.set()

    async def work(both: Crossing) -> None:
        async with both.client.stream("POST", f"{both.v1}/responses", content=b"{}") as answer:
            await anext(answer.aiter_raw())
        await asyncio.wait_for(stopped.wait(), 20)

    cross(endless, work)


def test_a_client_that_leaves_before_the_answer_stops_the_call() -> None:
    asked, stopped = asyncio.Event(), asyncio.Event()

    async def silent(request: web.BaseRequest) -> web.StreamResponse:
        asked.set()
        try:
            await asyncio.sleep(3600)
        finally:
            stopped.set()
        raise AssertionError

    async def work(both: Crossing) -> None:
        task = asyncio.ensure_future(both.client.post(f"{both.v1}/responses", content=b"{}", timeout=None))
        await asked.wait()
        task.cancel()
        await asyncio.wait_for(stopped.wait(), 20)

    cross(silent, work)


def test_an_answer_that_breaks_off_breaks_off_here_too() -> None:
    async def cut(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"half of ")
        assert request.transport is not None
        request.transport.close()
        return response

    async def work(both: Crossing) -> None:
        with pytest.raises(httpx.RemoteProtocolError):
            await both.client.get(f"{both.v1}/models")

    cross(cut, work)


@pytest.mark.parametrize(("status", "body"), [(401, b"{}"), (403, b'{"code":"stale"}')])
def test_a_stale_credential_is_renewed_once_and_the_request_sent_again(status: int, body: bytes) -> None:
    async def until_fresh(request: web.BaseRequest) -> web.StreamResponse:
        got = await request.read()
        if request.headers["Authorization"] == "Bearer key-1":
            return web.Response(status=status, body=body)
        return web.Response(body=got)

    async def work(both: Crossing) -> None:
        answer = await both.client.post(f"{both.v1}/responses", content=b"hello" * 1000)
        assert (answer.status_code, answer.content) == (200, b"hello" * 1000)
        assert both.credential.refreshes == 1
        assert [sent["authorization"] for _, _, sent in both.seen] == ["Bearer key-1", "Bearer key-2"]

    cross(until_fresh, work)


def test_a_large_body_is_sent_again_too_also_when_it_was_refused_in_the_middle() -> None:
    size = 8 << 20
    pieces = [bytes([number]) * (1 << 20) for number in range(8)]

    async def refuse_early(request: web.BaseRequest) -> web.StreamResponse:
        if request.headers["Authorization"] == "Bearer key-1":
            await request.content.readany()
            return web.Response(status=401, body=b"{}", headers={"Connection": "close"})
        return web.json_response({"same": await whole(request) == b"".join(pieces)})

    async def work(both: Crossing) -> None:
        async def body() -> Any:
            for piece in pieces:
                yield piece

        headers = {"Content-Length": str(size)}
        answer = await both.client.post(f"{both.v1}/files", content=body(), headers=headers)
        assert (answer.status_code, answer.json()) == (200, {"same": True})

    cross(refuse_early, work)


@pytest.mark.parametrize(
    ("status", "body"), [(403, b'{"code":"spending-limit"}'), (400, b"stale"), (429, b"stale"), (500, b"")]
)
def test_any_other_refusal_passes_untouched(status: int, body: bytes) -> None:
    async def refuse(_: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=status, body=body)

    async def work(both: Crossing) -> None:
        answer = await both.client.post(f"{both.v1}/responses", content=b"{}")
        assert (answer.status_code, answer.content) == (status, body)
        assert (both.credential.refreshes, len(both.seen)) == (0, 1)

    cross(refuse, work)


@pytest.mark.parametrize("frozen", [True, False])
def test_a_second_refusal_is_final(frozen: bool) -> None:
    """Once is enough; and not at all when there is no other credential to try."""

    async def refuse(_: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=401, body=b"no" * 100_000)

    async def work(both: Crossing) -> None:
        both.credential.frozen = frozen
        answer = await both.client.post(f"{both.v1}/responses", content=b"{}")
        assert (answer.status_code, answer.content) == (401, b"no" * 100_000)
        assert (both.credential.refreshes, len(both.seen)) == (1, 1 if frozen else 2)

    cross(refuse, work)


def test_without_a_credential_nothing_is_sent_and_the_way_out_is_named() -> None:
    async def work(both: Crossing) -> None:
        both.credential.failure = NotReady("Nobody is signed in.", code="ACME_REQUIRED", hint="ima2 acme login")
        answer = await both.client.post(f"{both.v1}/responses", content=b"{}")
        assert answer.status_code == 401
        error = answer.json()["error"]
        assert (error["type"], error["code"]) == ("auth_error", "ACME_REQUIRED")
        assert "ima2 acme login" in error["message"]
        assert both.seen == []

    cross(fine, work)


def test_a_service_that_cannot_be_reached_may_be_asked_again_and_one_that_broke_may_not() -> None:
    """OpenAI's libraries send again on 5xx unless they are told not to."""

    async def drop(request: web.BaseRequest) -> web.StreamResponse:
        await request.read()
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async def work(both: Crossing) -> None:
        broke = await both.client.post(f"{both.v1}/responses", content=b"{}")
        assert (broke.status_code, broke.headers["x-should-retry"]) == (502, "false")
        assert broke.json()["error"]["code"] == "NETWORK_FAILED"
        assert len(both.seen) == 1
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            nobody = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
            async with make_client() as inner, Bridge(spec(nobody, Credential()), inner) as bridge:
                away = await both.client.post(f"{bridge.url}/v1/responses", content=b"{}")
        assert (away.status_code, away.headers["x-should-retry"]) == (502, "true")

    cross(drop, work)


def test_too_large_a_body_is_refused_and_the_call_stopped() -> None:
    from ima2.upstream.bridge.body import MAX_BODY

    block = bytes(1 << 20)

    async def work(both: Crossing) -> None:
        async def body() -> Any:
            for _ in range((MAX_BODY >> 20) + 1):
                yield block

        answer = await both.client.post(f"{both.v1}/files", content=body(), timeout=60)
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, "BODY_TOO_LARGE")

    cross(fine, work)


def test_a_redirect_is_the_clients_to_follow() -> None:
    async def lead_away(_: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=307, headers={"Location": "http://evil.test/"})

    async def work(both: Crossing) -> None:
        answer = await both.client.get(f"{both.v1}/models")
        assert (answer.status_code, answer.headers["location"]) == (307, "http://evil.test/")
        assert "key-1" not in str(answer.headers)

    cross(lead_away, work)


def test_many_at_once_each_get_their_own() -> None:
    async def work(both: Crossing) -> None:
        calls = (both.client.post(f"{both.v1}/responses", content=str(number)) for number in range(40))
        answers = await asyncio.gather(*calls)
        assert [answer.json()["body"] for answer in answers] == [str(number) for number in range(40)]

    cross(fine, work)


def test_a_taken_port_is_left_alone_and_told() -> None:
    async def go() -> None:
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]
            async with (
                make_client() as client,
                Bridge(spec("http://127.0.0.1:9", Credential(), port=port), client) as bridge,
            ):
                assert bridge.moved
                assert bridge.port not in (0, port)
                assert bridge.url == f"http://127.0.0.1:{bridge.port}"

    asyncio.run(go())


def test_two_on_the_same_port_both_run_and_a_closed_one_frees_it() -> None:
    async def go() -> None:
        async with make_client() as client:
            async with Bridge(spec("http://127.0.0.1:9", Credential()), client) as first:
                port = first.port
                async with Bridge(spec("http://127.0.0.1:9", Credential(), port=port), client) as second:
                    assert second.moved
            async with Bridge(spec("http://127.0.0.1:9", Credential(), port=port), client) as third:
                assert (third.port, third.moved) == (port, False)

    asyncio.run(go())


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "example.com", "", "127.1", "localhost."])
def test_it_listens_on_this_machine_alone(host: str) -> None:
    async def go() -> None:
        async with make_client() as client:
            with pytest.raises(InvalidRequest) as caught:
                Bridge(spec("http://127.0.0.1:9", Credential(), host=host), client)
            assert caught.value.code == "BRIDGE_NOT_LOOPBACK"

    asyncio.run(go())


def test_closing_ends_what_is_under_way() -> None:
    started = asyncio.Event()

    async def silent(_: web.BaseRequest) -> web.StreamResponse:
        started.set()
        await asyncio.sleep(3600)
        raise AssertionError

    async def work(both: Crossing) -> None:
        async with make_client() as inner:
            bridge = Bridge(spec(f"{both.upstream}/v1", Credential()), inner)
            await bridge.__aenter__()
            task = asyncio.ensure_future(both.client.get(f"{bridge.url}/v1/models", timeout=None))
            await started.wait()
            await asyncio.wait_for(bridge.__aexit__(None, None, None), 20)
            with pytest.raises(httpx.HTTPError):
                await task

    cross(silent, work)
