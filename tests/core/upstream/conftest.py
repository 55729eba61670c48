from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from ima2.upstream.spool import SpoolFolder
from ima2.upstream.sse import ServerEvent, document, events


@pytest.fixture
def spool(tmp_path: Path) -> SpoolFolder:
    return SpoolFolder(tmp_path / "spool")


async def _served(chunks: Iterable[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


@pytest.fixture(scope="session")
def read() -> Callable[..., list[ServerEvent]]:
    """Read a stream given in chunks."""

    def run(chunks: Iterable[bytes], spool: SpoolFolder, **limits: int) -> list[ServerEvent]:
        async def collect() -> list[ServerEvent]:
            return [event async for event in events(_served(chunks), spool, **limits)]

        return asyncio.run(collect())

    return run


@pytest.fixture(scope="session")
def read_document() -> Callable[..., Any]:
    """Read a JSON body given in chunks."""

    def run(chunks: Iterable[bytes], spool: SpoolFolder, **limits: int) -> Any:
        return asyncio.run(document(_served(chunks), spool, **limits))

    return run
