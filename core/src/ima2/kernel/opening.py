"""Opening the house: every part made once, in order, and closed in reverse."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from ima2.errors import Conflict
from ima2.kernel.clock import SystemClock
from ima2.kernel.jobs.bus import EventBus
from ima2.kernel.jobs.context import Contexts
from ima2.kernel.jobs.parts import Parts
from ima2.kernel.jobs.process import EngineLock, Process
from ima2.kernel.jobs.runner import Runner
from ima2.kernel.plugins.dispatch import Dispatcher
from ima2.kernel.plugins.host import PluginHost
from ima2.kernel.plugins.observers import Observers
from ima2.kernel.requests.catalogue import Catalogues
from ima2.kernel.requests.resolve import Resolver
from ima2.kernel.studio import Studio
from ima2.settings.config import ConfigFile
from ima2.settings.paths import Paths
from ima2.settings.values import SettingsView
from ima2.storage.artifacts import FileArtifactStore
from ima2.storage.ledger import SqliteLedger
from ima2.upstream.client import make_client


@asynccontextmanager
async def open_studio(
    env: Mapping[str, str] | None = None,
    *,
    plugins: Mapping[str, object] | None = None,
    engine: bool = False,
) -> AsyncIterator[Studio]:
    """Open the house; closing it leaves unfinished jobs to be resumed.

    :param plugins: plugin objects to register beside the installed ones (tests, embedding).
    :param engine: be the one process of this data directory that adopts orphans. ``Conflict("SERVER_RUNNING")``.
    """
    env = os.environ if env is None else env
    paths = Paths.from_env(env)
    async with AsyncExitStack() as stack:
        if engine:
            _take_engine(paths, stack)
        studio = await _build(paths, env, plugins or {}, stack)
        if engine:
            watch = asyncio.create_task(studio.runner.watch(), name="orphan watch")
            stack.callback(watch.cancel)
        yield studio


def _take_engine(paths: Paths, stack: AsyncExitStack) -> None:
    lock = EngineLock(paths.data)
    if not lock.acquire():
        raise Conflict(f"A server already runs on {paths.data}.", code="SERVER_RUNNING", hint="ima2 ping")
    stack.callback(lock.release)


async def _build(paths: Paths, env: Mapping[str, str], plugins: Mapping[str, object], stack: AsyncExitStack) -> Studio:
    clock = SystemClock()
    view = SettingsView(ConfigFile(paths.config_file), env)
    host = PluginHost.load(env, extra=plugins)
    dispatcher = Dispatcher(host)
    process = stack.enter_context(Process(paths.processes))
    ledger = await SqliteLedger.open(paths.database)
    stack.push_async_callback(ledger.close)
    paths.generated.mkdir(parents=True, exist_ok=True)
    store = FileArtifactStore.for_paths(paths, ledger.database)
    stack.push_async_callback(store.close)
    client = await stack.enter_async_context(make_client())
    observers = Observers(dispatcher)
    stack.push_async_callback(observers.aclose)
    bus = EventBus(ledger, observers)
    await bus.start()
    stack.push_async_callback(bus.stop)
    catalogues = Catalogues(paths.catalogues, clock)
    contexts = Contexts(paths, view, client, store, clock, catalogues=catalogues)
    parts = Parts(ledger, store, dispatcher, bus, contexts, observers, clock, process.id)
    runner = Runner(parts, process, view.limit_parallel())
    stack.push_async_callback(runner.stop, 0)
    return Studio(
        paths,
        view,
        host,
        dispatcher,
        ledger,
        store,
        bus,
        Resolver(dispatcher, catalogues, view, contexts),
        catalogues,
        contexts,
        runner,
        process,
        parts,
    )
