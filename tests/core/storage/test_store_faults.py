"""Nothing paid for is lost: kills, full disks, other disks, lost spools, links and crowds."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from ima2.errors import InvalidRequest, StorageFailed
from ima2.models import Artifact
from ima2.settings.paths import Paths
from ima2.storage.artifacts import FileArtifactStore
from ima2.storage.database import Database
from ima2.storage.worker import DecodeWorker
from ima2_kit.conformance.pictures import clip, picture

OpenStore = Callable[[], AbstractAsyncContextManager[FileArtifactStore]]
DATA = picture(width=64, height=64)
SHA256 = hashlib.sha256(DATA).hexdigest()
posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX files")

STORER = """
import asyncio, sys
from pathlib import Path
from ima2.settings.paths import Paths
from ima2.storage.artifacts import FileArtifactStore
from ima2.storage.database import Database

async def main(root, spooled):
    paths = Paths.from_env({"IMA2_CONFIG_DIR": root})
    database = await Database.open(paths.database, patience=60)
    store = FileArtifactStore.for_paths(paths, database)
    facts = {"created_at": 1000, "prompt": "a fox"}
    artifact = await store.store(Path(spooled), "1000_ab_0", facts=facts, sidecar={"prompt": "a fox"})
    print(artifact.id, flush=True)
    await store.close()
    await database.close()

asyncio.run(main(*sys.argv[1:]))
"""


def start(paths: Paths, spooled: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", STORER, str(paths.data), str(spooled)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def spool(paths: Paths, name: str = "result", data: bytes = DATA) -> Path:
    path = paths.spool / name
    path.write_bytes(data)
    return path


def run(open_store: OpenStore, scenario: Callable[[FileArtifactStore], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        async with open_store() as store:
            return await scenario(store)

    return asyncio.run(main())


def storing(spooled: Path, **facts: Any) -> Callable[[FileArtifactStore], Awaitable[Artifact]]:
    given = {"created_at": 1000, "prompt": "a fox", **facts}
    return lambda store: store.store(spooled, "1000_ab_0", facts=given, sidecar={"prompt": "a fox"})


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@contextlib.contextmanager
def database_held(path: Path) -> Iterator[None]:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@pytest.mark.parametrize("spool_survives", [True, False])
def test_a_process_killed_between_file_and_row_is_made_good(
    paths: Paths, open_store: OpenStore, *, spool_survives: bool
) -> None:
    run(open_store, lambda store: store.count())
    spooled = spool(paths)
    with database_held(paths.database):
        process = start(paths, spooled)
        while not (paths.generated / "1000_ab_0.png.json").exists():
            assert process.poll() is None, process.communicate()
        process.kill()
        process.communicate()
    assert run(open_store, lambda store: store.count()) == 0
    if not spool_survives:
        spooled.unlink()
    artifact = run(open_store, storing(spooled, sha256=SHA256))
    assert artifact.sha256 == SHA256
    assert run(open_store, lambda store: store.artifacts()) == [artifact]
    assert names(paths.generated) == ["1000_ab_0.png", "1000_ab_0.png.json"]


def test_many_processes_store_the_same_result(paths: Paths, open_store: OpenStore) -> None:
    processes = [start(paths, spool(paths, str(n))) for n in range(6)]
    ids = set()
    for process in processes:
        out, err = process.communicate()
        assert process.returncode == 0, err
        ids.add(out.strip())
    assert len(ids) == 1
    assert run(open_store, lambda store: store.count()) == 1
    assert names(paths.generated) == ["1000_ab_0.png", "1000_ab_0.png.json"]


def test_a_crowd_of_different_results_is_stored(paths: Paths, open_store: OpenStore) -> None:
    async def scenario(store: FileArtifactStore) -> None:
        spooled = [spool(paths, str(n), picture(width=8 + n)) for n in range(20)]
        facts = {"created_at": 1000}
        tasks = [store.store(path, f"1000_{n}", facts=facts, sidecar={}) for n, path in enumerate(spooled)]
        stored = await asyncio.gather(*tasks)
        assert [artifact.width for artifact in stored] == [8 + n for n in range(20)]
        assert await store.count() == 20

    run(open_store, scenario)


def test_a_cancelled_caller_can_store_again(paths: Paths, open_store: OpenStore) -> None:
    async def scenario(store: FileArtifactStore) -> None:
        for pause in range(12):
            name = f"1000_{pause}"
            spooled = spool(paths, name, picture(width=8 + pause))
            task = asyncio.ensure_future(store.store(spooled, name, facts={"created_at": 1}, sidecar={}))
            for _ in range(pause):
                await asyncio.sleep(0)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            again = await store.store(spooled, name, facts={"created_at": 1}, sidecar={})
            assert again.width == 8 + pause
        assert await store.count() == 12

    run(open_store, scenario)


def test_a_lost_result_is_said_to_be_lost(paths: Paths, open_store: OpenStore) -> None:
    with pytest.raises(StorageFailed) as caught:
        run(open_store, storing(paths.spool / "never"))
    assert (caught.value.code, caught.value.kept) == ("RESULT_LOST", ())


def test_a_spooled_file_that_changed_is_not_passed_off(paths: Paths, open_store: OpenStore) -> None:
    spooled = spool(paths, data=picture(colour="blue"))
    with pytest.raises(StorageFailed) as caught:
        run(open_store, storing(spooled, sha256=SHA256))
    assert (caught.value.code, caught.value.kept) == ("RESULT_LOST", (str(spooled),))


def test_a_stranger_with_the_same_name_is_kept(paths: Paths, open_store: OpenStore) -> None:
    stranger = paths.generated / "1000_ab_0.png"
    stranger.write_bytes(picture(colour="green"))
    spooled = spool(paths)
    with pytest.raises(StorageFailed) as caught:
        run(open_store, storing(spooled))
    assert caught.value.code == "FILE_EXISTS"
    assert stranger.read_bytes() == picture(colour="green")
    assert spooled.read_bytes() == DATA


@posix
def test_links_in_the_gallery_lead_nowhere(paths: Paths, open_store: OpenStore, tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    secret.write_bytes(DATA)
    (paths.generated / "link.png").symlink_to(secret)
    (paths.generated / "1000_ab_0.png").symlink_to(secret)
    (paths.generated / "1000_cd_0.png.json").symlink_to(secret)
    (paths.generated / "out").symlink_to(tmp_path)

    async def scenario(store: FileArtifactStore) -> None:
        spooled = spool(paths)
        facts = {"created_at": 1}
        for attempt in (
            store.artifact("link.png"),
            store.thumbnail("out/secret.png"),
            store.trash("link.png"),
            store.delete("link.png"),
            store.restore("link.png"),
            store.store(spooled, "1000_ab_0", facts=facts, sidecar={}),
            store.store(spooled, "1000_cd_0", facts=facts, sidecar={}),
            store.store(spooled, "out/1000_ef_0", facts=facts, sidecar={}),
        ):
            with pytest.raises(InvalidRequest) as caught:
                await attempt
            assert caught.value.code == "INVALID_FILENAME"
        assert spooled.read_bytes() == secret.read_bytes() == DATA

    run(open_store, scenario)
    assert names(tmp_path / "data" / "references") == []


@posix
def test_a_result_on_another_disk_is_copied(open_store: OpenStore, paths: Paths) -> None:
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == paths.generated.stat().st_dev:
        pytest.skip("no second disk here")
    spooled = other / f"ima2-test-{os.getpid()}"
    spooled.write_bytes(DATA)
    try:
        artifact = run(open_store, storing(spooled))
        assert (paths.generated / artifact.filename).read_bytes() == DATA
        assert not spooled.exists()
    finally:
        spooled.unlink(missing_ok=True)


@pytest.fixture
def tiny_disk(paths: Paths) -> Iterator[Path]:
    """The gallery on a disk of 64 KiB."""
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(paths.generated)]
    if sys.platform != "linux" or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("mounting needs root")
    yield paths.generated
    subprocess.run(["umount", str(paths.generated)], check=True)


def test_a_full_disk_keeps_the_result(tiny_disk: Path, open_store: OpenStore, tmp_path: Path) -> None:
    spooled = tmp_path / "big"
    spooled.write_bytes(big := clip() + b"\0\0\x40\0free" + bytes(0x3FF8) + b"\0\2\0\0free" + bytes(0x1FFF8))
    with pytest.raises(StorageFailed) as caught:
        run(open_store, storing(spooled))
    assert (caught.value.code, caught.value.status) == ("DISK_FULL", 507)
    assert caught.value.kept == (str(spooled),)
    assert spooled.read_bytes() == big
    assert names(tiny_disk) == []


def test_a_disk_too_full_for_the_sidecar_keeps_the_result(tiny_disk: Path, paths: Paths, open_store: OpenStore) -> None:
    paths.spool.mkdir()
    spooled = spool(paths)
    filler = tiny_disk / "filler"
    with contextlib.suppress(OSError), filler.open("wb") as file:
        file.write(bytes(1 << 20))
    with pytest.raises(StorageFailed) as caught:
        run(open_store, storing(spooled))
    assert caught.value.code == "DISK_FULL"
    assert spooled.read_bytes() == DATA
    filler.unlink()
    artifact = run(open_store, storing(spooled))
    assert json.loads((tiny_disk / f"{artifact.filename}.json").read_text())["sha256"] == SHA256


@posix
def test_a_decoder_that_hangs_costs_nothing(paths: Paths) -> None:
    spooled = spool(paths)

    async def scenario() -> None:
        database = await Database.open(paths.database)
        store = FileArtifactStore(paths, database, DecodeWorker(timeout=1))
        try:
            await store.worker.warm()
            os.kill(store.worker.pid or 0, signal.SIGSTOP)
            with pytest.raises(StorageFailed) as caught:
                await storing(spooled)(store)
            assert (caught.value.code, caught.value.retryable) == ("DECODER_FAILED", True)
            assert caught.value.kept == (str(spooled),)
            await store.worker.warm()
            os.kill(store.worker.pid or 0, signal.SIGSTOP)
            with pytest.raises(InvalidRequest, match="too long") as refused:
                await store.add_reference(DATA)
            assert refused.value.code == "REF_UNREADABLE"
            assert names(paths.references) == []
        finally:
            await store.close()
            await database.close()

    asyncio.run(scenario())
    assert spooled.read_bytes() == DATA


@posix
def test_pipes_devices_and_links_to_them_are_no_references(open_store: OpenStore, tmp_path: Path) -> None:
    pipe, link, good = tmp_path / "pipe", tmp_path / "link.png", tmp_path / "good.png"
    os.mkfifo(pipe)
    link.symlink_to("/dev/zero")
    (tmp_path / "real.png").write_bytes(DATA)
    good.symlink_to(tmp_path / "real.png")

    async def scenario(store: FileArtifactStore) -> None:
        for path in (pipe, Path("/dev/zero"), Path("/dev/null"), link, tmp_path):
            with pytest.raises(InvalidRequest) as caught:
                await store.add_reference(path, field="--ref")
            assert (caught.value.code, caught.value.field) == ("REF_NOT_A_FILE", "--ref")
            assert path.name in caught.value.message
        assert (await store.add_reference(good)).sha256 == SHA256

    run(open_store, scenario)


@posix
def test_references_are_private(paths: Paths, open_store: OpenStore) -> None:
    before = os.umask(0)
    try:
        reference = run(open_store, lambda store: store.add_reference(DATA))
    finally:
        os.umask(before)
    path = paths.references / f"{reference.sha256}.png"
    assert path.stat().st_mode & 0o777 == 0o600
    assert paths.references.stat().st_mode & 0o777 == 0o700


def test_a_reference_too_large_to_take(open_store: OpenStore, tmp_path: Path) -> None:
    big = tmp_path / "big.png"
    with big.open("wb") as file:
        file.write(DATA)
        file.truncate(50 * 1024 * 1024 + 1)

    async def scenario(store: FileArtifactStore) -> None:
        for source in (big, big.read_bytes()):
            with pytest.raises(InvalidRequest) as caught:
                await store.add_reference(source)
            assert caught.value.code == "REF_TOO_LARGE"

    run(open_store, scenario)


def test_a_damaged_reference_is_healed_by_giving_it_again(open_store: OpenStore) -> None:
    async def scenario(store: FileArtifactStore) -> None:
        path = store.reference_path(await store.add_reference(DATA))
        path.write_bytes(b"damage")
        assert store.reference_path(await store.add_reference(DATA)).read_bytes() == DATA

    run(open_store, scenario)


def test_a_forged_reference_leads_nowhere(open_store: OpenStore) -> None:
    async def scenario(store: FileArtifactStore) -> None:
        reference = await store.add_reference(DATA)
        for forged in ({"sha256": "../../config"}, {"media_type": "text/html"}, {"sha256": SHA256.upper()}):
            with pytest.raises(InvalidRequest):
                store.reference_path(reference.model_copy(update=forged))

    run(open_store, scenario)


def test_a_deletion_cut_short_in_the_trash_comes_back(paths: Paths, open_store: OpenStore) -> None:
    """The row was marked, and the process died before the file moved."""
    artifact = run(open_store, storing(spool(paths)))
    with contextlib.closing(sqlite3.connect(paths.database)) as connection:
        connection.execute("UPDATE artifact SET trashed_at = 5")
        connection.commit()
    assert run(open_store, lambda store: store.restore(artifact.filename)) == artifact
    assert names(paths.generated) == ["1000_ab_0.png", "1000_ab_0.png.json"]


def test_trashing_a_file_that_is_gone_changes_nothing(paths: Paths, open_store: OpenStore) -> None:
    artifact = run(open_store, storing(spool(paths)))
    (paths.generated / artifact.filename).unlink()
    with pytest.raises(Exception, match="There is no"):
        run(open_store, lambda store: store.trash(artifact.filename))
    assert run(open_store, lambda store: store.artifact(artifact.filename)) == artifact


def test_sidecar_and_thumbnail_go_to_the_trash_and_come_back(paths: Paths, open_store: OpenStore) -> None:
    async def scenario(store: FileArtifactStore) -> None:
        artifact = await storing(spool(paths))(store)
        assert await store.thumbnail(artifact.filename) is not None
        before = names(paths.generated)
        trash_id = await store.trash(artifact.filename)
        assert all(name.startswith(f".trash/{trash_id}/") for name in names(paths.generated))
        assert len(names(paths.generated)) == 3
        await store.restore(artifact.filename, trash_id)
        assert names(paths.generated) == before
        assert not any(paths.trash.iterdir())

    run(open_store, scenario)


def test_thumbnails_are_made_on_demand_and_in_the_background(paths: Paths, open_store: OpenStore) -> None:
    async def scenario(store: FileArtifactStore) -> None:
        stored = [
            await store.store(spool(paths, str(n), data), f"1_{n}", facts={"created_at": 1}, sidecar={})
            for n, data in enumerate([DATA, picture("JPEG"), picture("WEBP"), clip()])
        ]
        assert await store.thumbnail(stored[0].filename) == paths.generated / "1_0.thumb.jpg"
        assert await store.thumbnail(stored[3].filename) is None
        assert await store.thumbnail("1_9.png") is None
        for artifact in (*stored, *stored):
            store.schedule_thumbnail(artifact.filename)
        while not all((paths.generated / f"1_{n}.thumb.jpg").exists() for n in range(3)):
            await asyncio.sleep(0.01)
        (paths.generated / stored[1].filename).unlink()
        (paths.generated / "1_1.thumb.jpg").unlink()
        assert await store.thumbnail(stored[1].filename) is None
        assert not [name for name in names(paths.generated) if name.endswith(".part")]

    run(open_store, scenario)


@posix
def test_a_thumbnail_link_is_not_followed(paths: Paths, open_store: OpenStore, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")

    async def scenario(store: FileArtifactStore) -> None:
        artifact = await storing(spool(paths))(store)
        (paths.generated / "1000_ab_0.thumb.jpg").symlink_to(tmp_path / "secret")
        assert await store.thumbnail(artifact.filename) is None

    run(open_store, scenario)


def test_closing_gives_up_thumbnails_that_wait(paths: Paths, open_store: OpenStore) -> None:
    async def scenario(store: FileArtifactStore) -> int | None:
        for n in range(8):
            artifact = await store.store(
                spool(paths, str(n), picture(width=900 + n, height=900)), f"1_{n}", facts={"created_at": 1}, sidecar={}
            )
            store.schedule_thumbnail(artifact.filename)
        return store.worker.pid

    pid = run(open_store, scenario)
    while Path(f"/proc/{pid}").exists():
        time.sleep(0.01)
    assert not [name for name in names(paths.generated) if name.endswith(".part")]
