"""Run as a process: ``submit`` makes one clip with provider grok; ``recover`` comes back as an engine does.

With ``DIE_AT_NAME=n`` it is killed before the n-th file gets its name. Prints one line of JSON when it gets to the end.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
import sys
from typing import Any

from ima2.kernel.opening import open_studio
from ima2.kernel.studio import Studio

from ima2_grok import plugin


def die_at_name(number: int) -> None:
    count = itertools.count(1)

    def hook(event: str, _arguments: Any) -> None:
        if event in ("os.rename", "os.link") and next(count) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


async def submit() -> None:
    async with open_studio(plugins={"grok": plugin}) as studio:
        if number := os.environ.get("DIE_AT_NAME"):
            die_at_name(int(number))
        body = {"prompt": "a red kite", "provider": "grok", "requestId": "job"}
        await studio.submit(body, surface="video")
        await told(studio)


async def recover() -> None:
    async with open_studio(plugins={"grok": plugin}, engine=True) as studio:
        await told(studio)


async def told(studio: Studio) -> None:
    job = await studio.wait("job")
    listed = [artifact.filename for artifact in await studio.store.artifacts()]
    files = sorted(path.name for path in studio.paths.generated.glob("[!.]*.mp4"))
    [row] = await studio.ledger.calls("job")
    facts = {"state": job.state, "code": job.error and job.error["code"], "upstream": row.upstream_id}
    print(json.dumps({**facts, "files": files, "listed": listed}), flush=True)


if __name__ == "__main__":
    asyncio.run({"submit": submit, "recover": recover}[sys.argv[1]]())
