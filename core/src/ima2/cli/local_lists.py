"""What lists show, without a server: the rows that the routes give, from the same functions."""

from __future__ import annotations

import hashlib
from typing import Any

from ima2.cli.backend import Answer
from ima2.kernel.jobs.runner import OPEN_STATES
from ima2.kernel.studio import Studio
from ima2.models import Job
from ima2.models.job import FINAL_STATES
from ima2.settings.paths import Paths

TERMINAL_ROWS = 100


def identity(paths: Paths) -> str:
    """Whose favourites the command line sees, as existing clients name it: by the folder of the settings."""
    return f"cli-{hashlib.sha1(str(paths.config).encode(), usedforsecurity=False).hexdigest()[:16]}"


async def inflight(studio: Studio, *, kind: str | None, session: str | None, terminal: bool) -> Answer:
    """``{jobs, terminalJobs?}``."""
    from ima2.server import wire

    def wanted(job: Job) -> bool:
        return kind in (None, wire.kind_of(job)) and session in (None, job.request.session_id)

    active = await studio.ledger.jobs(states=OPEN_STATES)
    rows = [wire.active_row(job, interrupted=studio.runner.interrupted(job)) for job in active if wanted(job)]
    body: Answer = {"jobs": rows}
    if terminal:
        ended = await studio.ledger.jobs(states=sorted(FINAL_STATES), limit=TERMINAL_ROWS, newest_first=True)
        body["terminalJobs"] = [
            wire.terminal_row(job, await studio.store.artifacts(job_id=job.id)) for job in ended if wanted(job)
        ]
    return body


async def jobs(studio: Studio, *, states: tuple[str, ...], limit: int) -> Answer:
    """``{jobs}``."""
    found = await studio.ledger.jobs(states=states, limit=limit, newest_first=True)
    return {"jobs": [await job_facts(studio, job) for job in found]}


async def job_facts(studio: Studio, job: Job) -> Answer:
    """One job with its calls and files."""
    from ima2.server import wire

    calls, artifacts = await studio.ledger.calls(job.id), await studio.store.artifacts(job_id=job.id)
    return wire.job_facts(job, calls, artifacts, interrupted=studio.runner.interrupted(job))


async def history(studio: Studio, **query: Any) -> Answer:
    """``{items, total, nextCursor}``."""
    from ima2.server.rows import row

    limit, who = int(query.get("limit") or 50), identity(studio.paths)
    found = await studio.store.artifacts(
        limit=limit + 1,
        session_id=query.get("sessionId"),
        job_id=query.get("requestId"),
        favorites_of=who if query.get("favoritesOnly") else None,
    )
    page = found[:limit]
    marked = await studio.store.favorites(who, [artifact.filename for artifact in page])
    last = page[-1] if len(found) > limit else None
    return {
        "items": [row(artifact, favorite=artifact.filename in marked) for artifact in page],
        "total": await studio.store.count(),
        "nextCursor": {"before": last.created_at, "beforeFilename": last.filename} if last else None,
    }


async def providers(studio: Studio) -> Answer:
    """``{providers}``."""
    from ima2.server.routes.providers import info_facts, state_facts

    return {"providers": [{**info_facts(state.info), **state_facts(state)} for state in await studio.providers()]}


async def models(studio: Studio, provider: str | None, *, refresh: bool) -> Answer:
    """``{models}``."""
    from ima2.server.routes.models import facts

    listed = await studio.models(provider, refresh=refresh)
    return {
        "models": [{"provider": info.id, **facts(model)} for info, catalogue in listed for model in catalogue.models]
    }


async def capabilities(studio: Studio) -> Answer:
    """Everything a program may want to know."""
    from ima2.server.routes.models import capabilities_of

    return await capabilities_of(studio, source="local")
