"""What is said when something went wrong or was left out: the fault, the money, the files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ima2.cli.failure import report
from ima2.errors import UpstreamError


@pytest.mark.parametrize(
    "args", [("ls",), ("gen", "kite", "--provider", "sketch"), ("serve", "--port", "0"), ("repair",)]
)
def test_a_data_folder_that_is_none_is_named(cli: Any, args: tuple[str, ...]) -> None:
    place = cli.home / "no-folder"
    place.write_text("a file")
    outcome = cli(*args, env={"IMA2_CONFIG_DIR": str(place)})
    assert outcome.code != 0
    assert str(place) in outcome.err
    assert "can't be written" in outcome.err
    assert "IMA2_CONFIG_DIR" in outcome.err


def test_a_setting_that_cannot_be_kept_names_the_place(cli: Any) -> None:
    place = cli.home / "no-folder"
    place.write_text("a file")
    outcome = cli("config", "set", "server.port", "4444", env={"IMA2_CONFIG_DIR": str(place)})
    assert outcome.code == 1
    assert str(place) in outcome.err
    assert "should not" not in outcome.err


@pytest.mark.parametrize(
    ("paid", "said"),
    [("no", []), ("maybe", ["Paid: maybe"]), ("yes", ["Paid: yes (the request was answered)"])],
)
def test_a_failure_says_whether_it_was_paid(capsys: Any, paid: Any, said: list[str]) -> None:
    report(UpstreamError("cut", paid=paid), as_json=False)
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("Paid")]
    assert [line.startswith(start) for line, start in zip(lines, said, strict=True)] == [True] * len(said)


@pytest.mark.parametrize("failure", ["before", "empty"])
def test_what_is_free_is_never_called_paid(cli: Any, failure: str) -> None:
    assert "Paid" not in cli.sketch("kite", "--fail", failure).err


def test_what_was_left_out_is_not_recorded_as_used(cli: Any) -> None:
    answer = cli.sketch("kite", "--reasoning-effort", "high", "-q", "high", "--json").json
    assert {warning["field"] for warning in answer["warnings"]} == {"reasoningEffort", "quality"}
    row = cli("show", answer["filename"], "--json").json
    job = cli("jobs", "show", answer["requestId"], "--json").json
    for record in (answer, row, job["request"]):
        assert (record["reasoningEffort"], record["quality"]) == (None, None)
    assert "reasoning_effort" not in job["plan"]["calls"][0]["parameters"]


def test_repair_counts_and_names_what_it_indexed(cli: Any) -> None:
    name = cli.sketch("kite", "--json").json["filename"]
    (cli.home / "ima2" / "ima2.db").unlink()
    assert f"indexed: 1 ({name})" in cli("repair").out.splitlines()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_a_full_disk_behind_stdout(cli: Any, flags: tuple[str, ...]) -> None:
    cli.sketch("kite")
    line = [sys.executable, "-m", "ima2", "ls", *flags]
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(line, stdout=full, stderr=subprocess.PIPE, env=cli.env, cwd=cli.home, check=False)
    said = ended.stderr.decode()
    assert ended.returncode == 1
    assert "stdout can't be written" in said
    assert "Traceback" not in said
