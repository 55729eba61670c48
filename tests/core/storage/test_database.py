"""One file, many processes: races, kills, full disks, damage and migrations."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from ima2.errors import StorageFailed
from ima2.models import Artifact, Job, Request, Resolution
from ima2.storage import index
from ima2.storage.database import Database
from ima2.storage.ledger import SqliteLedger
from ima2.storage.migrate import Migration, backup_path, released, statements
from ima2.storage.rows import job_columns

APPENDER = """
import asyncio, sys
from pathlib import Path
from ima2.storage.ledger import SqliteLedger

async def main(path, name, count):
    ledger = await SqliteLedger.open(Path(path))
    for n in range(int(count)):
        event = await ledger.append(name, "progress", {"n": n})
        print(event.seq, flush=True)
    await ledger.close()

asyncio.run(main(*sys.argv[1:]))
"""

SLOW_MIGRATION = """
import asyncio, sys
from pathlib import Path
from ima2.storage.database import Database
from ima2.storage.migrate import Migration, released

slow = '''
CREATE TABLE half_done (n INTEGER);
INSERT INTO half_done WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n FROM c;
'''
asyncio.run(Database.open(Path(sys.argv[1]), steps=[*released(), Migration(released()[-1].version + 1, slow)]))
"""

NEWEST = released()[-1].version
NEXT = Migration(NEWEST + 1, "ALTER TABLE job ADD COLUMN colour TEXT; CREATE TABLE extra (n INTEGER);")


def start(script: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def with_database(path: Path, scenario: Callable[[Database], Awaitable[Any]], **options: Any) -> Any:
    async def main() -> Any:
        database = await Database.open(path, **options)
        try:
            return await scenario(database)
        finally:
            await database.close()

    return asyncio.run(main())


def make(path: Path) -> None:
    async def scenario(database: Database) -> None:
        await SqliteLedger(database).append("first", "progress", {"kept": True})

    with_database(path, scenario)


def failure(path: Path, **options: Any) -> StorageFailed:
    async def scenario(database: Database) -> None:
        await database.read(lambda connection: connection.execute("SELECT count(*) FROM event").fetchone())

    with pytest.raises(StorageFailed) as caught:
        with_database(path, scenario, **options)
    return caught.value


def names(path: Path) -> list[str]:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return [row[0] for row in connection.execute("SELECT job_id FROM event ORDER BY seq")]


def version(path: Path) -> int:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def test_twenty_processes_open_a_new_folder_and_append_at_once(tmp_path: Path) -> None:
    path = tmp_path / "new" / "ima2.db"
    processes = [start(APPENDER, path, f"job-{n}", 5) for n in range(20)]
    seqs: list[int] = []
    for process in processes:
        out, err = process.communicate()
        assert process.returncode == 0, err
        seqs += map(int, out.split())
    assert sorted(seqs) == list(range(1, 101))
    assert sorted(names(path)) == sorted(f"job-{n}" for n in range(20) for _ in range(5))


def test_what_was_acknowledged_survives_kills(tmp_path: Path) -> None:
    path = tmp_path / "ima2.db"
    acknowledged: list[int] = []
    for n in range(6):
        process = start(APPENDER, path, f"run-{n}", 100_000)
        assert process.stdout is not None
        acknowledged += [int(process.stdout.readline()) for _ in range(3 + 7 * n)]
        process.kill()
        rest = process.communicate()[0]
        acknowledged += [int(line) for line in rest.splitlines(keepends=True) if line.endswith("\n")]
    with contextlib.closing(sqlite3.connect(path)) as connection:
        stored = {row[0] for row in connection.execute("SELECT seq FROM event")}
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert len(acknowledged) == len(set(acknowledged))
    assert set(acknowledged) <= stored


def test_a_lock_held_too_long_is_busy_and_then_passes(tmp_path: Path) -> None:
    path = tmp_path / "ima2.db"
    make(path)

    async def scenario(database: Database) -> None:
        ledger = SqliteLedger(database)
        other = sqlite3.connect(path, isolation_level=None)
        with contextlib.closing(other):
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StorageFailed) as caught:
                await ledger.append("second", "progress", {})
            assert (caught.value.code, caught.value.status, caught.value.retryable) == ("DATABASE_BUSY", 503, True)
            assert len(await ledger.events()) == 1
            other.execute("ROLLBACK")
            await ledger.append("third", "progress", {})

    with_database(path, scenario, patience=0.2)
    assert names(path) == ["first", "third"]


def test_a_full_disk_loses_nothing_that_was_written(tmp_path: Path) -> None:
    path = tmp_path / "ima2.db"
    make(path)

    async def scenario(database: Database) -> None:
        ledger = SqliteLedger(database)
        await database.write(lambda connection: connection.execute("PRAGMA max_page_count = 40"))
        with pytest.raises(StorageFailed) as caught:
            await ledger.append("big", "text", {"delta": "x" * 1_000_000})
        assert (caught.value.code, caught.value.status, caught.value.retryable) == ("DISK_FULL", 507, True)
        await ledger.append("small", "progress", {})

    with_database(path, scenario)
    assert names(path) == ["first", "small"]


@pytest.mark.skipif(sys.platform == "win32", reason="limits of file size are POSIX")
def test_a_file_that_may_not_grow_is_a_storage_failure(tmp_path: Path) -> None:
    path = tmp_path / "ima2.db"
    make(path)
    script = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))\n"
        + APPENDER.replace('"n": n', '"x": "x" * 9000')
    )
    process = start(script, path, "many", 1000)
    out, err = process.communicate()
    assert process.returncode != 0
    assert "StorageFailed" in err
    assert len(names(path)) == 1 + len(out.split())


def test_a_scrambled_database_is_refused_with_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "ima2.db"
    make(path)
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(100)
        file.write(os.urandom(size - 100))
    error = failure(path)
    assert (error.code, error.hint) == ("DATABASE_CORRUPT", "ima2 repair")


def test_a_file_that_is_no_database_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "ima2.db"
    path.write_text("notes of my holidays, long enough to be taken for a page\n" * 100)
    before = path.read_bytes()
    assert failure(path).code == "DATABASE_CORRUPT"
    assert path.read_bytes() == before


def test_a_folder_in_the_place_of_the_database_is_a_storage_failure(tmp_path: Path) -> None:
    (tmp_path / "ima2.db").mkdir()
    assert failure(tmp_path / "ima2.db").status == 500
    (tmp_path / "file").write_text("")
    assert failure(tmp_path / "file" / "ima2.db").status == 500


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ima2.db"
    make(path)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    error = failure(path)
    assert error.code == "DATABASE_TOO_NEW"
    assert "99" in error.message
    assert version(path) == 99
    assert names(path) == ["first"]


def test_a_migration_leaves_a_backup_of_the_old_schema(tmp_path: Path) -> None:
    path = tmp_path / "ima2.db"
    make(path)
    assert not list(tmp_path.glob("*.backup"))

    async def scenario(database: Database) -> None:
        await database.write(lambda connection: connection.execute("INSERT INTO extra VALUES (1)"))

    with_database(path, scenario, steps=[*released(), NEXT])
    assert version(path) == NEWEST + 1
    assert names(path) == ["first"]
    assert version(backup_path(path, NEWEST)) == NEWEST
    assert names(backup_path(path, NEWEST)) == ["first"]


def test_what_the_first_schema_kept_is_read_by_the_newest(tmp_path: Path) -> None:
    """A job and a clip from before there were replies and topics."""
    path = tmp_path / "ima2.db"
    facts = {"id": "a", "filename": "a.mp4", "sha256": "0" * 64, "media_type": "video/mp4", "kind": "video", "size": 1}
    clip = Artifact(**facts, width=2, height=2, created_at=5, sidecar={"videoSeries": {"topic": "kites"}})
    request = Request(id="old", prompt="x")
    job = Job(
        id="old",
        request=request,
        provider="p",
        resolution=Resolution(provider="p", reason="r"),
        owner="o",
        created_at=1,
        phase_at=1,
    )

    def put(connection: sqlite3.Connection) -> None:
        index.insert(connection, clip)
        index.insert(connection, clip.model_copy(update={"id": "b", "filename": "b.mp4"}))
        connection.execute("UPDATE artifact SET sidecar = '{\"odd\": NaN' WHERE id = 'b'")
        columns = {name: value for name, value in job_columns(job).items() if name != "reply"}
        marks = ", ".join("?" * len(columns))
        connection.execute(f"INSERT INTO job ({', '.join(columns)}) VALUES ({marks})", tuple(columns.values()))

    async def before(database: Database) -> None:
        await database.write(put)

    async def after(database: Database) -> None:
        assert await SqliteLedger(database).job("old") == job
        narrow = {"limit": 5, "before": None, "since": None, "favorites_of": None, "trashed": False}
        found = await database.read(lambda connection: index.select(connection, **narrow, topic="kites"))
        assert found == [clip]
        query = f"SELECT * FROM artifact WHERE {index.TOPIC} = 'kites' AND trashed_at IS NULL"
        ordered = f"EXPLAIN QUERY PLAN {query} ORDER BY created_at DESC, filename DESC"
        plan = await database.read(lambda connection: [row[3] for row in connection.execute(ordered)])
        assert plan == ["SEARCH artifact USING INDEX artifact_by_topic (<expr>=?)"]

    with_database(path, before, steps=released()[:1])
    assert version(path) == 1
    with_database(path, after)
    assert version(path) == NEWEST


def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "ima2.db"
    make(path)
    broken = Migration(NEWEST + 2, "CREATE TABLE third (n); INSERT INTO nowhere VALUES (1);")
    failure(path, steps=[*released(), NEXT, broken])
    assert version(path) == NEWEST
    with contextlib.closing(sqlite3.connect(path)) as connection:
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    assert not tables & {"extra", "third"}
    make(path)
    assert names(path) == ["first", "first"]


def test_a_process_killed_while_it_migrates_leaves_the_old_version(tmp_path: Path) -> None:
    path = tmp_path / "ima2.db"
    make(path)
    process = start(SLOW_MIGRATION, path)
    while not backup_path(path, NEWEST).exists() or not path.with_name("ima2.db-wal").exists():
        assert process.poll() is None, process.communicate()[1]
    process.kill()
    process.communicate()
    assert version(path) == NEWEST
    with_database(path, _nothing, steps=[*released(), NEXT])
    assert version(path) == NEWEST + 1
    assert names(path) == ["first"]


async def _nothing(_: Database) -> None:
    """Open and close are the test."""


def test_many_processes_migrate_once(tmp_path: Path) -> None:
    path = tmp_path / "ima2.db"
    make(path)
    script = (
        "import asyncio, sys\nfrom pathlib import Path\nfrom ima2.storage.database import Database\n"
        "from ima2.storage.migrate import Migration, released\n"
        f"after = Migration({NEXT.version}, {NEXT.sql!r})\n"
        "asyncio.run(Database.open(Path(sys.argv[1]), steps=[*released(), after]))"
    )
    for process in [start(script, path) for _ in range(6)]:
        err = process.communicate()[1]
        assert process.returncode == 0, err
    assert version(path) == NEWEST + 1


def test_a_script_is_cut_at_its_statements_only() -> None:
    script = """
    -- a remark; with a semicolon
    CREATE TABLE a (t TEXT DEFAULT ';');
    /* another; one */ INSERT INTO a VALUES ('x;y'';');
    CREATE TRIGGER b AFTER INSERT ON a BEGIN DELETE FROM a; INSERT INTO a VALUES ('z'); END;
    SELECT 1
    """
    cut = list(statements(script))
    assert [statement.split()[-1] for statement in cut] == ["';');", "('x;y'';');", "END;", "1"]
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        for statement in cut:
            connection.execute(statement)


def test_the_released_steps_are_numbered_without_a_gap() -> None:
    assert [step.version for step in released()] == list(range(1, len(released()) + 1))


def test_work_that_raises_leaves_nothing(tmp_path: Path) -> None:
    def work(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO event (job_id, name, data, at) VALUES ('x', 'phase', '{}', 1)")
        raise LookupError("on purpose")

    async def scenario(database: Database) -> None:
        with pytest.raises(LookupError):
            await database.write(work)
        assert await SqliteLedger(database).events() == []
        await SqliteLedger(database).append("y", "phase", {})

    with_database(tmp_path / "ima2.db", scenario)


def test_a_reader_can_not_write(tmp_path: Path) -> None:
    async def scenario(database: Database) -> None:
        with pytest.raises(StorageFailed):
            await database.read(lambda connection: connection.execute("DELETE FROM event"))

    with_database(tmp_path / "ima2.db", scenario)


def test_many_readers_run_beside_a_writer(tmp_path: Path) -> None:
    async def scenario(database: Database) -> None:
        ledger = SqliteLedger(database)
        tasks = [ledger.append("job", "progress", {"n": n}) if n % 3 else ledger.events() for n in range(90)]
        await asyncio.gather(*tasks)
        assert len(await ledger.events()) == 60

    with_database(tmp_path / "ima2.db", scenario)


def test_closing_twice_is_closing_once(tmp_path: Path) -> None:
    async def scenario(database: Database) -> None:
        await database.close()
        with pytest.raises(RuntimeError):
            await SqliteLedger(database).append("late", "phase", {})

    with_database(tmp_path / "ima2.db", scenario)
    assert not (tmp_path / "ima2.db-wal").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX")
def test_others_can_not_read_it(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        make(tmp_path / "data" / "ima2.db")
    finally:
        os.umask(before)
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "data" / "ima2.db").stat().st_mode & 0o777 == 0o600
