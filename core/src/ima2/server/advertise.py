"""``server.json``: how clients on this machine find the server."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ima2
from ima2.server.keys import Runtime
from ima2.settings.atomic import write_atomic
from ima2.settings.paths import Paths

log = logging.getLogger("ima2.server")


def server_files(paths: Paths, env: Mapping[str, str]) -> tuple[Path, ...]:
    """Our own place, and an existing ``~/.ima2``, where older clients look unless one folder was named for all."""
    older = Path.home() / ".ima2"
    if env.get("IMA2_CONFIG_DIR") or not older.is_dir():
        return (paths.server_file,)
    return (paths.server_file, older / "server.json")


def advertisement(runtime: Runtime) -> dict[str, Any]:
    """What the file says."""
    return {
        "port": runtime.port,
        "url": runtime.url,
        "pid": os.getpid(),
        "startedAt": runtime.started_at,
        "version": ima2.__version__,
        **runtime.to_dict(),
    }


@contextmanager
def advertised(runtime: Runtime, files: tuple[Path, ...]) -> Iterator[None]:
    """Write the files for as long as the server runs; at the end remove those that are still ours."""
    content = json.dumps(advertisement(runtime), indent=2).encode()
    for path in files:
        try:
            write_atomic(path, content)
        except OSError as error:
            log.warning("%s can't be written (%s); clients need IMA2_SERVER=%s", path, error.strerror, runtime.url)
    try:
        yield
    finally:
        for path in files:
            if (read(path) or {}).get("pid") == os.getpid():
                path.unlink(missing_ok=True)


def read(path: Path) -> dict[str, Any] | None:
    """What a file says; None when there is none, or nothing that can be understood."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
