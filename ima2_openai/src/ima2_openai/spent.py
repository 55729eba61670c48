"""What an answer cost and what it searched, as far as it says so.

No price is known here: the service reports tokens, and a price table would be out of date within weeks. So the cost
stays unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ima2.models import Usage

_RAW = ("usage", "tool_usage", "service_tier", "model")


def usage(response: Mapping[str, Any], searches: int, sources: list[dict[str, str]]) -> Usage | None:
    """Usage of a finished ``response`` object; None when it says nothing.

    :param searches: ``web_search_call`` items seen; the service's own count wins, since that is what it charges.
    """
    host, tools = _mapping(response.get("usage")), _mapping(response.get("tool_usage"))
    counted = _count(_mapping(tools.get("web_search")).get("num_requests"))
    if not host and not tools and not searches:
        return None
    raw = {name: response[name] for name in _RAW if response.get(name) is not None}
    return Usage(
        input_tokens=_count(host.get("input_tokens")),
        output_tokens=_count(host.get("output_tokens")),
        total_tokens=_count(host.get("total_tokens")),
        image_tokens=_count(_mapping(tools.get("image_gen")).get("total_tokens")),
        web_search_calls=searches if counted is None else counted,
        raw={**raw, "sources": sources} if sources else raw,
    )


class Sources:
    """Pages a web search used, each URL once, in the order they came."""

    def __init__(self) -> None:
        self._titles: dict[str, str] = {}

    def searched(self, item: Mapping[str, Any]) -> None:
        """From a ``web_search_call`` item: everything it looked at."""
        action = _mapping(item.get("action"))
        for source in action.get("sources") or ():
            self._add(_mapping(source))

    def cited(self, annotation: Any) -> None:
        """From an annotation of a message: what it names as its source."""
        if _mapping(annotation).get("type") == "url_citation":
            self._add(annotation)

    def _add(self, source: Mapping[str, Any]) -> None:
        url, title = source.get("url"), source.get("title")
        if isinstance(url, str) and url:
            self._titles[url] = str(title) if title else self._titles.get(url, "")

    def to_list(self) -> list[dict[str, str]]:
        """``[{url, title?}]``."""
        return [{"url": url, "title": title} if title else {"url": url} for url, title in self._titles.items()]


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
