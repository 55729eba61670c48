"""Run as a process: submits one job and dies at a chosen point, or comes back and finishes what is there.

``crash_child.py submit POINT`` | ``crash_child.py recover``; the house is ``IMA2_CONFIG_DIR``, every paid send is a
line in ``SENDS``. ``POINT`` is ``never``, ``wait``, ``stream``, or ``rename:N`` (before the N-th rename of a file).
"""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import sys
from pathlib import Path
from typing import Any

from fakes import STREAM, FakeProvider, png
from ima2.kernel.opening import open_studio
from ima2.models import Sending, Submitted

SCRIPTS: dict[str, list[Any]] = {
    "wait": [Sending(), "die"],
    "submitted": [Sending(), Submitted(upstream_id="up"), "die"],
    "stream": [*STREAM, "die"],
}


def die_before_rename(number: int) -> None:
    """The n-th rename of this process never happens. An audit hook sees it before the kernel of the system does."""
    count = itertools.count(1)

    def hook(event: str, arguments: Any) -> None:
        if event == "os.rename" and next(count) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def provider(point: str) -> FakeProvider:
    script = SCRIPTS.get(point, [*STREAM, png()])
    return FakeProvider(script, sends=Path(os.environ["SENDS"]), billing=os.environ.get("BILLING", "metered"))


async def submit(point: str) -> None:
    async with open_studio(plugins={"fake": provider(point)}) as studio:
        kind, _, number = point.partition(":")
        if kind == "rename":
            die_before_rename(int(number))
        accepted = await studio.submit({"prompt": "x", "provider": "fake", "requestId": "job"})
        await studio.wait(accepted.job.id)


async def recover() -> None:
    async with open_studio(plugins={"fake": provider("never")}, engine=True) as studio:
        if await studio.ledger.job("job"):
            await studio.wait("job")


if __name__ == "__main__":
    asyncio.run(submit(sys.argv[2]) if sys.argv[1] == "submit" else recover())
