"""Foreign exceptions become errors that name a plugin; foreign streams are closed, whatever happens."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager
from typing import Any

from ima2.errors import Ima2Error
from ima2.kernel.plugins.deadline import Overdue
from ima2.kernel.plugins.invocation import Invocation, describe

CLOSE_SECONDS = 10.0
"""How long a stream may take to clean up."""

_logger = logging.getLogger(__name__)


@contextmanager
def blaming(invocation: Invocation) -> Iterator[None]:
    """Let an ``Ima2Error`` and a real cancellation pass.

    :raises PluginFailed: for everything else, ``sys.exit()`` and a ``CancelledError`` that nobody asked for included.
    """
    try:
        yield
    except (Ima2Error, GeneratorExit, KeyboardInterrupt):
        raise
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise invocation.failed("it cancelled itself") from None
    except Overdue as error:
        raise invocation.failed(f"it {error}") from error
    except (Exception, SystemExit) as error:
        _logger.debug("%s failed", invocation.hook, exc_info=error)
        raise invocation.failed(describe(error)) from error


async def guarded(invocation: Invocation, stream: AsyncIterator[Any]) -> AsyncGenerator[Any, None]:
    """The events of ``stream``, which is the outermost that the hook returned."""
    invocation.opened.append(stream)
    async with AsyncExitStack() as stack:
        for each in invocation.opened:
            stack.push_async_callback(_close, each, invocation.hook)
        with blaming(invocation):
            async for event in stream:
                yield event


async def _close(stream: Any, hook: str) -> None:
    """In the caller's own task, since a generator may hold scopes that belong to it."""
    if not hasattr(stream, "aclose"):
        return
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await stream.aclose()
    except (Exception, SystemExit) as error:
        _logger.warning("a plugin did not close its stream of %s: %s", hook, describe(error))
