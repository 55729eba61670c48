"""The embedded ledger keeps every promise of the protocol."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from ima2.storage.ledger import SqliteLedger
from ima2.storage.protocols import Ledger
from ima2_kit.conformance import LedgerConformance


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Ledger]:
    ledger = await SqliteLedger.open(folder / "deep" / "ima2.db")
    try:
        yield ledger
    finally:
        await ledger.close()


class TestSqliteLedger(LedgerConformance):
    def open(self, folder: Path) -> AbstractAsyncContextManager[Ledger]:
        return opened(folder)
