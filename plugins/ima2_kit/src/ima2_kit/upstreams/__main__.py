"""``python -m ima2_kit.upstreams --script FILE``: prints its base address, then answers until it is ended.

``GET /_log`` gives the requests received so far as JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from ima2_kit.upstreams import chatgpt
from ima2_kit.upstreams.script import load
from ima2_kit.upstreams.server import ScriptedUpstream

REFUSING = {"chatgpt": chatgpt.refuse}


async def serve(script: Path, port: int, refusing: str | None = None) -> None:
    """Answer as the script says until the task is cancelled."""
    upstream = ScriptedUpstream(load(script), refuse=REFUSING.get(refusing or ""))
    await upstream.start(port)
    try:
        sys.stdout.write(upstream.url + "\n")
        sys.stdout.flush()
        await asyncio.Event().wait()
    finally:
        await upstream.stop()


def main() -> None:
    """Parse the arguments and serve."""
    parser = argparse.ArgumentParser(prog="python -m ima2_kit.upstreams", description="A scripted service.")
    parser.add_argument("--script", type=Path, required=True, help="JSON file of answers by route")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--as", dest="refusing", choices=sorted(REFUSING), help="refuse what this service refuses")
    arguments = parser.parse_args()
    try:
        asyncio.run(serve(arguments.script, arguments.port, arguments.refusing))
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
