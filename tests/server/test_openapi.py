"""The API's description agrees with the routes, the parser and itself."""

from __future__ import annotations

import re
from typing import Any

from fakes import FakeProvider
from ima2.kernel.requests import intake
from ima2.server.endpoint import endpoints_in
from ima2.server.routes import MODULES
from ima2.server.schemas import EditBody
from serving import Env, Served, run


def references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if "$ref" in value else []
        return own + [each for child in value.values() for each in references(child)]
    return [each for child in value for each in references(child)] if isinstance(value, list) else []


def test_the_description_is_whole(env: Env) -> None:
    async def work(served: Served) -> None:
        document = (await served.client.get("/api/openapi.json")).json()
        assert document["openapi"] == "3.1.0"
        schemas = document["components"]["schemas"]
        for reference in references(document):
            assert reference.removeprefix("#/components/schemas/") in schemas
        identities = []
        for path, methods in document["paths"].items():
            for operation in methods.values():
                identities.append(operation["operationId"])
                assert operation["summary"]
                named = [each["name"] for each in operation["parameters"] if each["in"] == "path"]
                assert named == re.findall(r"\{(\w+)\}", path)
        assert len(set(identities)) == len(identities) == len(endpoints_in(MODULES))
        assert "/api/generate" in document["paths"]
        style = {"type": "string", "description": "how"}
        for body in ("GenerateBody", "EditBody", "VideoBody", "ClipBody", "AnalyzeBody"):
            assert schemas[body]["properties"]["style"] == style, "what a provider's settings add"

    run(env, work)


def test_every_field_that_is_described_is_understood(env: Env) -> None:
    """And the other way round: a field the parser knows is described."""
    described = {field.alias for field in EditBody.model_fields.values()}
    known = intake._OWN | intake._DIRECT.keys() | intake._LABELS | {"async", "inline"}
    assert described <= known
    missing = known - described
    assert missing <= {"topic", "contextMode", "searchMode", "continuityLineage"}, missing


def test_an_answer_is_as_described(env: Env) -> None:
    from ima2.server.schemas import Answer

    async def work(served: Served) -> None:
        for body in ({}, {"n": 2}, {"inline": False}):
            Answer.model_validate(await served.make(**body))

    run(env, work, FakeProvider())
