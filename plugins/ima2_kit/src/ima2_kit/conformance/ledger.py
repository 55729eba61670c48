"""What every ledger must keep."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from ima2.errors import Conflict, NotFound
from ima2.models import Job, Plan, Reply, Usage, Warning
from ima2.storage.protocols import Ledger

from ima2_kit.conformance.bench import MINUTE, make_calls, make_job
from ima2_kit.conformance.events import Events


class LedgerConformance(Events):
    """Subclass it, name the subclass ``Test…``, and implement :meth:`open`."""

    def test_a_job_comes_back_as_it_went_in(self, tmp_path: Path) -> None:
        job = make_job(
            state="running",
            model="m",
            plan=Plan(prompt="p", model="m", calls=make_calls()),
            warnings=(Warning(code="DROPPED", message="a style", normalized_to="none"),),
            usage=Usage(input_tokens=3, cost_usd=0.04, raw={"x": [1]}),
            reply=Reply(text="two\nlines", requests=({"prompt": "x"},)),
            error={"code": "X", "details": {"a": 1}},
            idempotency_key="once",
            body_hash="cd" * 32,
        )

        async def scenario(ledger: Ledger) -> None:
            await ledger.add_job(job)
            assert await ledger.job(job.id) == job
            assert await ledger.job_by_idempotency_key("once") == job
            assert await ledger.job("nobody") is None
            assert await ledger.job_by_idempotency_key("never") is None

        self.run(tmp_path, scenario)

    def test_what_was_acknowledged_is_there_after_reopening(self, tmp_path: Path) -> None:
        async def before(ledger: Ledger) -> None:
            await ledger.add_job(make_job())
            await ledger.put_calls("job-1", make_calls())
            await ledger.append("job-1", "phase", {"name": "search"})

        async def after(ledger: Ledger) -> None:
            assert await ledger.job("job-1") == make_job()
            assert [row.state for row in await ledger.calls("job-1")] == ["ready"]
            assert [event.data for event in await ledger.events()] == [{"name": "search"}]

        self.run(tmp_path, before)
        self.run(tmp_path, after)

    def test_an_id_is_taken_once(self, tmp_path: Path) -> None:
        async def scenario(ledger: Ledger) -> None:
            await ledger.add_job(make_job())
            with pytest.raises(Conflict) as caught:
                await ledger.add_job(make_job(owner="process-2"))
            assert caught.value.code == "REQUEST_ID_IN_USE"
            assert await ledger.job("job-1") == make_job()

        self.run(tmp_path, scenario)

    def test_an_idempotency_key_makes_one_job_even_in_parallel(self, tmp_path: Path) -> None:
        async def scenario(ledger: Ledger) -> None:
            jobs = [make_job(f"job-{index}", idempotency_key="once") for index in range(8)]
            outcomes = await asyncio.gather(*map(ledger.add_job, jobs), return_exceptions=True)
            codes = [outcome.code for outcome in outcomes if isinstance(outcome, Conflict)]
            assert codes == ["IDEMPOTENCY_KEY_CONFLICT"] * 7
            assert len(await ledger.jobs()) == 1

        self.run(tmp_path, scenario)

    def test_update_sets_what_it_names_and_nothing_else(self, tmp_path: Path) -> None:
        async def scenario(ledger: Ledger) -> None:
            await ledger.add_job(make_job())
            updated = await ledger.update_job("job-1", state="planning", phase="search", phase_at=2 * MINUTE)
            expected = make_job(state="planning", phase="search", phase_at=2 * MINUTE)
            assert updated == expected
            assert await ledger.job("job-1") == expected

        self.run(tmp_path, scenario)

    @pytest.mark.parametrize("changes", [{"colour": "red"}, {"state": "asleep"}, {"created_at": "long ago"}])
    def test_update_refuses_what_a_job_does_not_have(self, tmp_path: Path, changes: dict[str, Any]) -> None:
        async def scenario(ledger: Ledger) -> None:
            await ledger.add_job(make_job())
            with pytest.raises(ValueError):  # noqa: PT011
                await ledger.update_job("job-1", **changes)
            assert await ledger.job("job-1") == make_job()

        self.run(tmp_path, scenario)

    def test_update_of_nothing_is_an_error(self, tmp_path: Path) -> None:
        async def scenario(ledger: Ledger) -> None:
            with pytest.raises(NotFound) as job:
                await ledger.update_job("job-1", phase="x")
            with pytest.raises(NotFound) as call:
                await ledger.update_call("job-1.0", state="sending")
            with pytest.raises(NotFound) as calls:
                await ledger.put_calls("job-1", make_calls())
            codes = [job.value.code, call.value.code, calls.value.code]
            assert codes == ["JOB_NOT_FOUND", "CALL_NOT_FOUND", "JOB_NOT_FOUND"]

        self.run(tmp_path, scenario)

    @pytest.mark.parametrize("state", ["done", "failed", "cancelled"])
    def test_an_ended_job_stays_ended(self, tmp_path: Path, state: str) -> None:
        async def scenario(ledger: Ledger) -> None:
            await ledger.add_job(make_job(state=state))
            for new in ("queued", "failed", "done"):
                with pytest.raises(Conflict) as caught:
                    await ledger.update_job("job-1", state=new)
                assert caught.value.code == "JOB_ENDED"
            assert await ledger.job("job-1") == make_job(state=state)

        self.run(tmp_path, scenario)

    @pytest.mark.parametrize("state", ["queued", "failed"])
    def test_an_unknown_job_may_be_decided(self, tmp_path: Path, state: str) -> None:
        async def scenario(ledger: Ledger) -> None:
            await ledger.add_job(make_job(state="unknown"))
            for changes in ({"state": "done"}, {"phase": "x"}):
                with pytest.raises(Conflict):
                    await ledger.update_job("job-1", **changes)
            assert (await ledger.update_job("job-1", state=state)).state == state

        self.run(tmp_path, scenario)

    def test_a_job_is_taken_over_by_one_process(self, tmp_path: Path) -> None:
        async def scenario(ledger: Ledger) -> None:
            await ledger.add_job(make_job(owner="dead"))
            takers = [ledger.update_job("job-1", expect_owner="dead", owner=f"process-{n}") for n in range(6)]
            outcomes = await asyncio.gather(*takers, return_exceptions=True)
            winners = [outcome for outcome in outcomes if isinstance(outcome, Job)]
            codes = {outcome.code for outcome in outcomes if isinstance(outcome, Conflict)}
            assert len(winners) == 1
            assert codes == {"JOB_TAKEN"}
            assert await ledger.job("job-1") == winners[0]

        self.run(tmp_path, scenario)

    def test_a_question_is_answered_once(self, tmp_path: Path) -> None:
        async def scenario(ledger: Ledger) -> None:
            await ledger.add_job(make_job(state="unknown"))
            states = ["queued", "failed"] * 3
            answers = [ledger.update_job("job-1", expect_state="unknown", state=state) for state in states]
            outcomes = await asyncio.gather(*answers, return_exceptions=True)
            winners = [outcome for outcome in outcomes if isinstance(outcome, Job)]
            codes = {outcome.code for outcome in outcomes if isinstance(outcome, Conflict)}
            assert len(winners) == 1
            assert codes <= {"JOB_CHANGED", "JOB_ENDED"}
            assert await ledger.job("job-1") == winners[0]

        self.run(tmp_path, scenario)

    def test_jobs_are_listed_in_creation_order(self, tmp_path: Path) -> None:
        async def scenario(ledger: Ledger) -> None:
            for index, state in enumerate(["done", "queued", "running", "queued"]):
                owner = f"process-{index % 2}"
                await ledger.add_job(
                    make_job(f"job-{index}", state=state, owner=owner, created_at=MINUTE * (1 + index // 2))
                )

            async def ids(**query: Any) -> list[str]:
                return [job.id[-1] for job in await ledger.jobs(**query)]

            assert await ids() == ["0", "1", "2", "3"]
            assert await ids(newest_first=True) == ["3", "2", "1", "0"]
            assert await ids(states=("queued", "running")) == ["1", "2", "3"]
            assert await ids(owner="process-0") == ["0", "2"]
            assert await ids(states=["queued"], owner="process-1", limit=1, newest_first=True) == ["3"]
            assert await ids(states=["unknown"]) == []

        self.run(tmp_path, scenario)

    def test_calls_keep_their_order_and_are_put_once(self, tmp_path: Path) -> None:
        async def scenario(ledger: Ledger) -> None:
            await ledger.add_job(make_job())
            rows = await ledger.put_calls("job-1", make_calls(count=12))
            assert [row.call.index for row in rows] == list(range(12))
            assert [row.call for row in rows] == list(make_calls(count=12))
            await ledger.update_call("job-1.11", state="sending", sent_at=MINUTE)
            again = await ledger.put_calls("job-1", make_calls(count=13))
            assert [row.state for row in again] == ["ready"] * 11 + ["sending", "ready"]
            assert await ledger.calls("job-1") == again

        self.run(tmp_path, scenario)

    def test_a_call_keeps_what_was_said_of_it(self, tmp_path: Path) -> None:
        async def scenario(ledger: Ledger) -> None:
            await ledger.add_job(make_job())
            [fresh] = await ledger.put_calls("job-1", make_calls())
            await ledger.update_call("job-1.0", state="submitted", upstream_id="up-1", account="me")
            media = ({"path": "/spool/a.png", "sha256": "ef" * 32},)
            changes = {"state": "storing", "media": media, "usage": Usage(output_tokens=9), "updated_at": 7}
            row = await ledger.update_call("job-1.0", **changes)
            assert row == fresh.model_copy(update={"upstream_id": "up-1", "account": "me", **changes})
            assert await ledger.calls("job-1") == [row]

        self.run(tmp_path, scenario)

    def test_a_half_surrogate_from_upstream_is_kept(self, tmp_path: Path) -> None:
        data = {"text": "half \ud83e a fox", "ratio": 0.5, "many": [1, None, True]}

        async def scenario(ledger: Ledger) -> None:
            await ledger.add_job(make_job())
            await ledger.append("job-1", "text", data)
            await ledger.update_job("job-1", error=data)
            assert (await ledger.events())[0].data == data
            job = await ledger.job("job-1")
            assert job is not None
            assert job.error == data

        self.run(tmp_path, scenario)

    def test_deleting_a_job_takes_its_calls_and_events(self, tmp_path: Path) -> None:
        async def scenario(ledger: Ledger) -> None:
            for name in ("over", "other"):
                await ledger.add_job(make_job(name, state="done"))
                await ledger.put_calls(name, make_calls(name))
                await ledger.append(name, "done", {})
            await ledger.delete_job("over")
            assert await ledger.job("over") is None
            assert await ledger.calls("over") == []
            assert [event.job_id for event in await ledger.events()] == ["other"]
            assert len(await ledger.calls("other")) == 1
            with pytest.raises(NotFound):
                await ledger.delete_job("over")

        self.run(tmp_path, scenario)

    @pytest.mark.parametrize("state", ["queued", "planning", "running"])
    def test_a_job_under_way_is_not_deleted(self, tmp_path: Path, state: str) -> None:
        async def scenario(ledger: Ledger) -> None:
            await ledger.add_job(make_job(state=state))
            with pytest.raises(Conflict):
                await ledger.delete_job("job-1")
            assert await ledger.job("job-1") == make_job(state=state)

        self.run(tmp_path, scenario)

    def test_two_openings_see_each_other(self, tmp_path: Path) -> None:
        async def main() -> None:
            async with self.open(tmp_path) as one, self.open(tmp_path) as two:
                await one.add_job(make_job())
                assert await two.job("job-1") == make_job()
                await two.update_job("job-1", phase="search")
                events = await asyncio.gather(*(each.append("job-1", "phase", {}) for each in (one, two) * 10))
                assert len({event.seq for event in events}) == 20
                job = await one.job("job-1")
                assert job is not None
                assert job.phase == "search"

        asyncio.run(main())

    def test_a_cancelled_write_happened_whole_or_not_at_all(self, tmp_path: Path) -> None:
        async def scenario(ledger: Ledger) -> None:
            tasks = [asyncio.ensure_future(ledger.add_job(make_job(f"job-{n}"))) for n in range(20)]
            await asyncio.sleep(0)
            for task in tasks[::2]:
                task.cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
            stored = {job.id: job for job in await ledger.jobs()}
            for n, outcome in enumerate(outcomes):
                assert outcome is not None or f"job-{n}" in stored
            assert all(job == make_job(name) for name, job in stored.items())

        self.run(tmp_path, scenario)
