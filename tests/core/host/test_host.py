"""The host with plugins given as objects."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import pytest
from ima2.errors import InvalidRequest, PluginFailed
from ima2.hookspecs import Command, hookimpl
from ima2.kernel.plugins.collect import collect
from ima2.kernel.plugins.host import HookFailure, PluginHost

OFF = {"IMA2_PLUGINS": "off"}


def records(host: PluginHost) -> dict[str, Any]:
    return {record.name: record for record in host.records if record.source is None}


def test_providers_come_by_priority_then_id(provider: Any) -> None:
    extra = {"p1": provider("late", priority=200), "p2": provider("b"), "p3": provider("a")}
    host = PluginHost.load(OFF, extra=extra)
    assert [info.id for info in host.providers] == ["a", "b", "late"]
    assert host.provider("late").title == "Late"
    assert records(host)["p1"].provider == "late"
    assert records(host)["p1"].hooks == ("ima2_provider",)


def test_an_unknown_provider_is_refused_with_what_is_installed(provider: Any) -> None:
    host = PluginHost.load(OFF, extra={"acme": provider("acme"), "broken": [], "zeta": provider("zeta")})
    for name in ("gork", "", "ACME", "auto", "acme "):
        with pytest.raises(InvalidRequest) as caught:
            host.provider(name)
        assert (caught.value.code, caught.value.status, caught.value.field) == ("UNKNOWN_PROVIDER", 400, "provider")
        assert "installed: acme, zeta." in caught.value.message
        assert caught.value.to_dict()["providers"] == ["acme", "zeta"]
    with pytest.raises(InvalidRequest, match="did not load: a plugin must be hashable"):
        host.provider("broken")


def test_nothing_installed_is_said_so() -> None:
    with pytest.raises(InvalidRequest, match="installed: none"):
        PluginHost.load(OFF).provider("acme")


def test_what_was_refused_leaves_no_hook_behind(provider: Any) -> None:
    class Half:
        @hookimpl
        def ima2_commands(self) -> list[Command]:
            return [Command("half", "x:y")]

        @hookimpl
        def ima2_generate_image(self, call: Any, context: Any) -> None:
            return None

    class Twin(provider):  # type: ignore[misc]
        @hookimpl
        def ima2_commands(self) -> list[Command]:
            return [Command("twin", "x:y")]

    class Whole:
        @hookimpl
        def ima2_commands(self) -> list[Command]:
            return [Command("whole", "x:y")]

    extra = {"acme": provider("acme"), "half": Half(), "twin": Twin("acme"), "whole": Whole()}
    host = PluginHost.load(OFF, extra=extra)
    assert records(host)["half"].state == "failed"
    assert records(host)["twin"].state == "failed"
    assert collect(host, "ima2_commands") == [("whole", Command("whole", "x:y"))]
    assert [plugin.name for plugin in host.plugins] == ["acme", "whole"]


def test_the_same_object_twice_is_one_plugin(provider: Any) -> None:
    plugin = provider("acme")
    found = records(PluginHost.load(OFF, extra={"one": plugin, "two": plugin}))
    assert found["one"].state == "loaded"
    assert found["two"].error == "it is the same object as the plugin 'one'."


def test_an_unhashable_plugin_costs_only_itself(provider: Any) -> None:
    namespace = SimpleNamespace(ima2_commands=hookimpl(lambda: [Command("x", "x:y")]))
    host = PluginHost.load(OFF, extra={"a": namespace, "b": provider("b"), "c": provider("c")})
    assert "must be hashable" in records(host)["a"].error
    assert [info.id for info in host.providers] == ["b", "c"]


def test_a_plugin_object_that_fights_back(provider: Any) -> None:
    class Hostile:
        def __dir__(self) -> list[str]:
            raise SystemExit("no")

    class NoHash:
        def __hash__(self) -> int:
            raise RuntimeError("no hash")

    host = PluginHost.load(OFF, extra={"dir": Hostile(), "hash": NoHash(), "z": provider("z")})
    assert records(host)["dir"].error == "it called sys.exit('no') while it was loaded."
    assert records(host)["hash"].error == "RuntimeError: no hash"
    assert [info.id for info in host.providers] == ["z"]


def test_strict_raises_for_objects_too() -> None:
    with pytest.raises(PluginFailed, match="The plugin bad failed: a plugin must be hashable"):
        PluginHost.load(OFF, extra={"bad": {}}, strict=True)


def test_a_given_object_can_be_disabled_by_name(provider: Any) -> None:
    host = PluginHost.load({**OFF, "IMA2_DISABLE_PLUGINS": "acme"}, extra={"acme": provider("acme")})
    assert records(host)["acme"].state == "disabled"
    assert host.providers == ()


def test_a_plugin_that_is_no_provider_today_may_stay() -> None:
    class Maybe:
        @hookimpl
        def ima2_provider(self) -> None:
            return None

    host = PluginHost.load(OFF, extra={"maybe": Maybe()})
    assert (records(host)["maybe"].state, records(host)["maybe"].provider) == ("loaded", None)


def test_a_hook_of_another_version_may_be_optional() -> None:
    class Ahead:
        @hookimpl(optionalhook=True)
        def ima2_hologram(self, anything: Any) -> None:
            raise AssertionError

    assert records(PluginHost.load(OFF, extra={"ahead": Ahead()}))["ahead"].state == "loaded"


def test_failures_count_and_the_log_says_each_once(caplog: pytest.LogCaptureFixture) -> None:
    host = PluginHost.load(OFF)
    with caplog.at_level(logging.WARNING):
        for error in ("a", "a", "b"):
            host.note_failure("p", "ima2_status", error)
    assert host.failures == (HookFailure("p", "ima2_status", "b", 3),)
    assert len(caplog.records) == 2
