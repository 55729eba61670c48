"""The storage that comes with ima2: one SQLite file, one folder, one decoding process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from ima2.settings.paths import Paths
from ima2.storage.artifacts import FileArtifactStore
from ima2.storage.database import Database
from ima2.storage.ledger import SqliteLedger


@dataclass(frozen=True, slots=True)
class Storage:
    """Ledger and artifact store over the same database."""

    ledger: SqliteLedger
    store: FileArtifactStore


@asynccontextmanager
async def opened(paths: Paths) -> AsyncIterator[Storage]:
    """Open both for a while; errors as in :meth:`Database.open`. Leaves no process and no open file behind."""
    database = await Database.open(paths.database)
    store = FileArtifactStore.for_paths(paths, database)
    try:
        yield Storage(SqliteLedger(database), store)
    finally:
        await store.close()
        await database.close()
