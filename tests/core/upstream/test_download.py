from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpcore
import pytest
from ima2.errors import StorageFailed, UpstreamError
from ima2.upstream.addresses import Address, CheckedBackend, is_public
from ima2.upstream.download import download

PUBLIC_BASE = "https://api.invalid/v1"
Answer = Callable[[str], bytes]


def reply(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]
    return "\r\n".join(head).encode() + body


class Upstream:
    """Answers each request with what ``answer`` says for its path, and remembers what came."""

    def __init__(self, answer: Answer) -> None:
        self.requests: list[str] = []
        self.base = ""
        self._answer = answer

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.requests.append(head)
        writer.write(self._answer(head.split(" ")[1]))
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    @asynccontextmanager
    async def started(self) -> AsyncIterator[Upstream]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server:
            yield self


def fetch(upstream: Upstream, into: Path, path: str = "/x.png", *, max_bytes: int = 2**20) -> Path:
    async def main() -> Path:
        async with upstream.started():
            return await download(upstream.base + path, into, base=upstream.base + "/v1", max_bytes=max_bytes)

    return asyncio.run(main())


def failure(answer: Answer, into: Path, path: str = "/x.png", *, max_bytes: int = 2**20) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        fetch(Upstream(answer), into, path, max_bytes=max_bytes)
    assert list(into.parent.iterdir()) == []
    assert (caught.value.step, caught.value.paid) == ("download", "yes")
    return caught.value


@pytest.fixture
def into(tmp_path: Path) -> Path:
    folder = tmp_path / "spool"
    folder.mkdir()
    return folder / "result"


def test_a_result_is_written_whole(into: Path) -> None:
    body = bytes(range(256)) * 4096
    assert fetch(Upstream(lambda _: reply(body)), into) == into
    assert into.read_bytes() == body
    assert [path.name for path in into.parent.iterdir()] == ["result"]


def test_no_credential_and_no_proxy_is_used(into: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    upstream = Upstream(lambda _: reply(b"x", "200 OK", "Set-Cookie: a=b"))
    fetch(upstream, into)
    (request,) = upstream.requests
    assert "ima2/" in request
    assert "authorization" not in request.lower()


def test_up_to_three_redirects_are_followed(into: Path) -> None:
    def answer(path: str) -> bytes:
        steps = int(path[2:])
        return reply(b"end") if not steps else reply(b"", "302 Found", f"Location: /r{steps - 1}")

    fetch(Upstream(answer), into, "/r3")
    assert into.read_bytes() == b"end"
    into.unlink()
    error = failure(answer, into, "/r4")
    assert (error.code, error.retryable) == ("DOWNLOAD_FAILED", False)


@pytest.mark.parametrize(
    "location",
    [
        "http://10.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[fe80::1]/",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
    ],
)
def test_a_redirect_is_checked(into: Path, location: str) -> None:
    error = failure(lambda _: reply(b"", "302 Found", f"Location: {location}"), into)
    assert error.code == "DOWNLOAD_FORBIDDEN_ADDRESS"


@pytest.mark.parametrize("location", ["http://[", "//", "\\", "http://127.0.0.1:99999/"])
def test_a_redirect_to_nonsense(into: Path, location: str) -> None:
    failure(lambda _: reply(b"", "302 Found", f"Location: {location}"), into)


SPELLINGS = [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f.1",
    "0x7f000001",
    "0177.0.0.1",
    "0",
    "0.0.0.0",
    "localhost",
    "LOCALHOST",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "user:password@127.0.0.1",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "224.0.0.1",
    "[fe80::1]",
    "[fc00::1]",
    "[ff02::1]",
]


@pytest.mark.parametrize("host", SPELLINGS)
def test_no_spelling_of_a_private_address_is_reached(into: Path, host: str) -> None:
    upstream = Upstream(lambda _: reply(b"secret"))

    async def main() -> None:
        async with upstream.started():
            port = upstream.base.rpartition(":")[2]
            await download(f"https://{host}:{port}/", into, base=PUBLIC_BASE)

    with pytest.raises(UpstreamError) as caught:
        asyncio.run(main())
    assert caught.value.code in ("DOWNLOAD_FORBIDDEN_ADDRESS", "DOWNLOAD_FAILED")
    if host[0].isdigit() and host.count(".") == 3:
        assert caught.value.code == "DOWNLOAD_FORBIDDEN_ADDRESS"
    assert upstream.requests == []
    assert not into.exists()


@pytest.mark.parametrize(
    "url", ["http://8.8.8.8/", "ftp://8.8.8.8/", "/relative", "", "https://", "javascript:1", "\x00"]
)
def test_only_https_passes_for_a_public_base(into: Path, url: str) -> None:
    with pytest.raises(UpstreamError) as caught:
        asyncio.run(download(url, into, base=PUBLIC_BASE))
    assert caught.value.code == "DOWNLOAD_FORBIDDEN_ADDRESS"


def test_only_the_services_own_hosts(into: Path) -> None:
    async def main(host: str) -> None:
        await download(f"https://{host}/", into, base="https://127.0.0.1:9/", allowed_hosts=["cdn.invalid"])

    for host in ("evil.invalid", "evilcdn.invalid", "cdn.invalid.evil"):
        with pytest.raises(UpstreamError) as caught:
            asyncio.run(main(host))
        assert caught.value.code == "DOWNLOAD_FORBIDDEN_ADDRESS", host
    for host in ("cdn.invalid", "eu.cdn.invalid", "127.0.0.1:9"):
        with pytest.raises(UpstreamError) as caught:
            asyncio.run(main(host))
        assert (caught.value.code, caught.value.retryable) == ("DOWNLOAD_FAILED", True), host


def test_a_resolver_that_changes_its_answer_is_asked_once_for_a_connection() -> None:
    answers: list[list[Address]] = [[ipaddress.ip_address("127.0.0.1")], [ipaddress.ip_address("8.8.8.8")]]

    async def resolve(host: str, port: int) -> list[Address]:
        return answers.pop()

    async def main() -> None:
        backend = CheckedBackend(resolve=resolve)
        with pytest.raises((httpcore.ConnectError, httpcore.ConnectTimeout)):
            await backend.connect_tcp("rebind.invalid", 9, timeout=0.01)
        with pytest.raises(UpstreamError, match="inside this network"):
            await backend.connect_tcp("rebind.invalid", 9, timeout=0.01)

    asyncio.run(main())
    assert answers == []


def test_the_next_address_is_tried(into: Path) -> None:
    async def resolve(host: str, port: int) -> list[Address]:
        return [ipaddress.ip_address("127.0.0.9"), ipaddress.ip_address("127.0.0.1")]

    async def main() -> None:
        async with Upstream(lambda _: reply(b"")).started() as upstream:
            backend = CheckedBackend([ipaddress.ip_address("127.0.0.1")], resolve=resolve)
            stream = await backend.connect_tcp("two.invalid", int(upstream.base.rpartition(":")[2]), timeout=5)
            await stream.aclose()

    asyncio.run(main())


@pytest.mark.parametrize("address", ["8.8.8.8", "2001:4860:4860::8888", "64:ff9b::808:808"])
def test_public_addresses(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "2002:a00:1::1",
        "::",
        "fec0::1",
        "100.64.0.1",
        "192.0.2.1",
        "255.255.255.255",
        "239.1.1.1",
    ],
)
def test_addresses_that_are_not_public_in_any_wrapping(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    ("status", "retryable"),
    [("403 Forbidden", False), ("404 Not Found", False), ("503 Busy", True), ("302 Lost", False)],
)
def test_a_wrong_status(into: Path, status: str, retryable: bool) -> None:
    error = failure(lambda _: reply(b"<html>", status), into)
    assert (error.code, error.retryable) == ("DOWNLOAD_FAILED", retryable)
    assert error.details == {"upstreamStatus": int(status[:3])}


def test_an_empty_result(into: Path) -> None:
    assert failure(lambda _: reply(b""), into).code == "DOWNLOAD_FAILED"


def test_a_result_cut_off(into: Path) -> None:
    whole = reply(b"x" * 1000)
    error = failure(lambda _: whole[:-1], into)
    assert (error.code, error.retryable) == ("DOWNLOAD_FAILED", True)


def test_no_http_at_all(into: Path) -> None:
    assert failure(lambda _: b"\x00\x01garbage\r\n\r\n", into).code == "DOWNLOAD_FAILED"


def test_a_result_at_the_limit_and_above(into: Path) -> None:
    fetch(Upstream(lambda _: reply(b"x" * 1000)), into, max_bytes=1000)
    into.unlink()
    assert failure(lambda _: reply(b"x" * 1001), into, max_bytes=1000).code == "DOWNLOAD_TOO_LARGE"


def test_a_length_that_lies_is_counted(into: Path) -> None:
    unannounced = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"x" * 1001
    assert failure(lambda _: unannounced, into, max_bytes=1000).code == "DOWNLOAD_TOO_LARGE"


def test_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(StorageFailed):
        fetch(Upstream(lambda _: reply(b"x")), tmp_path / "gone" / "result")


def test_a_cancelled_download_leaves_nothing(into: Path) -> None:
    async def stall(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
        await writer.drain()
        await reader.read()
        writer.close()

    async def main() -> None:
        async with await asyncio.start_server(stall, "127.0.0.1", 0) as server:
            base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            task = asyncio.create_task(download(base, into, base=base))
            while not list(into.parent.iterdir()):
                await asyncio.sleep(0.005)
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled()

    asyncio.run(main())
    assert list(into.parent.iterdir()) == []
