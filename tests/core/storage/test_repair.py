"""The index is made again from what lies in the folder, and nothing that may matter is touched."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sqlite3
import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from ima2.errors import StorageFailed
from ima2.models import Artifact
from ima2.settings.paths import Paths
from ima2.storage.artifacts import FileArtifactStore
from ima2.storage.database import Database
from ima2.storage.ledger import SqliteLedger
from ima2.storage.metadata import embedded, metadata_from
from ima2.storage.repair import RepairReport, repair
from ima2_kit.conformance.bench import make_calls, make_job
from ima2_kit.conformance.pictures import bomb, clip, picture

OpenStore = Callable[[], AbstractAsyncContextManager[FileArtifactStore]]


def run(open_store: OpenStore, scenario: Callable[[FileArtifactStore], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        async with open_store() as store:
            return await scenario(store)

    return asyncio.run(main())


def on_ledger(paths: Paths, scenario: Callable[[SqliteLedger], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        ledger = await SqliteLedger.open(paths.database)
        try:
            return await scenario(ledger)
        finally:
            await ledger.close()

    return asyncio.run(main())


def repaired(paths: Paths) -> RepairReport:
    return asyncio.run(repair(paths))


async def put(store: FileArtifactStore, stem: str, **facts: Any) -> Artifact:
    spooled = store.folder / ".spool" / "one"
    spooled.write_bytes(picture(width=len(stem) + 8))
    sidecar = {"requestId": "job-1", "userPrompt": "a fox", "model": "m", "createdAt": 1234, "callKey": "job-1.0"}
    given = {"created_at": 1234, "prompt": "a fox", "job_id": "job-1", "call_key": "job-1.0", "model": "m", **facts}
    return await store.store(spooled, stem, facts=given, sidecar=sidecar)


def listed(open_store: OpenStore, **query: Any) -> list[Artifact]:
    artifacts: list[Artifact] = run(open_store, lambda store: store.artifacts(**query))
    return artifacts


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def scramble(path: Path, start: int = 100) -> None:
    with path.open("r+b") as file:
        file.seek(start)
        file.write(os.urandom(path.stat().st_size - start))


def facts(artifact: Artifact) -> dict[str, Any]:
    return artifact.model_dump(exclude={"id"})


def test_a_healthy_house_is_left_alone(paths: Paths, open_store: OpenStore) -> None:
    async def fill(store: FileArtifactStore) -> None:
        await put(store, "1_a")
        await put(store, "sub/1_b")
        await store.trash((await put(store, "1_c")).filename)
        await store.set_favorite("me", "1_a.png")

    run(open_store, fill)
    before, rows = snapshot(paths.generated), listed(open_store)
    assert repaired(paths) == RepairReport(None, 0, (), (), (), (), (), ())
    assert (snapshot(paths.generated), listed(open_store)) == (before, rows)


@pytest.mark.parametrize("loss", ["deleted", "scrambled", "half scrambled", "text"])
def test_a_lost_database_is_made_again_from_the_sidecars(paths: Paths, open_store: OpenStore, loss: str) -> None:
    async def fill(store: FileArtifactStore) -> list[Artifact]:
        stored = [await put(store, f"1_{n}") for n in range(5)]
        await store.trash("1_4.png")
        return stored[:4]

    stored = run(open_store, fill)
    files = snapshot(paths.generated)
    if loss == "deleted":
        paths.database.unlink()
    elif loss == "text":
        paths.database.write_text("my notes " * 1000)
    else:
        scramble(paths.database, 100 if loss == "scrambled" else paths.database.stat().st_size // 2)
    report = repaired(paths)
    assert (report.damaged_database is None) == (loss == "deleted")
    assert report.damaged_database is None or report.damaged_database.is_file()
    assert len(report.indexed) == 5
    assert [facts(each) for each in reversed(listed(open_store))] == [facts(each) for each in stored]
    assert snapshot(paths.generated) == files
    assert run(open_store, lambda store: store.restore("1_4.png")).filename == "1_4.png"


def test_jobs_outlive_a_damaged_database(paths: Paths, open_store: OpenStore) -> None:
    """Damage in one table; a video that was paid for is still known by its upstream id."""

    async def fill(ledger: SqliteLedger) -> int:
        for n in range(400):
            await ledger.add_job(make_job(f"job-{n}", state="running"))
        await ledger.put_calls("job-7", make_calls("job-7"))
        await ledger.update_call("job-7.0", state="submitted", upstream_id="video-77")
        return (await ledger.append("job-7", "submitted", {})).seq

    last = on_ledger(paths, fill)
    run(open_store, lambda store: put(store, "1_a"))
    run(open_store, lambda store: store.set_favorite("me", "1_a.png"))
    with contextlib.closing(sqlite3.connect(paths.database)) as connection:
        connection.execute("VACUUM")
    page = 4096
    with paths.database.open("r+b") as file:
        data = file.read()
        place = data.index(b"job-200") // page * page
        file.seek(place)
        file.write(bytes(page))
    report = repaired(paths)
    assert report.damaged_database is not None
    assert report.carried_over > 300

    async def look(ledger: SqliteLedger) -> None:
        jobs = await ledger.jobs(limit=1000)
        assert {"job-0", "job-7", "job-399"} <= {job.id for job in jobs}
        assert (await ledger.calls("job-7"))[0].upstream_id == "video-77"
        assert (await ledger.append("job-7", "progress", {})).seq > last

    on_ledger(paths, look)
    assert run(open_store, lambda store: store.favorites("me", ["1_a.png"])) == {"1_a.png"}


def test_files_of_existing_clients_get_their_facts(paths: Paths, open_store: OpenStore) -> None:
    gallery = paths.generated
    (gallery / "cards" / "set").mkdir(parents=True)

    def write(name: str, data: bytes, sidecar: object = None, beside: str | None = None) -> None:
        (gallery / name).write_bytes(data)
        if sidecar is not None:
            (gallery / (beside or f"{name}.json")).write_text(json.dumps(sidecar))

    classic = {"kind": "classic", "prompt": "p", "userPrompt": "u", "createdAt": 1_700_000_000_123, "requestId": "r"}
    write("1700000000123_0123abcd_0.png", picture(), {**classic, "provider": "one", "model": "m", "sessionId": "s"})
    write("n_0123456789.webp", picture("WEBP"), {"prompt": "n", "createdAt": 5000}, "n_0123456789.json")
    write("imported-1.jpg", picture("JPEG"), {"kind": "imported", "createdAt": "2026-01-02T03:04:05.678Z"})
    write("cards/set/1.png", picture(), {"prompt": 7, "createdAt": "soon", "createdAtIso": "1970-01-01T00:00:09"})
    write("1700000000999_ab.mp4", clip(), [1, 2])
    write("embedded.png", embedded(picture(), metadata_from({"prompt": "inside", "createdAt": 7000})))
    write("bare.png", picture())
    os.utime(gallery / "bare.png", (8, 8))
    write("cut.png", picture(), None)
    (gallery / "cut.png.json").write_text('{"prompt": "cu')
    os.utime(gallery / "cut.png", (6, 6))
    (gallery / "deep.png").write_bytes(picture())
    (gallery / "deep.png.json").write_text('{"a":' * 600 + "1" + "}" * 600)
    os.utime(gallery / "deep.png", (4, 4))
    write("bare.thumb.jpg", picture("JPEG"))
    before = snapshot(gallery)
    report = repaired(paths)
    assert (report.unreadable, report.changed, report.dropped) == ((), (), ())
    rows = {row.filename: (row.created_at, row.prompt) for row in listed(open_store)}
    assert rows == {
        "1700000000999_ab.mp4": (1_700_000_000_999, ""),
        "1700000000123_0123abcd_0.png": (1_700_000_000_123, "u"),
        "imported-1.jpg": (1_767_323_045_678, ""),
        "cards/set/1.png": (9000, ""),
        "bare.png": (8000, ""),
        "embedded.png": (7000, "inside"),
        "cut.png": (6000, ""),
        "n_0123456789.webp": (5000, "n"),
        "deep.png": (4000, ""),
    }
    assert snapshot(gallery) == before
    [row] = [row for row in listed(open_store) if row.job_id == "r"]
    assert (row.provider, row.model, row.session_id, row.sidecar["kind"]) == ("one", "m", "s", "classic")
    assert repaired(paths).indexed == ()


def test_rows_without_a_file_go_and_changed_files_are_named(paths: Paths, open_store: OpenStore) -> None:
    async def fill(store: FileArtifactStore) -> None:
        for stem in ("1_a", "1_b", "1_c"):
            await put(store, stem)
        await store.trash("1_c.png")

    run(open_store, fill)
    (paths.generated / "1_a.png").unlink()
    (paths.generated / "1_b.png").write_bytes(edited := picture(colour="blue"))
    next(paths.trash.rglob("1_c.png")).unlink()
    report = repaired(paths)
    assert report.dropped == ("1_a.png", "1_c.png")
    assert report.changed == ("1_b.png",)
    assert (paths.generated / "1_b.png").read_bytes() == edited
    assert [row.filename for row in listed(open_store)] == ["1_b.png"]
    assert listed(open_store, trashed=True) == []
    assert repaired(paths).dropped == ()


def test_what_can_not_be_shown_stays_without_a_row(paths: Paths, open_store: OpenStore) -> None:
    bad = {
        "text.png": b"text",
        "cut.png": picture(width=300, height=300)[:-60],
        "bomb.png": bomb(12_000),
        "empty.mp4": b"",
    }
    for name, data in bad.items():
        (paths.generated / name).write_bytes(data)
    if sys.platform != "win32":
        (paths.generated / "a:b.png").write_bytes(picture())
        bad["a:b.png"] = picture()
        (paths.generated / "link.png").symlink_to("/etc/passwd")
        (paths.generated / "links").symlink_to(paths.data)
    (paths.generated / "good.png").write_bytes(picture())
    report = repaired(paths)
    assert report.indexed == ("good.png",)
    assert sorted(report.unreadable) == sorted(bad)
    assert all((paths.generated / name).read_bytes() == data for name, data in bad.items())
    assert [row.filename for row in listed(open_store)] == ["good.png"]


def test_old_leftovers_are_swept_and_young_ones_stay(paths: Paths) -> None:
    paths.references.mkdir(parents=True)
    old = [
        paths.generated / ".1_a.png.abc.part",
        paths.references / ".reference.def.part",
        paths.generated / ".x.json.1.tmp",
    ]
    young = [paths.generated / ".1_b.png.abc.part", paths.generated / "mine.part"]
    for path in (*old, *young):
        path.write_bytes(b"x")
    for path in old:
        os.utime(path, (1, 1))
    assert sorted(repaired(paths).swept) == sorted(path.name for path in old)
    assert not any(path.exists() for path in old)
    assert all(path.exists() for path in young)


def test_spools_of_ended_jobs_go_and_no_others(paths: Paths) -> None:
    states = {"over": "done", "failed": "failed", "asked": "unknown", "live": "running", "waits": "failed"}

    async def fill(ledger: SqliteLedger) -> None:
        for name, state in states.items():
            await ledger.add_job(make_job(name, state=state))
            await ledger.put_calls(name, make_calls(name))
        await ledger.update_call("waits.0", state="storing")

    on_ledger(paths, fill)
    for name in (*states, "nobody"):
        paths.job_spool(name).mkdir()
        (paths.job_spool(name) / "result").write_bytes(b"paid")
    assert set(repaired(paths).spools) == {paths.job_spool(name).name for name in ("over", "failed")}
    for name in ("asked", "live", "waits", "nobody"):
        assert (paths.job_spool(name) / "result").read_bytes() == b"paid"


def test_a_newer_database_is_not_repaired(paths: Paths) -> None:
    on_ledger(paths, lambda ledger: ledger.add_job(make_job()))
    with contextlib.closing(sqlite3.connect(paths.database)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(StorageFailed) as caught:
        repaired(paths)
    assert caught.value.code == "DATABASE_TOO_NEW"


def test_an_empty_house_can_be_repaired(tmp_path: Path) -> None:
    paths = Paths.from_env({"IMA2_CONFIG_DIR": str(tmp_path / "nothing yet")})
    assert repaired(paths).indexed == ()
    asyncio.run(_opens(paths))


async def _opens(paths: Paths) -> None:
    await (await Database.open(paths.database)).close()
