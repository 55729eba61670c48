"""Step one: a web search that must really have happened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ima2.errors import UpstreamError
from ima2.models import Source, Usage

from ima2_grok.errors import SEARCH, Step, refused
from ima2_grok.exchange import ask
from ima2_grok.instructions import instructions
from ima2_grok.reading import count, listed, mapping, text
from ima2_grok.responses import output, parts, words
from ima2_grok.spent import usage

if TYPE_CHECKING:
    from ima2.hookspecs import Context

MAX_BRIEF = 8000
"""Characters of the brief that are handed on."""
MAX_SOURCES = 40


@dataclass(frozen=True, slots=True)
class Brief:
    """What a search found. ``calls`` is how many searches xAI counts, at least one."""

    text: str
    sources: tuple[Source, ...]
    calls: int
    usage: Usage


def body(prompt: str, model: str) -> dict[str, Any]:
    """The body of ``POST /responses``. ``tool_choice`` can't name a server tool; so it forces the only one there."""
    return {
        "model": model,
        "stream": False,
        "store": False,
        "input": [
            {"role": "system", "content": instructions("search")},
            {"role": "user", "content": prompt},
        ],
        "tools": [{"type": "web_search"}],
        "tool_choice": "required",
    }


async def search(prompt: str, model: str, context: Context) -> Brief:
    """Search, repeated at most once.

    :raises UpstreamError: ``GROK_SEARCH_NOT_DONE`` when xAI answered without a search, or any refusal of :mod:`errors`.
    """
    return read(await ask(SEARCH, "responses", body(prompt, model), context))


def read(value: Mapping[str, Any]) -> Brief:
    """The brief in an answer. Raises like :func:`search`."""
    if value.get("status") == "failed":
        raise refused(SEARCH, 200, value.get("error") or "The search failed.")
    calls = _searches(value)
    if not calls:
        raise _useless("GROK_SEARCH_NOT_DONE", "xAI answered without searching the web.", value)
    found = words(value)
    if not found:
        raise _useless("GROK_SEARCH_EMPTY_RESPONSE", "The web search brought no words.", value)
    return Brief(found[:MAX_BRIEF], _sources(value), calls, usage(value))


def _searches(value: Mapping[str, Any]) -> int:
    """The count that xAI charges, else the search items. ``num_sources_used`` is 0 even when pages were used."""
    details = mapping(mapping(value.get("usage")).get("server_side_tool_usage_details"))
    items = [item for item in output(value) if item.get("type") == "web_search_call" and item.get("status") != "failed"]
    return count(details.get("web_search_calls")) or len(items)


def _sources(value: Mapping[str, Any]) -> tuple[Source, ...]:
    """What was cited, then what was looked at, each address once. A title that is an ordinal says nothing."""
    found: dict[str, str | None] = {}
    for entry in _addresses(value):
        url, title = text(entry.get("url")), text(entry.get("title")).strip()
        if url.startswith(("https://", "http://")):
            found[url] = found.get(url) or (None if title.isdigit() else title or None)
    return tuple(Source(url=url, title=title) for url, title in list(found.items())[:MAX_SOURCES])


def _addresses(value: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for part in parts(value):
        yield from (mapping(note) for note in listed(part.get("annotations")))
    yield from (
        mapping(each) if not isinstance(each, str) else {"url": each} for each in listed(value.get("citations"))
    )
    for item in output(value):
        yield from (mapping(each) for each in listed(mapping(item.get("action")).get("sources")))


def _useless(code: str, message: str, value: Mapping[str, Any], step: Step = SEARCH) -> UpstreamError:
    hint = "run the command again"
    return UpstreamError(message, code=code, step=step.name, retryable=True, hint=hint, details=step.cost(value))
