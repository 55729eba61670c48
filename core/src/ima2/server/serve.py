"""The running server: bound, advertised, stopped without losing anything."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress

from aiohttp import web

from ima2.errors import Conflict
from ima2.kernel.opening import open_studio
from ima2.kernel.studio import Studio
from ima2.server.advertise import advertised, read, server_files
from ima2.server.app import create_app
from ima2.server.guard.policy import policy_from
from ima2.server.keys import Runtime
from ima2.server.listen import GuardedSite, bind
from ima2.server.services import start_services
from ima2.settings.paths import Paths
from ima2.upstream.sockets import url_of

GRACE_SECONDS = 20.0
"""How long running jobs may go on after the first signal."""
KEEPALIVE_SECONDS = 30.0
SHUTDOWN_SECONDS = 5.0
"""How long answers may take to be finished at the end."""
log = logging.getLogger("ima2.server")


@asynccontextmanager
async def open_for_serving(
    env: Mapping[str, str] | None = None, *, plugins: Mapping[str, object] | None = None
) -> AsyncIterator[Studio]:
    """A studio that adopts the jobs of dead processes: one a data directory.

    :raises Conflict: ``SERVER_RUNNING``, with the address of the first.
    """
    env = os.environ if env is None else env
    async with AsyncExitStack() as stack:
        try:
            studio = await stack.enter_async_context(open_studio(env, plugins=plugins, engine=True))
        except Conflict as error:
            raise _running_already(error, env) from None
        yield studio


async def serve(
    studio: Studio,
    *,
    host: str,
    port: int,
    ready: Callable[[Runtime], None] = lambda _: None,
    grace: float = GRACE_SECONDS,
) -> None:
    """Serve until SIGINT or SIGTERM. Running jobs then have ``grace`` seconds; a second signal ends that at once.

    :param ready: told where, once requests are answered.
    :raises Conflict: ``PORTS_TAKEN``.
    :raises InvalidRequest: ``LAN_TOKEN_REQUIRED``, ``HOST_NOT_OURS``.
    """
    async with running(studio, host=host, port=port) as runtime:
        with _signals() as (stopping, hurry):
            ready(runtime)
            await stopping.wait()
            log.info("stopping; running jobs have %g s", grace)
            drained = asyncio.ensure_future(studio.runner.stop(grace))
            hurried = asyncio.ensure_future(hurry.wait())
            await asyncio.wait({drained, hurried}, return_when=asyncio.FIRST_COMPLETED)
            for task in (drained, hurried):
                task.cancel()
            await asyncio.gather(drained, hurried, return_exceptions=True)


@asynccontextmanager
async def running(studio: Studio, *, host: str, port: int) -> AsyncIterator[Runtime]:
    """A server for as long as the block runs. Raises like :func:`serve`."""
    policy = policy_from(studio.view, host)
    async with AsyncExitStack() as stack:
        listener = bind(host, port)
        stack.callback(listener.close)
        bound = listener.getsockname()[1]
        runtime = Runtime(int(time.time() * 1000), configured_port=port, port=bound, url=url_of(listener))
        runtime.services.update(await start_services(studio, stack))
        runner = make_runner(create_app(studio, policy=policy, runtime=runtime))
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await GuardedSite(runner, listener).start()
        stack.enter_context(advertised(runtime, server_files(studio.paths, studio.view.env)))
        yield runtime


def make_runner(app: web.Application, *, keepalive: float = KEEPALIVE_SECONDS) -> web.AppRunner:
    """A runner with our times; no access log, which would hold what people look at."""
    return web.AppRunner(
        app, access_log=None, handle_signals=False, keepalive_timeout=keepalive, shutdown_timeout=SHUTDOWN_SECONDS
    )


def _running_already(error: Conflict, env: Mapping[str, str]) -> Conflict:
    url = (read(Paths.from_env(env).server_file) or {}).get("url")
    if error.code != "SERVER_RUNNING" or not isinstance(url, str):
        return error
    return Conflict(
        f"A server of this data directory runs already at {url}.",
        code="SERVER_RUNNING",
        hint=f"open {url}",
        details={"url": url},
    )


@contextmanager
def _signals() -> Iterator[tuple[asyncio.Event, asyncio.Event]]:
    """Set by the first signal, and by the second."""
    loop = asyncio.get_running_loop()
    stopping, hurry = asyncio.Event(), asyncio.Event()

    def asked() -> None:
        (hurry if stopping.is_set() else stopping).set()

    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    for each in before:
        try:
            loop.add_signal_handler(each, asked)
        except NotImplementedError:  # Windows
            signal.signal(each, lambda *_: loop.call_soon_threadsafe(asked))
    try:
        yield stopping, hurry
    finally:
        for each, handler in before.items():
            with suppress(NotImplementedError):
                loop.remove_signal_handler(each)
            signal.signal(each, handler)
