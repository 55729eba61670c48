"""Which value counts, and what is no value."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ima2.errors import InvalidRequest
from ima2.hookspecs import ProviderInfo, Setting
from ima2.settings.config import ConfigFile
from ima2.settings.core import CORE, LAN_TOKEN, LOG_LEVEL, PORT
from ima2.settings.values import SettingsView, Value, convert, effective, resolve

SIZE = Setting("size", default="1024x1024", env=("ACME_SIZE", "OLD_SIZE"), key="acme.defaultSize", per_request=True)
SECRET = Setting("api_key", env=("ACME_KEY",), key="acmeKey", secret=True, choices=("right",))


def test_request_over_environment_over_file_over_default() -> None:
    env, config = {"OLD_SIZE": "env"}, {"acme": {"defaultSize": "file"}}
    assert resolve(SIZE, env=env, config=config, override="mine") == Value("mine", "request", "size")
    assert resolve(SIZE, env=env, config=config) == Value("env", "env", "OLD_SIZE")
    assert resolve(SIZE, env={**env, "ACME_SIZE": "new"}, config=config) == Value("new", "env", "ACME_SIZE")
    assert resolve(SIZE, env={}, config=config) == Value("file", "config", "acme.defaultSize")
    assert resolve(SIZE, env={}, config={}) == Value("1024x1024", "default", "size")


@pytest.mark.parametrize("config", [{}, {"acme": None}, {"acme": 3}, {"acme": {"defaultSize": ""}}, {"acme": []}])
def test_nothing_is_unset(config: dict[str, Any]) -> None:
    assert resolve(SIZE, env={"ACME_SIZE": "", "OLD_SIZE": ""}, config=config, override="").origin == "default"


def test_a_false_or_zero_in_the_file_is_a_value() -> None:
    flag = Setting("flag", "boolean", True, key="a.flag")
    count = Setting("count", "integer", 7, key="a.count")
    config = {"a": {"flag": False, "count": 0}}
    assert effective([flag, count], env={}, config=config) == {"flag": False, "count": 0}


@pytest.mark.parametrize(
    ("kind", "raw", "expected"),
    [
        ("boolean", True, True),
        ("boolean", "YES", True),
        ("boolean", " true ", True),
        ("boolean", 1, True),
        ("boolean", "0", False),
        ("boolean", "No", False),
        ("integer", "3333", 3333),
        ("integer", " -5 ", -5),
        ("integer", 7.0, 7),
        ("number", "0.5", 0.5),
        ("number", 2, 2.0),
        ("string", "", ""),
        ("string", 50, "50"),
        ("string", ["a", "b"], "a,b"),
    ],
)
def test_text_and_json_become_the_type(kind: Any, raw: Any, expected: Any) -> None:
    value = convert(Setting("x", kind), raw, "here")
    assert (value, type(value)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        ("boolean", "maybe"),
        ("boolean", 2),
        ("boolean", []),
        ("boolean", ""),
        ("integer", True),
        ("integer", "1.5"),
        ("integer", 1.5),
        ("integer", "1_000"),
        ("integer", "٣"),
        ("integer", "9" * 30),
        ("integer", float("inf")),
        ("integer", {}),
        ("number", "nan"),
        ("number", "inf"),
        ("number", 10**400),
        ("number", False),
        ("number", None),
        ("string", True),
        ("string", {"a": 1}),
        ("string", [1]),
    ],
)
def test_a_wrong_type_names_its_place(kind: Any, raw: Any) -> None:
    with pytest.raises(InvalidRequest) as caught:
        convert(Setting("x", kind), raw, "ACME_X")
    assert caught.value.code == "INVALID_SETTING"
    assert caught.value.message.startswith("ACME_X: ")


@pytest.mark.parametrize(
    ("text", "expected"), [("1", True), ("TRUE", True), ("yes", True), ("on", False), ("2", False)]
)
def test_an_unknown_word_in_a_variable_is_false(text: str, expected: bool) -> None:
    flag = Setting("flag", "boolean", True, env=("FLAG",), key="flag")
    assert resolve(flag, env={"FLAG": text}, config={}).value is expected
    if not expected:
        with pytest.raises(InvalidRequest):
            resolve(flag, env={}, config={"flag": text})


def test_choices_and_limits_are_said() -> None:
    with pytest.raises(InvalidRequest, match=r"IMA2_LOG_LEVEL: 'loud' is not one of debug, info, warn, error\."):
        resolve(LOG_LEVEL, env={"IMA2_LOG_LEVEL": "loud"}, config={})
    for port in ("65536", "-1"):
        with pytest.raises(InvalidRequest, match=r"65535 or less|0 or more"):
            resolve(PORT, env={"PORT": port}, config={})
    assert resolve(PORT, env={"PORT": "0"}, config={}).value == 0


def test_a_secret_is_not_repeated() -> None:
    with pytest.raises(InvalidRequest) as caught:
        resolve(SECRET, env={"ACME_KEY": "sk-private"}, config={})
    assert "sk-private" not in str(caught.value.to_dict())


@pytest.mark.parametrize("name", ["api_key", "fixed", "nobody"])
def test_a_request_changes_only_what_it_may(name: str) -> None:
    secret = Setting("api_key", secret=True, per_request=True)
    with pytest.raises(InvalidRequest) as caught:
        effective([SIZE, secret, Setting("fixed")], env={}, config={}, overrides={"size": "s", name: "x"})
    assert (caught.value.code, caught.value.field) == ("UNKNOWN_FIELD", name)
    assert "size" in caught.value.message


def test_the_view_follows_the_file(tmp_path: Path) -> None:
    config = ConfigFile(tmp_path / "config.json")
    view = SettingsView(config, {})
    info = ProviderInfo("acme", "Acme", settings=(SIZE,))
    assert view.for_provider(info) == {"size": "1024x1024"}
    config.set("acme.defaultSize", "512x512")
    config.set("providers.order", ["b", "a"])
    config.set("limits.maxParallel", "3")
    assert view.for_provider(info) == {"size": "512x512"}
    assert view.for_provider(info, {"size": "1x1"}) == {"size": "1x1"}
    assert view.providers_order() == ("b", "a")
    assert view.limit_parallel() == 3
    assert SettingsView(config, {"IMA2_PROVIDERS_ORDER": " c, ,d"}).providers_order() == ("c", "d")


def test_the_core_settings_stand_without_any_environment(tmp_path: Path) -> None:
    view = SettingsView(ConfigFile(tmp_path / "none.json"), {})
    assert {setting.name: view.resolve(setting).origin for setting in CORE} == {s.name: "default" for s in CORE}
    assert view.resolve(PORT).value == 3333
    assert view.providers_order() == ()
    assert LAN_TOKEN.key is None, "a token is not kept in a file that people share"
    keys = [setting.key for setting in CORE if setting.key]
    assert len(keys) == len(set(keys))
