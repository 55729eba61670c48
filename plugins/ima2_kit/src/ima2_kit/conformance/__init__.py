"""The promises of the storage protocols, as test classes to subclass.

A subclass says how to open one and inherits every test::

    class TestMyLedger(LedgerConformance):
        def open(self, folder: Path) -> AbstractAsyncContextManager[Ledger]:
            return my_ledger(folder / "ledger")
"""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite(*(f"{__name__}.{part}" for part in ("artifacts", "events", "ledger", "references")))

from ima2_kit.conformance.artifacts import ArtifactStoreConformance  # noqa: E402
from ima2_kit.conformance.ledger import LedgerConformance  # noqa: E402

__all__ = ["ArtifactStoreConformance", "LedgerConformance"]
