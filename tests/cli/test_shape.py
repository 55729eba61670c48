"""Help, exit codes of the parser, versions, completion."""

from __future__ import annotations

import shutil
import subprocess
from typing import Any

import pytest
from ima2 import __version__


def test_alone_prints_help_and_fails(cli: Any) -> None:
    shown = cli()
    assert shown.code == 1
    assert "Usage: ima2" in shown.out
    assert shown.err == ""


@pytest.mark.parametrize("group", ["history", "jobs", "config"])
def test_a_group_alone_prints_help(cli: Any, group: str) -> None:
    shown = cli(group)
    assert shown.code == 0
    assert f"Usage: ima2 {group}" in shown.out


@pytest.mark.parametrize("line", ["--version", "-v", "ls -v", "config path -v", "gen --version"])
def test_version(cli: Any, line: str) -> None:
    assert (cli(*line.split()).out, cli(*line.split()).code) == (f"{__version__}\n", 0)


@pytest.mark.parametrize(
    "line",
    [
        "nonsense",
        "jobs nonsense",
        "gen x --nonsense",
        "gen x -n 0",
        "gen x -n 25",
        "gen x -n many",
        "gen x --timeout 0",
        "gen x --timeout -3",
        "gen x --compression 101",
        "gen x --partial-images 4",
        "gen x --mode odd",
        "gen x --seed half",
        "gen x --server http://127.0.0.1:1 --local",
        "gen x --delay soon",
        "edit",
        "edit missing.png",
        "completion tcsh",
        "config get",
        "jobs ls --state odd",
    ],
)
def test_bad_usage(cli: Any, line: str) -> None:
    refused = cli(*line.split())
    assert refused.code == 2
    assert refused.out == ""
    assert refused.err.startswith("✗ ")
    assert not (cli.home / "ima2").exists()


def test_bad_usage_as_json(cli: Any) -> None:
    refused = cli("gen", "x", "-n", "99", "--json")
    assert refused.code == 2
    assert refused.json["ok"] is False
    assert refused.json["code"] == "INVALID_USAGE"
    assert refused.json["hint"] == "ima2 gen --help"
    assert "99" in refused.json["error"]
    assert refused.err.startswith("✗ ")


def test_words_after_two_dashes_are_the_prompt(cli: Any) -> None:
    made = cli("gen", "--provider", "sketch", "--dry-run", "--", "--json", "is", "my", "prompt")
    assert made.code == 0
    assert "Nothing was sent." in made.out


def test_gen_is_generate(cli: Any) -> None:
    assert "--delay" in cli("generate", "--help").out
    assert cli("gen", "--help").out.replace("ima2 gen ", "ima2 generate ") == cli("generate", "--help").out


def test_provider_flags_stand_under_the_provider(cli: Any) -> None:
    shown = cli("gen", "--help").out
    own, _, brought = shown.partition("\nSketch:\n")
    assert "--delay" in brought
    assert "--fail" in brought
    assert "--delay" not in own


def test_without_plugins_there_are_no_provider_flags(cli: Any) -> None:
    shown = cli("gen", "--help", env={"IMA2_PLUGINS": "off"})
    assert shown.code == 0
    assert "--delay" not in shown.out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_script(cli: Any, shell: str) -> None:
    script = cli("completion", shell)
    assert script.code == 0
    assert f"{shell}_complete" in script.out
    assert "_IMA2_COMPLETE" in script.out
    if program := shutil.which(shell):
        checked = subprocess.run([program, "-n"], input=script.out_bytes, capture_output=True, check=False)
        assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_completes(cli: Any, shell: str) -> None:
    env = {
        "_IMA2_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": "ima2 comp",
        "COMP_CWORD": "1" if shell != "fish" else "comp",
    }
    assert "completion" in cli(env=env).out


@pytest.mark.parametrize("line", ["--help", "--version", "config keys"])
def test_a_reader_that_leaves_ends_it_quietly(cli: Any, line: str) -> None:
    process = cli.start(*line.split())
    process.stdout.close()
    assert process.wait(60) == 1
    assert process.stderr.read() == b""
