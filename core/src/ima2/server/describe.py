"""OpenAPI 3.1 from the route table and the pydantic models."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from pydantic.json_schema import models_json_schema

import ima2
from ima2.hookspecs import ProviderInfo
from ima2.server.endpoint import Endpoint

_PARAMETER = re.compile(r"\{(\w+)(?::[^}]*)?\}")
_REFERENCE = "#/components/schemas/{model}"
_ERROR = {
    "type": "object",
    "description": "error is text, or {code, message}; code is stable, hint is what to do next.",
    "properties": {
        "error": {"anyOf": [{"type": "string"}, {"type": "object"}]},
        "code": {"type": "string"},
        "status": {"type": "integer"},
        "hint": {"type": "string"},
        "requestId": {"type": "string"},
    },
    "required": ["error", "code"],
}


def document(endpoints: tuple[Endpoint, ...], providers: Sequence[ProviderInfo]) -> dict[str, Any]:
    """The whole description, with the fields that ``providers`` add to requests."""
    models = {model for route in endpoints for model in (route.body, route.answer) if model is not None}
    ordered = sorted(models, key=lambda model: model.__name__)
    _, schemas = models_json_schema([(model, "validation") for model in ordered], ref_template=_REFERENCE)
    described = schemas.get("$defs", {})
    for model in ordered:
        if kind := getattr(model, "kind", None):
            own = described[model.__name__]["properties"]
            described[model.__name__]["properties"] = {**_settings(providers, kind), **own}
    paths: dict[str, dict[str, Any]] = {}
    for route in endpoints:
        paths.setdefault(_PARAMETER.sub(r"{\1}", route.path), {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "ima2", "version": ima2.__version__, "summary": "A local studio for images and videos."},
        "paths": paths,
        "components": {"schemas": {**described, "Error": _ERROR}},
    }


def _settings(providers: Sequence[ProviderInfo], kind: str) -> dict[str, Any]:
    """What may be set for one request, by field."""
    offered = [setting for info in providers for setting in info.settings if setting.serves(kind)]
    return {each.field: {"type": each.type, "description": each.help} for each in offered}


def _operation(route: Endpoint) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": f"{route.handler.__module__.rpartition('.')[2]}_{route.handler.__name__}",
        "summary": route.summary,
        "parameters": [*_path_parameters(route), *_query_parameters(route)],
        "responses": {str(route.status): _success(route), "default": _content("Error", "A failure.")},
    }
    if body := _body(route):
        operation["requestBody"] = body
    return operation


def _success(route: Endpoint) -> dict[str, Any]:
    if route.answer is not None:
        return _content(route.answer.__name__, "Done.")
    return {"description": "Done.", "content": {route.media_type: {}}}


def _content(model: str, description: str) -> dict[str, Any]:
    schema = {"$ref": _REFERENCE.format(model=model)}
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _body(route: Endpoint) -> dict[str, Any] | None:
    if route.raw_image:
        return {"required": True, "content": {"image/*": {}}}
    if route.body is None:
        return None
    schema = {"$ref": _REFERENCE.format(model=route.body.__name__)}
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _path_parameters(route: Endpoint) -> list[dict[str, Any]]:
    names = _PARAMETER.findall(route.path)
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]


def _query_parameters(route: Endpoint) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "query", "description": text, "schema": {"type": "string"}} for name, text in route.query
    ]
