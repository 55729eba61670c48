"""No request makes the server fail: a table of odd values at every place of every route."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import quote

from fakes import FakeProvider
from serving import Env, Served, run

VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    10**30,
    1.5,
    "",
    " ",
    "x" * 5000,
    "\x00",
    "\u202e\ud7ff",
    "../../etc/passwd",
    "'; DROP TABLE job; --",
    "{{7*7}}",
    "data:image/png;base64,AAAA",
    [],
    [[]],
    ["x"] * 30,
    {},
    {"a": {"b": 1}},
)
SEGMENTS = ("x", "%00", "%ff", "..%2f", "%2e", "a" * 3000, "%F0%9F%A6%8A", "x;y=1", "CON", "%5c", "{id}", "-1", "%")
HEADERS = (
    {"Range": "bytes=a-b"},
    {"Range": "bytes=" + ",".join("0-0" for _ in range(500))},
    {"If-None-Match": '"'},
    {"If-Modified-Since": "yesterday"},
    {"Accept": "\xff"},
    {"Accept-Encoding": "gzip;q=x"},
    {"Cookie": "a=b; =; c"},
    {"X-Ima2-Browser-Id": "x" * 5000},
    {"Idempotency-Key": "\x7f"},
    {"Expect": "100-continue"},
    {"Expect": "magic"},
    {"Last-Event-ID": "9" * 5000},
    {"Content-Type": "application/json; charset=utf-16"},
    {"Content-Type": "application/json; charset=nonsense"},
)


async def status(served: Served, method: str, path: str, **options: Any) -> int:
    """The status alone: streams don't end."""
    async with served.client.stream(method, path, **options) as response:
        return response.status_code


def test_every_field_with_every_odd_value(env: Env) -> None:
    async def work(served: Served) -> None:
        document = (await served.client.get("/api/openapi.json")).json()
        properties = document["components"]["schemas"]["EditBody"]["properties"]
        for name in properties:
            for value in VALUES:
                body = {"prompt": "a kite", "provider": "fake", "async": True, name: value}
                for path in ("/api/generate", "/api/edit", "/api/preview"):
                    answer = await served.client.post(path, json=body)
                    assert answer.status_code < 500, (path, name, value, answer.text)
        while (await served.client.get("/api/inflight")).json()["jobs"]:
            await asyncio.sleep(0.05)

    run({**env, "IMA2_MAX_PARALLEL": "1000"}, work, FakeProvider())


def test_every_route_with_odd_paths_bodies_and_headers(env: Env) -> None:
    async def work(served: Served) -> None:
        document = (await served.client.get("/api/openapi.json")).json()
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                for segment in SEGMENTS if "{" in path else ("",):
                    target = path
                    for parameter in operation["parameters"]:
                        if parameter["in"] == "path":
                            target = target.replace("{" + parameter["name"] + "}", segment)
                    found = await status(served, method.upper(), target, **({} if method == "get" else {"json": {}}))
                    assert found < 500, (method, target)
                target = path.replace("{", "").replace("}", "")
                for headers in HEADERS:
                    raw = {name: value.encode("latin-1") for name, value in headers.items()}
                    content = {} if method == "get" else {"content": json.dumps({"prompt": 7})}
                    given = {} if method == "get" else {"Content-Type": "application/json"}
                    found = await status(served, method.upper(), target, headers={**given, **raw}, **content)
                    assert found < 500, (method, target, headers)
                for value in VALUES if method != "get" else ():
                    found = await status(served, method.upper(), target, json=value)
                    assert found < 500, (method, target, value)
                for parameter in operation["parameters"]:
                    for value in VALUES if parameter["in"] == "query" else ():
                        text = quote(str(value)[:500].encode("utf-8", "replace"))
                        found = await status(served, method.upper(), f"{target}?{parameter['name']}={text}")
                        assert found < 500, (target, parameter["name"], value)

    run(env, work, FakeProvider())
