"""Runs the command line as its users do: a process, its streams, its exit status."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import interrupts
import pytest

KEPT = ("PATH", "SYSTEMROOT", "TEMP", "TMP", "LANG", "COVERAGE_PROCESS_START")
SECONDS = 60


@dataclass(frozen=True)
class Outcome:
    code: int
    out_bytes: bytes
    err: str

    @property
    def out(self) -> str:
        return self.out_bytes.decode()

    @property
    def json(self) -> Any:
        """The one line that ``--json`` prints."""
        assert self.out.endswith("\n"), self
        assert self.out.count("\n") == 1, self
        return json.loads(self.out)


@dataclass(frozen=True)
class Cli:
    """``ima2`` in a house of its own."""

    home: Path
    env: Mapping[str, str]

    @property
    def gallery(self) -> list[Path]:
        folder = self.home / "ima2" / "generated"
        return sorted(path for path in folder.glob("*") if path.suffix in {".png", ".jpeg", ".webp", ".mp4"})

    def start(self, *args: str, env: Mapping[str, str] | None = None, **options: Any) -> subprocess.Popen[bytes]:
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        return subprocess.Popen(
            [sys.executable, "-m", "ima2", *args],
            env={**self.env, **(env or {})},
            cwd=self.home,
            preexec_fn=interrupts.heard,  # noqa: PLW1509
            **streams,
        )

    def __call__(self, *args: str, stdin: bytes | None = None, env: Mapping[str, str] | None = None) -> Outcome:
        source = subprocess.DEVNULL if stdin is None else subprocess.PIPE
        process = self.start(*args, env=env, stdin=source)
        out, err = process.communicate(stdin, timeout=SECONDS)
        return Outcome(process.returncode, out, err.decode(errors="replace"))

    def sketch(self, prompt: str, *args: str, **options: Any) -> Outcome:
        return self("gen", prompt, "--provider", "sketch", "--size", "64x64", *args, **options)


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    home = tmp_path / "home"
    home.mkdir()
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return Cli(home, {**kept, "HOME": str(home), "IMA2_CONFIG_DIR": str(home / "ima2"), "PYTHONUTF8": "1"})


@pytest.fixture
def server(cli: Cli) -> Iterator[str]:
    """The address of ``ima2 serve`` in the same house."""
    with serving(cli) as url:
        yield url


@pytest.fixture
def serve(cli: Cli) -> Callable[[], Any]:
    return lambda **options: serving(cli, **options)


class serving:
    """``ima2 serve`` for as long as the block runs."""

    def __init__(self, cli: Cli, *args: str, env: Mapping[str, str] | None = None) -> None:
        self._process = cli.start("serve", "--port", "0", "--json", *args, env=env, stderr=subprocess.DEVNULL)

    def __enter__(self) -> str:
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line, "the server did not start"
        return str(json.loads(line)["url"])

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGINT)
        self._process.communicate(timeout=SECONDS)
