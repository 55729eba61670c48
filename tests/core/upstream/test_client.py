from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from ima2 import __version__
from ima2.errors import Paid, UpstreamError, UpstreamTimeout
from ima2.upstream.client import make_client, network_errors


@asynccontextmanager
async def upstream(answer: bytes, *, wait: bool = False) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server that reads a request's head, sends ``answer``, and hangs up or waits for the client to."""
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer)
        await writer.drain()
        if wait:
            await reader.read()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", heads


async def request(url: str, paid: Paid, timeout: float = 5) -> bytes:
    async with make_client() as client:
        with network_errors("generate", paid):
            async with client.stream("POST", url, content=b"x", timeout=timeout) as response:
                return await response.aread()


def failure(answer: bytes, paid: Paid, *, wait: bool = False, timeout: float = 5) -> UpstreamError:
    async def main() -> None:
        async with upstream(answer, wait=wait) as (url, _):
            await request(url, paid, timeout)

    with pytest.raises(UpstreamError) as caught:
        asyncio.run(main())
    assert caught.value.step == "generate"
    return caught.value


def test_it_says_who_it_is_and_follows_no_redirect() -> None:
    async def main() -> tuple[int, bytes]:
        answer = b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        async with upstream(answer) as (url, heads), make_client() as client:
            response = await client.get(url)
            return response.status_code, heads[0]

    status, head = asyncio.run(main())
    assert status == 302
    assert f"user-agent: ima2/{__version__} (+python)".encode() in head.lower()


def test_a_plugin_may_name_itself() -> None:
    async def main() -> None:
        async with make_client(user_agent="ima2-acme/1") as client:
            assert client.headers["user-agent"] == "ima2-acme/1"

    asyncio.run(main())


def test_the_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> bytes:
        async with upstream(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n") as (url, heads):
            monkeypatch.setenv("HTTP_PROXY", url)
            async with make_client() as client:
                await client.get("http://service.invalid/")
            return heads[0]

    assert asyncio.run(main()).startswith(b"GET http://service.invalid/ HTTP/1.1")


@pytest.mark.parametrize("paid", ["no", "maybe", "yes"])
def test_no_connection_costs_nothing(paid: Paid) -> None:
    async def main() -> None:
        async with upstream(b"") as (url, _):
            pass
        await request(url, paid)

    with pytest.raises(UpstreamError, match=r"Could not connect to 127\.0\.0\.1") as caught:
        asyncio.run(main())
    error = caught.value
    assert (error.code, error.status, error.paid, error.retryable) == ("NETWORK_FAILED", 502, "no", True)


@pytest.mark.parametrize(("paid", "retryable"), [("no", True), ("maybe", False), ("yes", False)])
@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nxyz",
    ],
)
def test_a_broken_answer_is_as_paid_as_it_was(answer: bytes, paid: Paid, retryable: bool) -> None:
    error = failure(answer, paid)
    assert (error.code, error.status, error.paid, error.retryable) == ("NETWORK_FAILED", 502, paid, retryable)


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"])
def test_silence_is_a_timeout(answer: bytes) -> None:
    error = failure(answer, "maybe", wait=True, timeout=0.05)
    assert isinstance(error, UpstreamTimeout)
    assert (error.status, error.paid, error.retryable) == (504, "maybe", False)


def test_a_base_address_that_is_none() -> None:
    with pytest.raises(UpstreamError, match="must begin with") as caught:
        asyncio.run(request("localhost:1234/v1", "maybe"))
    assert (caught.value.paid, caught.value.retryable) == ("no", False)


def test_an_error_without_its_request_and_other_errors() -> None:
    with pytest.raises(UpstreamError, match="connection to the service broke"), network_errors("plan", "no"):
        raise httpx.ReadError("cut")
    with pytest.raises(KeyError), network_errors("plan", "no"):
        raise KeyError


def test_the_address_of_a_request_is_not_in_the_message() -> None:
    async def main() -> None:
        async with upstream(b"") as (url, _):
            await request(url + "/secret?key=canary", "no")

    with pytest.raises(UpstreamError) as caught:
        asyncio.run(main())
    assert "canary" not in caught.value.message
