"""Which clips of a topic came before."""

from __future__ import annotations

from typing import Any

from ima2.errors import InvalidRequest
from ima2.models import Artifact, Series
from ima2.models.series import MAX_TOLD
from ima2.storage.protocols import ArtifactStore

MAX_TOPIC = 200


async def series_of(topic: Any, store: ArtifactStore) -> Series | None:
    """The place of a new clip among those of its topic; clips that are made at once have the same.

    :raises InvalidRequest: the topic is no text of 1 to 200 characters.
    """
    if topic is None:
        return None
    if not isinstance(topic, str) or not 0 < len(topic.strip()) <= MAX_TOPIC:
        text = f"A topic has 1 to {MAX_TOPIC} characters."
        raise InvalidRequest(text, code="INVALID_FIELD", field="topic")
    name = topic.strip()
    latest = await store.artifacts(topic=name, limit=MAX_TOLD)
    prompts = tuple(str(each.sidecar.get("revisedPrompt") or each.prompt) for each in reversed(latest))
    return Series(topic=name, chain_index=_index(latest[0]) + 1 if latest else 1, prompts=prompts)


def _index(artifact: Artifact) -> int:
    """A gallery may hold what other programs have written."""
    series = artifact.sidecar.get("videoSeries")
    index = series.get("chainIndex") if isinstance(series, dict) else None
    return index if isinstance(index, int) and index > 0 else 1
