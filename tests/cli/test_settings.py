"""``ima2 config`` and ``ima2 defaults``."""

from __future__ import annotations

import json
import stat
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

PLUGIN = """
from ima2.hookspecs import Capabilities, ModelInfo, ProviderInfo, Setting, hookimpl

MODELS = tuple(
    ModelInfo(id=name, use=f"for {{name}}", capabilities=Capabilities(reasoning_efforts=("low", "high")))
    for name in {models!r}
)
SETTINGS = (
    Setting("model", default={models!r}[0], env=("{upper}_MODEL",), key="{name}.model", shared="model"),
    Setting("reasoning_effort", default="low", key="{name}.effort", shared="reasoning", choices=("low", "high")),
    Setting("api_key", secret=True, env=("{upper}_KEY",), key="{name}Key"),
)


@hookimpl
def ima2_provider():
    return ProviderInfo(id="{name}", title="{name}", settings=SETTINGS, models=MODELS)
"""


@pytest.fixture
def plugins(tmp_path: Any) -> Mapping[str, str]:
    """Two more providers, ``ping`` and ``pong``, that share the model ``both``."""
    site = tmp_path / "site"
    for name, models in (("ping", ("one", "both")), ("pong", ("two", "both"))):
        info = site / f"{name}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[ima2]\n{name} = {name}_plugin\n")
        (site / f"{name}_plugin.py").write_text(PLUGIN.format(name=name, upper=name.upper(), models=models))
    return {"PYTHONPATH": str(site), "IMA2_DISABLE_PLUGINS": "api,oauth,grok"}


def _file(cli: Any) -> Any:
    return json.loads((cli.home / "ima2" / "config.json").read_text())


def test_path(cli: Any) -> None:
    assert cli("config", "path").out == f"{cli.home / 'ima2' / 'config.json'}\n"


def test_set_get_rm(cli: Any) -> None:
    assert cli("config", "get", "server.port").out == "3333\n"
    assert cli("config", "set", "server.port", "4000", "--json").json["value"] == 4000
    assert _file(cli) == {"server": {"port": 4000}}
    assert cli("config", "get", "server.port", "--json").json == {"key": "server.port", "value": 4000}
    assert cli("config", "ls", "--json").json == {"server": {"port": 4000}}
    assert cli("config", "rm", "server.port", "-y", "--json").json["removed"] is True
    assert cli("config", "rm", "server.port", "-y", "--json").json["removed"] is False
    assert _file(cli) == {}
    if sys.platform != "win32":
        assert stat.S_IMODE((cli.home / "ima2" / "config.json").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("args", "code", "exit_code"),
    [
        (("set", "nothing.here", "1"), "UNKNOWN_KEY", 2),
        (("set", "server.port", "many"), "INVALID_SETTING", 2),
        (("set", "server.port", "70000"), "INVALID_SETTING", 2),
        (("set", "log.level", "loud"), "INVALID_SETTING", 2),
        (("set", "pingKey", "sk-1"), "SECRET_KEY", 2),
        (("rm", "server.port"), "CONFIRMATION_NEEDED", 2),
        (("get", "nothing.here"), "NOT_SET", 5),
    ],
)
def test_refused(cli: Any, plugins: Any, args: tuple[str, ...], code: str, exit_code: int) -> None:
    (cli.home / "ima2").mkdir()
    (cli.home / "ima2" / "config.json").write_text('{"server": {"port": 5}}')
    if args[0] == "get":
        refused = cli("config", *args, env=plugins)
        assert refused.code == exit_code
        return
    refused = cli("config", *args, "--json", env=plugins)
    assert (refused.json["code"], refused.code) == (code, exit_code)
    assert _file(cli) == {"server": {"port": 5}}


def test_a_broken_file_is_named_and_left_alone(cli: Any) -> None:
    (cli.home / "ima2").mkdir()
    (cli.home / "ima2" / "config.json").write_text("{broken")
    refused = cli("config", "set", "server.port", "4000", "--json")
    assert refused.json["code"] == "CONFIG_MALFORMED"
    assert (cli.home / "ima2" / "config.json").read_text() == "{broken"


def test_secrets_are_redacted(cli: Any, plugins: Any) -> None:
    secret = "sk-very-secret-1234567890"
    (cli.home / "ima2").mkdir()
    content = {
        "apiKey": secret,
        "pingKey": secret,
        "other": {"access_token": secret, "vertexServiceAccountJson": secret},
    }
    (cli.home / "ima2" / "config.json").write_text(json.dumps(content))
    env = {**plugins, "PONG_KEY": secret, "IMA2_LAN_TOKEN": secret}
    for line in ("ls", "ls --json", "ls --show-origin", "ls --effective --json", "get apiKey", "get pingKey --json"):
        shown = cli("config", *line.split(), env=env)
        assert shown.code == 0, shown.err
        assert "<redacted>" in shown.out
        assert secret not in shown.out + shown.err
    for line in (("defaults", "--json"), ("plugins", "--json"), ("providers", "--json"), ("capabilities",)):
        assert secret not in cli(*line, env=env).out


def test_origins(cli: Any) -> None:
    cli("config", "set", "server.port", "4000")
    listed = cli("config", "ls", "--show-origin", "--json", env={"IMA2_HOST": "::1"}).json["settings"]
    origins = {
        each["name"]: (each["value"], each["origin"], each["source"]) for each in listed if each["owner"] == "ima2"
    }
    assert origins["port"] == (4000, "config", "server.port")
    assert origins["host"] == ("::1", "env", "IMA2_HOST")
    assert origins["log_level"] == ("info", "default", "logLevel")


def test_a_variable_that_overrides_is_told(cli: Any) -> None:
    said = cli("config", "set", "server.port", "4000", "--json", env={"IMA2_PORT": "1"})
    assert said.json["overriddenBy"] == "IMA2_PORT"
    assert "IMA2_PORT" in said.err


def test_keys(cli: Any) -> None:
    keys = {each["key"]: each["env"] for each in cli("config", "keys", "--json").json["keys"]}
    assert keys["server.port"] == "IMA2_PORT"
    assert keys["sketch.delay"] == "IMA2_SKETCH_DELAY"


def test_a_setting_counts_for_the_next_job(cli: Any) -> None:
    cli("config", "set", "sketch.size", "96x64")
    assert cli("gen", "a", "--provider", "sketch", "--json").json["size"] == "96x64"


def test_twelve_writers_at_once(cli: Any) -> None:
    keys = ["server.port", "limits.maxParallel", "history.defaultPageSize", "sketch.delay"]
    with ThreadPoolExecutor(12) as pool:
        codes = list(pool.map(lambda number: cli("config", "set", keys[number % 4], "7").code, range(12)))
    assert codes == [0] * 12
    assert _file(cli) == {
        "server": {"port": 7},
        "limits": {"maxParallel": 7},
        "history": {"defaultPageSize": 7},
        "sketch": {"delay": 7},
    }


def test_default_model_of_all_that_share_it(cli: Any, plugins: Any) -> None:
    said = cli("defaults", "set", "model", "both", "--json", env=plugins)
    assert said.json["written"] == ["ping.model", "pong.model"]
    assert _file(cli) == {"ping": {"model": "both"}, "pong": {"model": "both"}}
    listed = cli("defaults", "--json", env=plugins).json
    assert listed["defaults"]["ping"]["model"] == "both"
    assert listed["origins"]["ping"]["model"] == {"origin": "config", "source": "ping.model"}
    assert listed["origins"]["ping"]["reasoningEffort"]["origin"] == "default"
    assert "apiKey" not in listed["defaults"]["ping"]


def test_default_model_of_the_one_that_has_it(cli: Any, plugins: Any) -> None:
    said = cli("defaults", "set", "model", "one", env=plugins)
    assert said.code == 0
    assert _file(cli) == {"ping": {"model": "one"}}
    assert "pong has no one" in said.err


def test_default_reasoning(cli: Any, plugins: Any) -> None:
    assert cli("defaults", "set", "reasoning", "high", env=plugins).code == 0
    assert _file(cli) == {"ping": {"effort": "high"}, "pong": {"effort": "high"}}


@pytest.mark.parametrize("words", ["model nothing", "reasoning deepest", "colour red", "model"])
def test_bad_defaults(cli: Any, plugins: Any, words: str) -> None:
    refused = cli("defaults", "set", *words.split(), env=plugins)
    assert refused.code == 2
    assert not (cli.home / "ima2" / "config.json").exists()


def test_default_overridden_by_the_environment(cli: Any, plugins: Any) -> None:
    said = cli("defaults", "set", "model", "both", "--json", env={**plugins, "PONG_MODEL": "two"})
    assert said.json["overriddenBy"] == ["PONG_MODEL"]
    assert "PONG_MODEL" in said.err


def test_defaults_reset(cli: Any, plugins: Any) -> None:
    cli("defaults", "set", "model", "both", env=plugins)
    assert cli("defaults", "reset", "model", "--json", env=plugins).json["removed"] == ["ping.model", "pong.model"]
    assert cli("defaults", "--json", env=plugins).json["origins"]["ping"]["model"]["origin"] == "default"


def test_nothing_to_share(cli: Any) -> None:
    refused = cli("defaults", "set", "model", "x", "--json", env={"IMA2_PLUGINS": "off"})
    assert (refused.json["code"], refused.code) == ("NOTHING_SHARED", 2)
