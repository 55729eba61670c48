"""Run as a process: makes one clip and dies at a chosen point, again and again, then comes back to finish.

``clip_crash_child.py FOLDER``: forks a child for every point there is; prints one line of JSON for each,
``{point, killed, state, code, submits, files}``. Points are those of :class:`ClipProvider`, each statement that
changes the ledger, and each time a file gets its name.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from clip_service import ClipProvider, Service
from ima2.kernel.opening import open_studio

PLACES = ("sending", "posted", "submitted", "progress", "download", "media")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_at_statement(number: int) -> threading.Event:
    """Before the n-th statement of the thread that writes; a profiler sees SQLite being called. Counts once set."""
    count, counting = itertools.count(1), threading.Event()

    def profile(_frame: Any, event: str, function: Any) -> None:
        if event != "c_call" or not counting.is_set() or getattr(function, "__name__", "") != "execute":
            return
        if threading.current_thread().name.startswith("ima2-write") and next(count) == number:
            die()

    threading.setprofile(profile)
    return counting


def die_at_name(number: int) -> None:
    """Before the n-th file gets its name, by link or by rename."""
    count = itertools.count(1)

    def hook(event: str, _arguments: Any) -> None:
        if event in ("os.rename", "os.link") and next(count) == number:
            die()

    sys.addaudithook(hook)


def env(folder: Path) -> dict[str, str]:
    return {"IMA2_CONFIG_DIR": str(folder / "house"), "IMA2_PLUGINS": "off"}


async def submit(folder: Path, kind: str, value: str) -> None:
    provider = ClipProvider(Service(folder / "service"), {value: die} if kind == "place" else None)
    counting = die_at_statement(int(value)) if kind == "statement" else threading.Event()
    async with open_studio(env(folder), plugins={"film": provider}) as studio:
        if kind == "name":
            die_at_name(int(value))
        counting.set()
        await studio.submit({"prompt": "x", "provider": "film", "requestId": "job"}, surface="video")
        await studio.wait("job")


async def recover(folder: Path, point: str, killed: bool) -> None:
    """The engine takes the job up by itself, as a server does when it starts."""
    service = Service(folder / "service")
    async with open_studio(env(folder), plugins={"film": ClipProvider(service)}, engine=True) as studio:
        job = await studio.wait("job") if await studio.ledger.job("job") else None
        files = sorted(path.name for path in studio.paths.generated.glob("[!.]*.mp4"))
        listed = [artifact.filename for artifact in await studio.store.artifacts()]
        assert files == listed
    told = {
        "point": point,
        "killed": killed,
        "state": job and job.state,
        "code": job and job.error and job.error["code"],
    }
    print(json.dumps({**told, "submits": len(service.submits), "files": len(files)}), flush=True)


def forked(work: Callable[[], Any]) -> int:
    """Run in a child that shares what is imported already; its wait status."""
    child = os.fork()
    if child == 0:
        try:
            asyncio.run(work())
        except BaseException:
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1]


def killed_at(folder: Path, kind: str, value: str) -> bool:
    """Make and recover; False when the point was never reached."""
    killed = os.WIFSIGNALED(forked(lambda: submit(folder, kind, value)))
    assert forked(lambda: recover(folder, f"{kind}:{value}", killed)) == 0
    return killed


def main(folder: Path) -> None:
    for place in PLACES:
        killed_at(folder / place, "place", place)
    for kind in ("name", "statement"):
        for number in itertools.count(1):
            if not killed_at(folder / f"{kind}{number}", kind, str(number)):
                break


if __name__ == "__main__":
    main(Path(sys.argv[1]))
