"""Commands that are typed often, or by a shell at each tab, start fast: they import nothing heavy."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

HEAVY = ("aiohttp", "httpx", "pydantic", "PIL", "rich")
PROBE = f"""
import sys
from ima2.cli.main import run
code = run(sys.argv[1:])
print("HEAVY", [name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)
sys.exit(code)
"""
COMPLETE = "import sys\nfrom ima2.cli.main import main\ntry:\n    main()\nfinally:\n" + (
    f"    print('HEAVY', [n for n in {HEAVY!r} if n in sys.modules], file=sys.stderr)\n"
)


def _probe(cli: Any, script: str, *args: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script, *args],
        env={**cli.env, **env},
        cwd=cli.home,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    "line",
    [
        "--version",
        "-v",
        "gen -v",
        "--help",
        "gen --help",
        "edit --help",
        "serve --help",
        "login --help",
        "jobs --help",
        "plugins",
        "plugins --json",
        "config path",
        "config ls",
        "config ls --show-origin",
        "config keys",
        "config get server.port",
        "defaults ls",
        "completion bash",
        "completion zsh",
        "completion fish",
    ],
)
def test_imports_nothing_heavy(cli: Any, line: str) -> None:
    probed = _probe(cli, PROBE, *line.split())
    assert probed.returncode == 0, probed.stderr
    assert "HEAVY []" in probed.stderr


@pytest.mark.parametrize(("words", "expected"), [("ima2 pro", "providers"), ("ima2 gen --provider sk", "sketch")])
def test_completing_imports_nothing_heavy(cli: Any, words: str, expected: str) -> None:
    env = {"_IMA2_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    probed = _probe(cli, COMPLETE, **env)
    assert expected in probed.stdout, probed.stderr
    assert "HEAVY []" in probed.stderr


@pytest.mark.parametrize("line", ["--version", "--help", "gen --help", "config path", "plugins", "completion fish"])
def test_leaves_nothing_behind(cli: Any, line: str) -> None:
    assert cli(*line.split()).code == 0
    assert list(cli.home.iterdir()) == []


def test_a_plugin_that_fails_costs_no_help(cli: Any, tmp_path: Any) -> None:
    site = tmp_path / "site"
    (site / "broken-1.0.dist-info").mkdir(parents=True)
    (site / "broken-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (site / "broken-1.0.dist-info" / "entry_points.txt").write_text("[ima2]\nbroken = broken_plugin\n")
    (site / "broken_plugin.py").write_text("raise RuntimeError('out of order')\n")
    env = {"PYTHONPATH": str(site)}
    shown = cli("gen", "--help", env=env)
    assert shown.code == 0
    assert "--delay" in shown.out
    assert shown.err == ""
    listed = {each["name"]: each for each in cli("plugins", "--json", env=env).json["plugins"]}
    assert listed["broken"]["state"] == "failed"
    assert listed["broken"]["error"]
    assert listed["sketch"]["state"] == "loaded"
