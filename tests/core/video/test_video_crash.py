"""SIGKILL at every point between submit and done: the clip arrives, one submit was made, one file is stored."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).parents[2]
CHILD = Path(__file__).with_name("clip_crash_child.py")
pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="a child for every point takes fork"),
    pytest.mark.timeout(300),
]

UNKNOWN = ("unknown", "JOB_UNKNOWN", 1, 0)
ARRIVED = ("done", None, 1, 1)
NOTHING = (None, None, 0, 0)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Any, ...]]:
    folder = tmp_path_factory.mktemp("crashes")
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    done = subprocess.run(
        [sys.executable, CHILD, folder], env=environment, capture_output=True, timeout=280, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return {row["point"]: (row["state"], row["code"], row["submits"], row["files"]) for row in rows if row["killed"]}


@pytest.mark.parametrize("point", ["sending", "submitted", "progress", "download", "media"])
def test_killed_while_the_service_works(told: dict[str, Any], point: str) -> None:
    assert told[f"place:{point}"] == ARRIVED


def test_killed_before_the_service_said_its_id(told: dict[str, Any]) -> None:
    """Whether it was charged, nobody here can know: a question, not a second submit."""
    assert told["place:posted"] == UNKNOWN


def test_killed_while_the_file_gets_its_name(told: dict[str, Any]) -> None:
    names = [fate for point, fate in told.items() if point.startswith("name:")]
    assert len(names) >= 2
    assert set(names) == {ARRIVED}


def test_killed_before_each_statement_of_the_ledger(told: dict[str, Any]) -> None:
    """Nothing yet; then it arrives; in the one gap between sending and the id it is a question; then it arrives."""
    fates = [fate for point, fate in told.items() if point.startswith("statement:")]
    assert len(fates) >= 30
    assert set(fates) == {NOTHING, ARRIVED, UNKNOWN}
    changes = [fate for before, fate in zip([None, *fates], fates, strict=False) if fate != before]
    assert changes == [NOTHING, ARRIVED, UNKNOWN, ARRIVED]
