from __future__ import annotations

import asyncio
import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from ima2.errors import NotReady
from ima2.upstream.credentials import CredentialFile


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "credentials" / "acme.json"


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_write_read_delete(path: Path) -> None:
    credentials = CredentialFile(path)
    assert credentials.read() == {}
    credentials.write({"token": "é", "unknown": {"kept": [1]}})
    assert credentials.read() == {"token": "é", "unknown": {"kept": [1]}}
    credentials.delete()
    credentials.delete()
    assert credentials.read() == {}
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize("umask", [0o000, 0o022])
def test_modes(path: Path, umask: int) -> None:
    path.parent.mkdir(mode=0o755)
    before = os.umask(umask)
    try:
        CredentialFile(path).write({})
    finally:
        os.umask(before)
    assert (mode_of(path), mode_of(path.parent)) == (0o600, 0o700)


def test_a_wide_file_is_tightened_when_it_is_read(path: Path) -> None:
    path.parent.mkdir()
    path.write_text('{"a": 1}')
    path.chmod(0o644)
    assert CredentialFile(path).read() == {"a": 1}
    assert mode_of(path) == 0o600


def test_a_symlink_stays(tmp_path: Path, path: Path) -> None:
    real = tmp_path / "elsewhere.json"
    real.write_text('{"a": 1}')
    path.parent.mkdir()
    path.symlink_to(real)
    tmp_path.chmod(0o755)
    credentials = CredentialFile(path)
    assert credentials.read() == {"a": 1}
    credentials.write({"a": 2})
    assert path.is_symlink()
    assert json.loads(real.read_text()) == {"a": 2}
    assert mode_of(tmp_path) == 0o755
    credentials.delete()
    assert not real.exists()
    assert not path.is_symlink()


@pytest.mark.parametrize("content", [b"", b'{"a":', b"[]", b"null", b"\xff", b"[" * 100_000])
def test_a_damaged_file_is_reported_and_left(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(NotReady) as caught:
        CredentialFile(path).read()
    assert caught.value.code == "CREDENTIALS_UNREADABLE"
    assert path.read_bytes() == content


def test_half_a_file_is_read_again(path: Path) -> None:
    path.parent.mkdir()
    path.write_text('{"a"')
    whole = threading.Timer(0.03, path.write_text, ['{"a": 1}'])
    whole.start()
    assert CredentialFile(path).read() == {"a": 1}
    whole.join()


REFRESH = """
import asyncio, sys
from pathlib import Path
from ima2.upstream.credentials import CredentialFile
credentials = CredentialFile(Path(sys.argv[1]))
async def main():
    for _ in range(5):
        async with credentials.lock():
            value = credentials.read()
            await asyncio.sleep(0.002)
            credentials.write({"count": value.get("count", 0) + 1})
asyncio.run(main())
"""


def test_one_holder_among_processes(path: Path) -> None:
    started = [subprocess.Popen([sys.executable, "-c", REFRESH, str(path)]) for _ in range(3)]
    assert [process.wait(60) for process in started] == [0, 0, 0]
    assert CredentialFile(path).read() == {"count": 15}


def test_one_holder_among_tasks(path: Path) -> None:
    inside: list[int] = []

    async def hold() -> None:
        async with CredentialFile(path).lock():
            inside.append(1)
            assert len(inside) == 1
            await asyncio.sleep(0.001)
            inside.pop()

    async def main() -> None:
        await asyncio.gather(*(hold() for _ in range(5)))

    asyncio.run(main())


def test_a_cancelled_wait_holds_nothing(path: Path) -> None:
    credentials = CredentialFile(path)

    async def take() -> None:
        async with credentials.lock():
            pass

    async def main() -> None:
        async with credentials.lock():
            waiting = asyncio.create_task(take())
            await asyncio.sleep(0.01)
            waiting.cancel()
        await asyncio.wait([waiting])
        assert waiting.cancelled()
        async with asyncio.timeout(30):
            await take()

    asyncio.run(main())


HOLD = """
import asyncio, sys
from pathlib import Path
from ima2.upstream.credentials import CredentialFile
async def main():
    async with CredentialFile(Path(sys.argv[1])).lock():
        print("held", flush=True)
        await asyncio.sleep(600)
asyncio.run(main())
"""


def test_a_killed_holder_lets_go(path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        assert holder.stdout.readline().strip() == b"held"
        holder.kill()

    async def main() -> None:
        async with asyncio.timeout(30), CredentialFile(path).lock():
            pass

    asyncio.run(main())


def test_an_error_inside_lets_go(path: Path) -> None:
    async def main() -> None:
        with pytest.raises(RuntimeError):
            async with CredentialFile(path).lock():
                raise RuntimeError
        async with asyncio.timeout(30), CredentialFile(path).lock():
            pass

    asyncio.run(main())
