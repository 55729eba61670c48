"""What every ledger must keep of the event log."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from ima2.storage.protocols import Ledger

from ima2_kit.conformance.bench import LedgerBench, make_job


class Events(LedgerBench):
    """``append``, ``events``, ``event_bounds``, ``trim_events``."""

    def test_sequence_numbers_grow_in_parallel(self, tmp_path: Path) -> None:
        async def scenario(ledger: Ledger) -> None:
            appended = await asyncio.gather(*(ledger.append("job-1", "progress", {"n": n}) for n in range(30)))
            seqs = [event.seq for event in appended]
            stored = await ledger.events()
            assert len(set(seqs)) == 30
            assert stored == sorted(appended, key=lambda event: event.seq)
            assert await ledger.event_bounds() == (min(seqs), max(seqs))

        self.run(tmp_path, scenario)

    def test_events_are_read_on_from_a_number(self, tmp_path: Path) -> None:
        async def scenario(ledger: Ledger) -> None:
            assert await ledger.event_bounds() == (0, 0)
            seqs = [(await ledger.append(f"job-{n % 2}", "phase", {"n": n})).seq for n in range(6)]
            assert [event.seq for event in await ledger.events(after=seqs[2])] == seqs[3:]
            assert [event.seq for event in await ledger.events(job_id="job-1")] == seqs[1::2]
            assert [event.seq for event in await ledger.events(after=seqs[1], job_id="job-1", limit=1)] == [seqs[3]]
            assert await ledger.events(after=seqs[-1]) == []

        self.run(tmp_path, scenario)

    def test_an_event_with_an_unknown_name_is_refused(self, tmp_path: Path) -> None:
        async def scenario(ledger: Ledger) -> None:
            with pytest.raises(ValueError):  # noqa: PT011
                await ledger.append("job-1", "surprise", {})
            assert await ledger.events() == []

        self.run(tmp_path, scenario)

    def test_trimming_spares_jobs_under_way_and_never_restarts_the_numbers(self, tmp_path: Path) -> None:
        async def scenario(ledger: Ledger) -> None:
            await ledger.add_job(make_job("live", state="running"))
            await ledger.add_job(make_job("over", state="done"))
            for name in ("live", "over", "live", "over", "over"):
                await ledger.append(name, "progress", {})
            assert await ledger.trim_events(4) == 1
            assert [event.job_id for event in await ledger.events()] == ["live", "live", "over", "over"]
            assert await ledger.trim_events(0) == 2
            assert await ledger.trim_events(0) == 0
            assert [event.job_id for event in await ledger.events()] == ["live", "live"]
            assert (await ledger.append("live", "done", {})).seq == 6

        self.run(tmp_path, scenario)

    def test_numbers_do_not_restart_after_everything_went(self, tmp_path: Path) -> None:
        async def append(ledger: Ledger) -> int:
            return (await ledger.append("gone", "progress", {})).seq

        async def trim(ledger: Ledger) -> None:
            assert await ledger.trim_events(0) == 1

        first = self.run(tmp_path, append)
        self.run(tmp_path, trim)
        assert self.run(tmp_path, append) > first
