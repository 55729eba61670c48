"""A job that was paid for and whose answer nobody saw: only the user decides."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

PLUGIN = """
import asyncio, io, os
from ima2.hookspecs import Capabilities, ModelInfo, ProviderInfo, hookimpl
from ima2.models import Media, Phase, Sending


@hookimpl
def ima2_provider():
    return ProviderInfo(id="meter", title="Meter", models=(ModelInfo(id="m-1", capabilities=Capabilities()),))


@hookimpl
async def ima2_generate_image(call, context):
    yield Sending()
    with open(os.environ["METER"], "a") as meter:
        meter.write("paid\\n")
    yield Phase(name="paid")
    if os.environ.get("METER_HANGS"):
        await asyncio.Event().wait()
    from PIL import Image

    path = context.spool.new(".png")
    Image.new("RGB", (8, 8)).save(path)
    yield Media(path=path)
"""


@pytest.fixture
def meter(cli: Any, tmp_path: Any) -> Mapping[str, str]:
    """A provider that is paid by the call and notes each."""
    site = tmp_path / "site"
    (site / "meter-1.0.dist-info").mkdir(parents=True)
    (site / "meter-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: meter\nVersion: 1.0\n")
    (site / "meter-1.0.dist-info" / "entry_points.txt").write_text("[ima2]\nmeter = meter_plugin\n")
    (site / "meter_plugin.py").write_text(PLUGIN)
    return {
        "PYTHONPATH": str(site),
        "IMA2_DISABLE_PLUGINS": "api,oauth,grok,sketch",
        "METER": str(cli.home / "meter"),
    }


@pytest.fixture
def unknown(cli: Any, meter: Any) -> str:
    """A job whose process was killed after the request had been paid for."""
    env = {**meter, "METER_HANGS": "1"}
    process = cli.start("gen", "kite", "--provider", "meter", "--verbose", env=env)
    while b"phase: paid" not in process.stderr.readline():
        pass
    process.kill()
    process.communicate()
    job_id = cli("jobs", "ls", "--json", env=meter).json["jobs"][0]["id"]
    assert "interrupted" in cli("jobs", "show", job_id, env=meter).out
    resumed = cli("jobs", "resume", job_id, "--json", env=meter)
    assert (resumed.json["code"], resumed.json["paid"]) == ("JOB_UNKNOWN", "maybe")
    assert f"ima2 jobs retry {job_id}" in resumed.json["hint"]
    assert _paid(cli) == 1
    return str(job_id)


def _paid(cli: Any) -> int:
    return len((cli.home / "meter").read_text().splitlines())


def test_it_is_listed_and_asked_about(cli: Any, meter: Any, unknown: str) -> None:
    listed = cli("jobs", "ls", "--state", "unknown", "--json", env=meter).json["jobs"]
    assert [job["id"] for job in listed] == [unknown]
    assert unknown in cli("jobs", "show", unknown, env=meter).out
    assert cli("ps", "--json", env=meter).json["jobs"] == []
    assert "your answer" in cli("doctor", env=meter).out


@pytest.mark.parametrize("with_server", [False, True])
def test_retry_pays_once_more(cli: Any, meter: Any, unknown: str, serve: Any, with_server: bool) -> None:
    if with_server:
        with serve(env=meter):
            retried = cli("jobs", "retry", unknown, "--json", env=meter)
    else:
        retried = cli("jobs", "retry", unknown, "--json", env=meter)
    assert retried.code == 0, retried.err
    assert retried.json["state"] == "done"
    assert retried.json["filenames"] == [path.name for path in cli.gallery]
    assert _paid(cli) == 2
    assert cli("jobs", "retry", unknown, "--json", env=meter).json["code"] == "JOB_NOT_UNKNOWN"
    assert _paid(cli) == 2


def test_drop_pays_nothing(cli: Any, meter: Any, unknown: str) -> None:
    dropped = cli("jobs", "drop", unknown, "--json", env=meter).json
    assert (dropped["state"], dropped["error"]["code"]) == ("failed", "JOB_DROPPED")
    assert "hint" not in dropped["error"], "there is nothing left to answer"
    assert cli("jobs", "retry", unknown, env=meter).code == 5
    assert _paid(cli) == 1
    assert cli.gallery == []


def test_a_server_that_opens_asks_too(cli: Any, meter: Any, serve: Any) -> None:
    env = {**meter, "METER_HANGS": "1"}
    process = cli.start("gen", "kite", "--provider", "meter", "--verbose", env=env)
    while b"phase: paid" not in process.stderr.readline():
        pass
    process.kill()
    process.communicate()
    with serve(env=meter):
        states = {job["state"] for job in cli("jobs", "ls", "--json", env=meter).json["jobs"]}
        for _ in range(50):
            if states == {"unknown"}:
                break
            states = {job["state"] for job in cli("jobs", "ls", "--json", env=meter).json["jobs"]}
    assert states == {"unknown"}
    assert _paid(cli) == 1


def test_interrupted_after_it_was_sent(cli: Any, meter: Any) -> None:
    import signal

    process = cli.start("gen", "kite", "--provider", "meter", "--verbose", "--json", env={**meter, "METER_HANGS": "1"})
    while b"phase: paid" not in process.stderr.readline():
        pass
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "may still charge" in json.loads(out)["error"]
    assert _paid(cli) == 1


def test_all_interrupted_jobs_go_on_without_being_named(cli: Any) -> None:
    for prompt in ("kite", "boat"):
        process = cli.start("gen", prompt, "--provider", "sketch", "--delay", "3", "--verbose")
        while b"phase: generate" not in process.stderr.readline():
            pass
        process.kill()
        process.communicate()
    assert cli("jobs", "ls").out.count("interrupted") == 2
    assert cli("ps").out.count("interrupted") == 2
    resumed = cli("jobs", "resume")
    assert resumed.code == 0, resumed.err
    assert len(cli.gallery) == 2
    assert "No job was interrupted" in cli("jobs", "resume").err
