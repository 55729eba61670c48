"""SIGKILL with real processes: nothing is paid twice, nothing is torn, every job comes to a true end."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ima2.kernel.opening import open_studio
from ima2.kernel.studio import Studio
from ima2.models import Artifact, Job

TESTS = Path(__file__).parents[2]
CHILD = Path(__file__).with_name("crash_child.py")
Env = dict[str, str]


@pytest.fixture
def house(env: Env, tmp_path: Path) -> Env:
    return {**env, "SENDS": str(tmp_path / "sends")}


def child(house: Env, *arguments: str) -> int:
    environment = {**os.environ, **house, "PYTHONPATH": str(TESTS)}
    return subprocess.run([sys.executable, CHILD, *arguments], env=environment, timeout=60, check=False).returncode


def sends(house: Env) -> int:
    path = Path(house["SENDS"])
    return len(path.read_text().splitlines()) if path.exists() else 0


def aftermath(house: Env) -> tuple[Job | None, list[Artifact], list[str]]:
    async def look(studio: Studio) -> tuple[Job | None, list[Artifact], list[str]]:
        artifacts = await studio.store.artifacts()
        for artifact in artifacts:
            content = (studio.paths.generated / artifact.filename).read_bytes()
            assert hashlib.sha256(content).hexdigest() == artifact.sha256
        names = sorted(path.name for path in studio.paths.generated.glob("[!.]*") if "thumb" not in path.name)
        return await studio.ledger.job("job"), artifacts, names

    async def main() -> tuple[Job | None, list[Artifact], list[str]]:
        async with open_studio(house) as studio:
            return await look(studio)

    return asyncio.run(main())


@pytest.mark.parametrize("point", ["wait", "submitted", "stream"])
def test_killed_after_the_paid_request_left(house: Env, point: str) -> None:
    assert child(house, "submit", point) == -9
    assert child(house, "recover") == 0
    job, artifacts, names = aftermath(house)
    assert job is not None
    assert job.state == "unknown"
    assert job.error is not None
    assert job.error["paid"] == "maybe"
    assert "ima2 jobs retry job" in job.error["hint"]
    assert (sends(house), artifacts, names) == (1, [], [])


@pytest.mark.parametrize("point", ["wait", "stream"])
def test_a_free_call_is_simply_run_again(house: Env, point: str) -> None:
    house = {**house, "BILLING": "free"}
    assert child(house, "submit", point) == -9
    assert child(house, "recover") == 0
    job, artifacts, _ = aftermath(house)
    assert job is not None
    assert (job.state, len(artifacts)) == ("done", 1)


def test_killed_before_each_rename(house: Env, tmp_path: Path) -> None:
    """Between spool and store, between file and sidecar, between file and row: whichever rename never happened."""
    died = 0
    for number in range(1, 40):
        here = {**house, "IMA2_CONFIG_DIR": str(tmp_path / f"house{number}"), "SENDS": str(tmp_path / f"sends{number}")}
        if child(here, "submit", f"rename:{number}") == 0:
            break
        died += 1
        assert child(here, "recover") == 0
        job, artifacts, names = aftermath(here)
        assert job is not None
        assert (job.state, sends(here), len(artifacts)) == ("done", 1, 1)
        assert names == [artifacts[0].filename, f"{artifacts[0].filename}.json"]
    assert died >= 2


def test_two_processes_do_not_adopt_the_same_job(house: Env) -> None:
    assert child({**house, "BILLING": "free"}, "submit", "wait") == -9
    environment = {**os.environ, **house, "BILLING": "free", "PYTHONPATH": str(TESTS)}
    both = [subprocess.Popen([sys.executable, CHILD, "recover"], env=environment, stderr=-3) for _ in range(2)]
    codes = sorted(process.wait(60) for process in both)
    job, artifacts, _ = aftermath(house)
    assert codes[0] == 0
    assert job is not None
    assert (job.state, len(artifacts), sends(house)) == ("done", 1, 2)


def test_the_users_answer_to_unknown(house: Env) -> None:
    from fakes import FakeProvider

    child(house, "submit", "stream")
    child(house, "recover")

    async def main() -> None:
        async with open_studio(house, plugins={"fake": FakeProvider()}) as studio:
            await studio.retry("job")
            job = await studio.wait("job")
            assert (job.state, job.error) == ("done", None)
            assert (await studio.answer(job))["count"] == 1

    asyncio.run(main())


def test_giving_up_an_unknown_job(house: Env) -> None:
    from fakes import FakeProvider

    child(house, "submit", "stream")
    child(house, "recover")

    async def main() -> None:
        async with open_studio(house, plugins={"fake": FakeProvider()}) as studio:
            job = await studio.drop("job")
            assert (job.state, job.error and job.error["code"]) == ("failed", "JOB_DROPPED")
            assert not studio.contexts.job_spool("job").exists()

    asyncio.run(main())
