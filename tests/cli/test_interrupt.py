"""Ctrl+C: a real signal to a real process."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a process can't be sent Ctrl+C there")
LINE = ("gen", "kite", "--provider", "sketch", "--size", "64x64", "--delay", "30", "--verbose")


def _until(process: Any, words: bytes) -> None:
    while words not in (line := process.stderr.readline()):
        assert line, "the command ended early"


@pytest.mark.parametrize("with_server", [False, True])
def test_the_job_is_cancelled(cli: Any, serve: Any, with_server: bool) -> None:
    if with_server:
        with serve():
            _interrupt_and_look(cli)
    else:
        _interrupt_and_look(cli)


def _interrupt_and_look(cli: Any) -> None:
    process = cli.start(*LINE, "--json")
    _until(process, b"progress: 25%")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    answer = json.loads(out)
    assert (answer["ok"], answer["code"]) == (False, "GENERATION_CANCELED")
    assert answer["error"].startswith("Interrupted. ")
    assert f"✗ {answer['error']}".encode() in err
    job = cli("jobs", "show", answer["requestId"], "--json").json
    assert job["state"] == "cancelled"
    assert cli("ps", "--json").json == {"jobs": []}
    assert cli.gallery == []


def test_what_came_before_is_kept(cli: Any) -> None:
    """Two pictures at once and twenty to make: whatever was stored stays, and is named."""
    process = cli.start(*LINE[:6], "--delay", "0.2", "-n", "20", "--verbose", "--json")
    _until(process, b"phase: stored")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    kept = json.loads(out)["kept"]
    assert sorted(kept) == [path.name for path in cli.gallery]
    assert 0 < len(kept) < 20
    assert all(f"Kept: {name}".encode() in err for name in kept)


def test_a_second_one_leaves_at_once(cli: Any) -> None:
    process = cli.start(*LINE)
    _until(process, b"progress: 25%")
    process.send_signal(signal.SIGINT)
    _until(process, b"Stopping the job")
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130


def test_while_typing_nothing_runs(cli: Any) -> None:
    process = cli.start("gen", "-", "--provider", "sketch", stdin=-1)
    # Without a byte on stdin the command waits; /proc tells when Python got that far.
    _wait_until_reading(process.pid)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    assert process.stderr.read().strip() == b"Interrupted."
    assert not (cli.home / "ima2").exists()


def _wait_until_reading(pid: int) -> None:
    import time

    stack = Path(f"/proc/{pid}/wchan")
    for _ in range(600):
        if not stack.exists() or "pipe" in stack.read_text():
            break
        time.sleep(0.05)


def test_a_killed_command_leaves_its_job_to_the_next(cli: Any) -> None:
    process = cli.start(*LINE[:6], "--delay", "2", "--verbose")
    _until(process, b"progress: 25%")
    process.kill()
    process.communicate()
    job = cli("jobs", "ls", "--json").json["jobs"][0]
    assert job["state"] == "running"
    resumed = cli("jobs", "resume", job["id"], "--json")
    assert resumed.code == 0, resumed.err
    assert resumed.json["state"] == "done"
    assert resumed.json["filenames"] == [cli.gallery[0].name]
    assert cli("jobs", "resume", job["id"], "--json").json["code"] == "JOB_NOT_INTERRUPTED"


def test_one_process_cancels_the_job_of_another(cli: Any) -> None:
    process = cli.start(*LINE, "--json")
    _until(process, b"progress: 25%")
    job_id = cli("ps", "--json").json["jobs"][0]["requestId"]
    said = cli("cancel", job_id, "--json").json
    assert (said["ok"], said["active"], said["aborted"]) == (True, True, True)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 8
    assert json.loads(out)["code"] == "GENERATION_CANCELED"


def test_the_server_goes_and_the_job_is_told_about(cli: Any, serve: Any) -> None:
    server = cli.start("serve", "--port", "0", "--json")
    url = json.loads(server.stdout.readline())["url"]
    process = cli.start(*LINE, "--json")
    _until(process, b"progress: 25%")
    os.kill(server.pid, signal.SIGKILL)
    server.communicate()
    out, err = process.communicate(timeout=100)
    answer = json.loads(out)
    assert (answer["code"], process.returncode) == ("SERVER_UNREACHABLE", 3), err
    assert url in answer["error"]
    assert answer["requestId"] in answer["hint"]
    assert cli("jobs", "show", answer["requestId"], "--json").json["state"] == "running"
