"""Every route of the server."""

from __future__ import annotations

from typing import Any

from ima2.server.endpoint import endpoints_in
from ima2.server.routes import MODULES
from ima2.server.schemas import AnalyzeBody, VideoBody, Wire

from tables.markdown import code, table


def all_routes() -> str:
    """Method, path and one line, sorted by path."""
    listed = sorted(endpoints_in(MODULES), key=lambda route: (route.path, route.method))
    return table(("method", "path", ""), [(route.method, code(route.path), route.summary) for route in listed])


def all_clip_fields() -> str:
    """Field, type and meaning, of a request for a clip."""
    return _fields(VideoBody)


def all_question_fields() -> str:
    """The same of a question about a clip."""
    return _fields(AnalyzeBody)


def _fields(body: type[Wire]) -> str:
    described = body.model_json_schema()["properties"].items()
    return table(
        ("field", "type", ""), [(code(name), _type(each), each.get("description", "")) for name, each in described]
    )


def _type(described: dict[str, Any]) -> str:
    kinds = [each for each in described.get("anyOf", [described]) if each.get("type") != "null"]
    return " or ".join("one of " + ", ".join(each["enum"]) if "enum" in each else each["type"] for each in kinds)
