"""A bridge in a process of its own: tells its port, then its memory whenever it is asked by a line.

``python bridge_process.py UPSTREAM``
"""

from __future__ import annotations

import asyncio
import resource
import sys
from pathlib import Path

from core.bridge.crossing import Credential, spec
from ima2.upstream.bridge import Bridge
from ima2.upstream.client import make_client

STATUS = Path("/proc/self/status")


def peak() -> int:
    """The most memory this process ever had, in bytes.

    On Linux ``ru_maxrss`` begins with that of the process it was started from, which hides any growth below it.
    """
    if STATUS.exists():
        line = next(line for line in STATUS.read_text("utf-8").splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


async def main(upstream: str) -> None:
    async with make_client() as client, Bridge(spec(f"{upstream}/v1", Credential()), client) as bridge:
        print(bridge.port, flush=True)
        while await asyncio.to_thread(sys.stdin.readline):
            print(peak(), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
