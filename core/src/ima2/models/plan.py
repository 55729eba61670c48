"""What will be sent upstream."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from ima2.models.frozen import Frozen
from ima2.models.request import Kind, Operation, Reference


class Source(Frozen):
    """A page a web search used."""

    url: str
    title: str | None = None


class Call(Frozen):
    """One paid upstream call. ``key`` is ``<job id>.<index>`` and names its ledger row.

    ``expected`` is how many media it should bring; ``parameters`` is whatever the provider's own
    ``ima2_generate_*`` needs, as JSON, so that a later process can run or resume the call from the ledger alone.
    """

    key: str
    index: int = 0
    kind: Kind = "image"
    operation: Operation = "generate"
    prompt: str
    model: str
    references: tuple[Reference, ...] = ()
    expected: int = 1
    parameters: dict[str, Any] = Field(default_factory=dict)


class Plan(Frozen):
    """The last word of planning. ``prompt`` is the final prompt, ``sources`` what a search used."""

    prompt: str
    model: str
    operation: Operation = "generate"
    calls: tuple[Call, ...]
    sources: tuple[Source, ...] = ()
    web_search_calls: int = 0


class Step(Frozen):
    """One line of a dry run: what would be sent, in plain words; ``count`` times, charged or not."""

    name: str
    summary: str
    count: int = 1
    paid: bool = False
