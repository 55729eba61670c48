"""Two hundred clips under way in one process: what it costs to ask after them, against asking without ima2.

``python benchmarks/polling.py``. The floor, in a process of its own, is as many tasks that only ``GET``, parse
and wait at the same pace; one stand-in answers both. Prints CPU for each question, memory for each clip, and their
ratios. What has to be loaded for the first clip is part of the memory.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from ima2_kit.upstreams import xai, xai_video

WINDOW = 15.0
"""Seconds that are measured, once all clips are under way."""
INTERVAL = 1.0
SETTLED = 3.0
"""Seconds left out before it."""


def script(folder: Path, count: int) -> Path:
    """Orders with ``count`` ids, and polls that never end."""
    routes: dict[str, list[dict[str, Any]]] = {
        xai.SEARCH: [{"json": xai.searched(), "repeat": True}],
        xai.PLAN: [{"json": xai.planned(xai_video.PROMPT, name="generate_video"), "repeat": True}],
        xai_video.ORDER: [{"json": {"request_id": f"clip-{number}"}} for number in range(count)],
    }
    for number in range(count):
        pending = {"status": "pending", "progress": 1}
        routes[f"GET /v1/videos/clip-{number}"] = [{"json": pending, "status": 202, "repeat": True}]
    path = folder / "script.json"
    path.write_text(json.dumps({"routes": routes}))
    return path


class Meter:
    """CPU seconds, questions and peak memory of this process."""

    def __init__(self) -> None:
        self.questions = 0
        self.before = _memory()

    async def count(self, response: httpx.Response) -> None:
        self.questions += "/videos/" in response.url.path

    async def measure(self) -> dict[str, float]:
        await asyncio.sleep(SETTLED)
        questions, cpu = self.questions, time.process_time()
        await asyncio.sleep(WINDOW)
        asked, spent = self.questions - questions, time.process_time() - cpu
        return {"questions": asked, "cpu": spent, "memory": _memory() - self.before}


def _memory() -> float:
    """Peak resident set in KiB; macOS counts bytes, Windows has no such count."""
    try:
        import resource
    except ImportError:
        return float("nan")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1024 if sys.platform == "darwin" else peak


async def floor(url: str, count: int) -> dict[str, float]:
    """As little as asking can cost."""
    from ima2.upstream.client import make_client

    async with make_client() as client:
        meter = Meter()
        client.event_hooks = {"response": [meter.count]}

        async def follow(number: int) -> None:
            while True:
                json.loads((await client.get(f"{url}/v1/videos/clip-{number}")).content)
                await asyncio.sleep(INTERVAL)

        tasks = [asyncio.create_task(follow(number)) for number in range(count)]
        measured = await meter.measure()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return measured


async def house(url: str, count: int) -> dict[str, float]:
    """The whole path: jobs in the ledger, ordered, and followed by their ids."""
    async with studio(url, count) as opened:
        meter, under_way = Meter(), 0
        async with opened.contexts.outside_job(opened.host.provider("grok")) as context:
            context.client.event_hooks = {"response": [meter.count]}
        for number in range(count):
            await opened.submit({"prompt": f"kite {number}", "provider": "grok"}, surface="video")
        async for event in opened.bus.subscribe(after=0):
            under_way += event.name == "submitted"
            if under_way == count:
                break
        return await meter.measure()


@asynccontextmanager
async def studio(url: str, count: int) -> AsyncIterator[Any]:
    from ima2.kernel.opening import open_studio

    from ima2_grok import plugin

    with tempfile.TemporaryDirectory() as folder:
        env = {
            "IMA2_CONFIG_DIR": folder,
            "IMA2_PLUGINS": "off",
            "IMA2_MAX_PARALLEL": str(count),
            "IMA2_XAI_BASE_URL": f"{url}/v1",
            "IMA2_GROK_VIDEO_POLL_INTERVAL_MS": str(round(INTERVAL * 1000)),
            "XAI_API_KEY": "xai-bench-0123456789",
        }
        async with open_studio(env, plugins={"grok": plugin}) as opened:
            yield opened


def child(side: str, url: str, count: int) -> dict[str, float]:
    command = [sys.executable, __file__, "--side", side, "--url", url, "--count", str(count)]
    measured: dict[str, float] = json.loads(subprocess.check_output(command))
    return measured


def compare(count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "ima2_kit.upstreams", "--script", str(script(Path(folder), count))]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as service:
            assert service.stdout
            url = service.stdout.readline().strip()
            try:
                sides = {side: child(side, url, count) for side in ("floor", "house")}
            finally:
                service.terminate()
    print(f"{count} clips under way, asked after every {INTERVAL:g} s, for {WINDOW:g} s")
    for side, told in sides.items():
        each = told["cpu"] / told["questions"] * 1000
        share = told["cpu"] / WINDOW * 100
        print(
            f"{side:6} {told['questions']:6.0f} questions   {each:.2f} ms CPU each   {share:.1f} % of a core   "
            f"{told['memory'] / count:.0f} KiB for each clip"
        )
    per = {side: told["cpu"] / told["questions"] for side, told in sides.items()}
    memory = sides["house"]["memory"] / sides["floor"]["memory"]
    print(f"ratio: CPU {per['house'] / per['floor']:.2f}, memory {memory:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--side", choices=("floor", "house"), help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.side is None:
        compare(given.count)
        return
    work = {"floor": floor, "house": house}[given.side]
    print(json.dumps(asyncio.run(work(given.url, given.count))), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
