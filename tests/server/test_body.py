"""Bodies: too large, too deep, twisted, twice."""

from __future__ import annotations

import contextlib
import gzip
import json
from collections.abc import AsyncIterator

import pytest
from fakes import FakeProvider
from hypothesis import given
from hypothesis import strategies as st
from ima2.errors import InvalidRequest
from ima2.server.body import MAX_DEPTH, MAX_MARKS, parse
from ima2.server.guard.policy import Policy
from serving import Env, Served, run

JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"{", "INVALID_JSON"),
        (b"nonsense", "INVALID_JSON"),
        (b'{"a": NaN}', "INVALID_JSON"),
        (b'{"a": Infinity}', "INVALID_JSON"),
        (b'{"a": -Infinity}', "INVALID_JSON"),
        (b'{"a": 1e999}', "INVALID_JSON"),
        (b'{"a": [[-1e999]]}', "INVALID_JSON"),
        (b'{"a": ' + b"9" * 5000 + b"}", "INVALID_JSON"),
        (b'{"a": "\\ud800"}', "INVALID_JSON"),
        (b'{"a": "\xff"}', "INVALID_JSON"),
        (b"\xff\xfe{\x00}\x00", "INVALID_JSON"),
        (b"{'a': 1}", "INVALID_JSON"),
        (b'{"a": 1,}', "INVALID_JSON"),
        (b'{"n": 1, "n": 24}', "DUPLICATE_FIELD"),
        (b'{"a": {"b": 1, "\\u0062": 2}}', "DUPLICATE_FIELD"),
        (b"[" * 100 + b"]" * 100, "JSON_TOO_DEEP"),
        (b"[" * 100_000 + b"]" * 100_000, "JSON_TOO_DEEP"),
        (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, "JSON_TOO_DEEP"),
        (b"[" + b"1," * MAX_MARKS + b"1]", "JSON_TOO_COMPLEX"),
    ],
)
def test_what_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse(data)
    assert caught.value.code == code


def test_what_is_taken() -> None:
    deep = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
    assert parse(deep)
    assert parse('{"prompt": "연 \U0001f98a \\ud83e\\udd8a"}'.encode()) == {"prompt": "연 🦊 🦊"}
    assert parse(json.dumps({"image": "data:image/png;base64," + "A" * 10_000_000}).encode())


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_are_json_or_a_refusal(data: bytes) -> None:
    with contextlib.suppress(InvalidRequest):
        parse(data)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda each: st.lists(each) | st.dictionaries(st.text(), each),
        max_leaves=20,
    )
)
def test_any_json_comes_through_unchanged(value: object) -> None:
    assert parse(json.dumps(value).encode()) == value


def test_on_the_wire(env: Env) -> None:
    provider = FakeProvider()
    small = Policy(body_limit=1 << 20)

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" " * (1 << 16)

    async def work(served: Served) -> None:
        async def post(content: bytes | AsyncIterator[bytes], **headers: str) -> tuple[int, str]:
            answer = await served.client.post("/api/generate", content=content, headers={**JSON, **headers})
            return answer.status_code, answer.json()["code"]

        assert await post(b"[" * 100_000) == (400, "JSON_TOO_DEEP")
        assert await post(b"[1]") == (400, "INVALID_JSON")
        assert await post(b'"x"') == (400, "INVALID_JSON")
        assert await post(b"") == (400, "INVALID_PROMPT")
        assert await post(b" " * (2 << 20)) == (413, "BODY_TOO_LARGE")
        assert await post(chunks()) == (413, "BODY_TOO_LARGE")
        bomb = gzip.compress(b" " * (50 << 20))
        assert len(bomb) < 60_000
        assert await post(bomb, **{"Content-Encoding": "gzip"}) == (413, "BODY_TOO_LARGE")
        assert await post(b"no gzip at all", **{"Content-Encoding": "gzip"}) == (400, "BODY_UNREADABLE")
        ok = await served.client.post(
            "/api/generate",
            content=gzip.compress(b'{"prompt":"a kite","provider":"fake"}'),
            headers={**JSON, "Content-Encoding": "gzip"},
        )
        assert ok.status_code == 200

    run(env, work, provider, policy=small)
    assert len(provider.calls) == 1
