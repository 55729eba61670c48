"""Where a ledger or a store is put to be tested."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from ima2.models import Artifact, Call, Job, Reference, Request, Resolution, Skipped
from ima2.storage.protocols import ArtifactStore, Ledger

from ima2_kit.conformance.pictures import picture

MINUTE = 60_000


def make_job(job_id: str = "job-1", **fields: Any) -> Job:
    """A queued job that fills every kind of column."""
    reference = Reference(sha256="ab" * 32, media_type="image/png", width=8, height=8, size=70, has_alpha=True)
    request = Request(id=job_id, prompt="a fox, 여우 \u2028 🦊", references=(reference,), labels={"nodeId": "n_1"})
    skipped = Skipped(provider="other", why="no key", fix="ima2 login other")
    resolution = Resolution(provider="one", reason="the only one", skipped=(skipped,))
    return Job(
        **{
            "id": job_id,
            "request": request,
            "provider": "one",
            "resolution": resolution,
            "owner": "process-1",
            "created_at": MINUTE,
            "phase_at": MINUTE,
            **fields,
        }
    )


def make_calls(job_id: str = "job-1", count: int = 1) -> tuple[Call, ...]:
    """Calls of a plan."""
    return tuple(
        Call(key=f"{job_id}.{index}", index=index, prompt="a fox", model="m", parameters={"deep": [{"a": index}]})
        for index in range(count)
    )


class LedgerBench:
    """Opens a ledger for each test."""

    def open(self, folder: Path) -> AbstractAsyncContextManager[Ledger]:
        """A ledger that keeps its data in ``folder`` (or in a place of its own for that folder)."""
        raise NotImplementedError

    def run(self, folder: Path, scenario: Callable[[Ledger], Awaitable[Any]]) -> Any:
        """Open, run ``scenario``, close."""

        async def main() -> Any:
            async with self.open(folder) as ledger:
                return await scenario(ledger)

        return asyncio.run(main())


class StoreBench:
    """Opens a store for each test."""

    def open(self, folder: Path) -> AbstractAsyncContextManager[ArtifactStore]:
        """A store that keeps its data in ``folder`` (or in a place of its own for that folder)."""
        raise NotImplementedError

    def run(self, folder: Path, scenario: Callable[[ArtifactStore], Awaitable[Any]]) -> Any:
        """Open, run ``scenario``, close."""

        async def main() -> Any:
            async with self.open(folder) as store:
                return await scenario(store)

        return asyncio.run(main())

    async def put(
        self, store: ArtifactStore, folder: Path, stem: str, *, data: bytes | None = None, **facts: Any
    ) -> Artifact:
        """Spool ``data`` and store it."""
        spooled = folder / "spool" / f"{stem.replace('/', '-')}.bin"
        spooled.parent.mkdir(exist_ok=True)
        spooled.write_bytes(picture() if data is None else data)
        given = {"created_at": 1000, "prompt": "a fox", **facts}
        return await store.store(spooled, stem, facts=given, sidecar={"kind": "classic", "prompt": "a fox"})
