"""A server process of its own: ``serve_child.py PORT HOST GRACE``; prints its address when it answers."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator

from fakes import FakeProvider, png
from ima2.errors import Ima2Error
from ima2.hookspecs import Context, hookimpl
from ima2.models import Call, CallEvent, Media, Sending
from ima2.server.serve import open_for_serving, serve


class Obedient(FakeProvider):
    """Does what the prompt says: ``slow``, ``hang``, or at once."""

    @hookimpl
    async def ima2_generate_image(self, call: Call, context: Context) -> AsyncIterator[CallEvent]:
        yield Sending()
        await asyncio.sleep({"slow": 1.5, "hang": 3600}.get(call.prompt, 0))
        path = context.spool.new(".png")
        path.write_bytes(png())
        yield Media(path=path)


async def main(port: str, host: str, grace: str) -> None:
    async with open_for_serving(plugins={"fake": Obedient()}) as studio:
        await serve(
            studio, host=host, port=int(port), grace=float(grace), ready=lambda runtime: print(runtime.url, flush=True)
        )


if __name__ == "__main__":
    try:
        asyncio.run(main(*sys.argv[1:]))
    except Ima2Error as error:
        print(error.code, error.message, error.hint, file=sys.stderr)
        sys.exit(error.exit_code)
