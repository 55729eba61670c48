"""The embedded artifact store keeps every promise of the protocol."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from ima2.settings.paths import Paths
from ima2.storage.artifacts import FileArtifactStore
from ima2.storage.database import Database
from ima2.storage.protocols import ArtifactStore
from ima2_kit.conformance import ArtifactStoreConformance


@asynccontextmanager
async def opened_store(folder: Path) -> AsyncIterator[ArtifactStore]:
    paths = Paths.from_env({"IMA2_CONFIG_DIR": str(folder / "data")})
    database = await Database.open(paths.database)
    store = FileArtifactStore.for_paths(paths, database)
    yield store
    await store.close()
    await database.close()


class TestFileArtifactStore(ArtifactStoreConformance):
    def open(self, folder: Path) -> AbstractAsyncContextManager[ArtifactStore]:
        return opened_store(folder)
