"""An embedded storage in a folder of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from ima2.settings.paths import Paths
from ima2.storage.artifacts import FileArtifactStore
from ima2.storage.database import Database

OpenStore = Callable[[], AbstractAsyncContextManager[FileArtifactStore]]


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    made = Paths.from_env({"IMA2_CONFIG_DIR": str(tmp_path / "data")})
    made.spool.mkdir(parents=True)
    return made


@pytest.fixture
def open_store(paths: Paths) -> OpenStore:
    @asynccontextmanager
    async def opened() -> AsyncIterator[FileArtifactStore]:
        database = await Database.open(paths.database)
        store = FileArtifactStore.for_paths(paths, database)
        try:
            yield store
        finally:
            await store.close()
            await database.close()

    return opened
