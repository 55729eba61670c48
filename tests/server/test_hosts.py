"""Which ``Host`` headers are ours: a table, and a guarantee over arbitrary text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ima2.errors import InvalidRequest
from ima2.server.guard.hosts import allows
from ima2.server.guard.policy import Policy, origin_of, parse_size
from ima2.upstream.hosts import is_loopback, parse_host

NONE: frozenset[str] = frozenset()

OURS = [
    "127.0.0.1",
    "127.0.0.1:3333",
    "127.0.0.1:65535",
    "127.8.9.10:3333",
    "localhost",
    "localhost:3333",
    "LOCALHOST:3333",
    "LocalHost",
    "[::1]",
    "[::1]:3333",
    "[0:0:0:0:0:0:0:1]:3333",
]
FOREIGN = [
    "",
    " ",
    "evil.test",
    "evil.test:3333",
    "127.0.0.1.nip.io",
    "127.0.0.1.evil.test:3333",
    "localhost.evil.test",
    "evil-localhost",
    "localhost.",
    "localhost.:3333",
    "127.0.0.1.",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "0",
    "0.0.0.0",
    "0.0.0.0:3333",
    "[::]",
    "127.1",
    "2130706433",
    "0x7f.1",
    "0177.0.0.1",
    "127.0.0.1@evil.test",
    "user@127.0.0.1",
    "localhost:",
    "localhost:0",
    "localhost:65536",
    "localhost:3333:80",
    "localhost:+80",
    "localhost: 80",
    "localhost,evil.test",
    "localhost/evil.test",
    "a/b?c#d",
    "localhost\t",
    "::1",
    "[::1",
    "[::1]evil.test",
    "[::1%25eth0]",
    "192.168.1.5:3333",
    "ｌocalhost",
    "local\u200bhost",
    "localhost\x00",
]


@pytest.mark.parametrize("value", OURS)
def test_this_machines_own_names_pass(value: str) -> None:
    assert allows("127.0.0.1", NONE, value)


@pytest.mark.parametrize("value", FOREIGN)
def test_every_other_name_is_foreign(value: str) -> None:
    assert not allows("127.0.0.1", NONE, value)


def test_a_wildcard_bind_takes_addresses_and_no_names() -> None:
    assert allows("0.0.0.0", NONE, "192.168.1.5:3333")
    assert allows("::", NONE, "[fe80::1]:3333")
    assert not allows("0.0.0.0", NONE, "studio.evil.test")
    assert not allows("0.0.0.0", NONE, "[::ffff:192.168.1.5]")


def test_the_bound_and_the_listed_names_pass() -> None:
    assert allows("studio.lan", NONE, "Studio.lan:3333")
    public = Policy(public_origins=frozenset({"https://studio.example", "http://box:8080"})).public_hosts
    assert allows("127.0.0.1", public, "studio.example")
    assert allows("127.0.0.1", public, "box:8080")
    assert not allows("127.0.0.1", public, "box")
    assert not allows("127.0.0.1", public, "studio.example.evil.test")


@given(st.text(max_size=40))
def test_nothing_but_loopback_gets_through(value: str) -> None:
    if allows("127.0.0.1", NONE, value):
        host = parse_host(value)
        assert host is not None
        assert is_loopback(host.name)


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://Studio.Example", "https://studio.example"),
        ("https://studio.example:443/", "https://studio.example"),
        ("http://box:8080", "http://box:8080"),
        ("http://[::1]:80", "http://[::1]"),
    ],
)
def test_origins_are_spelt_as_browsers_do(text: str, origin: str) -> None:
    assert origin_of(text) == origin


@pytest.mark.parametrize(
    "text",
    [
        "*",
        "null",
        "studio.example",
        "https://*.example",
        "ftp://a",
        "https://a/b",
        "http://a:99999",
        "http://a?b",
        "http://u@a",
    ],
)
def test_what_is_no_origin_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest):
        origin_of(text)


def test_sizes() -> None:
    assert [parse_size(text) for text in ("50mb", "512 KB", "1000", "1gb")] == [50 << 20, 512 << 10, 1000, 1 << 30]
    for text in ("", "much", "-1", "1.5mb", "10tb"):
        with pytest.raises(InvalidRequest):
            parse_size(text)
