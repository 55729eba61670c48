"""Plugins as they are in life: installed distributions, some of them broken, all found by one process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PREAMBLE = "from ima2.hookspecs import hookimpl, ProviderInfo, Command\n"

GOOD = (
    PREAMBLE
    + """
@hookimpl
def ima2_provider():
    return ProviderInfo("{name}", "Good")
@hookimpl
def ima2_commands():
    return [Command("{name}", "x:y")]
"""
)

PROVIDER = PREAMBLE + "@hookimpl\ndef ima2_provider():\n    return "

BAD: dict[str, tuple[str, str]] = {
    "import-error": ("import nothing_of_this_name", "No module named 'nothing_of_this_name'"),
    "syntax-error": ("def (", "SyntaxError"),
    "sys-exit": ("import sys\nsys.exit(3)", "called sys.exit(3)"),
    "base-exception": ("raise BaseException('boo')", "BaseException: boo"),
    "generator-exit": ("raise GeneratorExit", "GeneratorExit"),
    "hang": ("import threading\nthreading.Event().wait()", "took longer than"),
    "signal": ("import signal\nsignal.signal(signal.SIGINT, signal.SIG_DFL)", "signal only works in main thread"),
    "signature": (PREAMBLE + "@hookimpl\ndef ima2_check(request, wish): pass", "wish"),
    "unknown-hook": (
        PREAMBLE + "@hookimpl\ndef ima2_comands(): pass\n@hookimpl\ndef ima2_doctor_checks(): 1 / 0",
        "ima2_comands is no hook of ima2; did you mean ima2_commands?",
    ),
    "no-provider": (PREAMBLE + "@hookimpl\ndef ima2_check(request): pass", "is no provider: only wrap it"),
    "async-wrapper": (
        PREAMBLE + "@hookimpl(wrapper=True)\nasync def ima2_check(request):\n    yield",
        "not a generator function",
    ),
    "specname": (
        PREAMBLE + "@hookimpl(specname='ima2_commands')\ndef ima2_more_commands(): pass",
        "must have the name of its hook, ima2_commands",
    ),
    "provider-raises": (PROVIDER + "1 / 0", "ZeroDivisionError"),
    "provider-exits": (PROVIDER + "exit(1)", "sys.exit(1)"),
    "provider-hangs": (PROVIDER + "__import__('threading').Event().wait()", "ima2_provider took longer than"),
    "provider-wrong-type": (PROVIDER + "{'id': 'x'}", "must return a ProviderInfo, not dict"),
    "provider-id-upper": (PROVIDER + "ProviderInfo('Acme', 'A')", "can't be a provider's id"),
    "provider-id-number": (PROVIDER + "ProviderInfo(7, 'A')", "can't be a provider's id"),
    "provider-id-newline": (PROVIDER + "ProviderInfo('acme\\n', 'A')", "can't be a provider's id"),
    "provider-id-auto": (PROVIDER + "ProviderInfo('auto', 'A')", "can't be a provider's id"),
    "provider-priority": (PROVIDER + "ProviderInfo('p', 'A', priority='high')", "priority must be int"),
    "provider-billing": (PROVIDER + "ProviderInfo('p', 'A', billing='barter')", "billing must be"),
    "provider-settings": (PROVIDER + "ProviderInfo('p', 'A', settings=None)", "settings must be a tuple of Setting"),
    "provider-models": (PROVIDER + "ProviderInfo('p', 'A', models=('m',))", "models must be a tuple of ModelInfo"),
    "twin-id": (PROVIDER + "ProviderInfo('aa-good', 'A')", "exists already, from the plugin 'aa-good'"),
}
OBJECTS = {
    "unhashable": ("plugin = {}", "must be hashable"),
    "none": ("plugin = None", "names None"),
    "missing": ("", "no attribute 'plugin'"),
}

CHILD = """
import json, os, sys
from dataclasses import asdict
from ima2.kernel.plugins.collect import collect
from ima2.kernel.plugins.host import PluginHost
host = PluginHost.load(os.environ, deadline=float(sys.argv[1]), strict="strict" in sys.argv)
heavy = sorted({"httpx", "aiohttp", "pydantic", "PIL", "rich", "asyncio"} & set(sys.modules))
print(json.dumps({
    "records": [
        {"name": r.name, "state": r.state, "error": r.error, "provider": r.provider, "hooks": r.hooks,
         "distribution": r.distribution, "version": r.version, "ms": r.load_ms}
        for r in host.records
    ],
    "providers": [info.id for info in host.providers],
    "commands": [name for name, command in collect(host, "ima2_commands")],
    "checks": [name for name, check in collect(host, "ima2_doctor_checks")],
    "heavy": heavy,
}))
"""


def install(site: Path, name: str, source: str, *, point: str = "", module: str = "") -> None:
    module = module or "plugin_" + name.replace("-", "_")
    (site / f"{module}.py").write_text(source)
    folder = site / f"{module}-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text(f"[ima2]\n{name} = {module}{point}\n")


def load(site: Path, *args: str, **env: str) -> dict[str, Any]:
    done = run(site, *args, **env)
    assert done.returncode == 0, done.stderr
    parsed: dict[str, Any] = json.loads(done.stdout)
    parsed["stderr"] = done.stderr
    return parsed


def run(site: Path, *args: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", CHILD, *(args or ("5",))]
    environment = {**os.environ, "PYTHONPATH": str(site), **env}
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=100, check=False)


def good(site: Path, name: str) -> None:
    install(site, name, GOOD.format(name=name))


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One process with every bad plugin, between two good ones."""
    site = tmp_path_factory.mktemp("site")
    good(site, "aa-good")
    good(site, "zz-good")
    for name, (source, _) in BAD.items():
        install(site, name, source)
    for name, (source, _) in OBJECTS.items():
        install(site, name, source, point=":plugin")
    install(site, "aa-good", GOOD.format(name="usurper"), module="usurper")
    install(site, "zz-good", "raise RuntimeError('broken')", module="a_broken_one_that_comes_first")
    return load(site, "3")


@pytest.mark.parametrize("name", [*BAD, *OBJECTS])
def test_a_bad_plugin_is_one_line(crowd: dict[str, Any], name: str) -> None:
    (record,) = [record for record in crowd["records"] if record["name"] == name]
    expected = {**BAD, **OBJECTS}[name][1]
    assert record["state"] == "failed"
    assert expected in record["error"]
    assert "\n" not in record["error"]
    assert record["provider"] is None
    assert (record["distribution"], record["version"]) == ("plugin_" + name.replace("-", "_"), "1.0")
    assert f"plugin {name} failed" in crowd["stderr"]


def test_its_neighbours_live(crowd: dict[str, Any]) -> None:
    assert {"aa-good", "zz-good"} <= set(crowd["providers"])
    assert not {"p", "auto", "acme"} & set(crowd["providers"])
    assert {"aa-good", "zz-good"} <= set(crowd["commands"])
    assert not (set(BAD) | set(OBJECTS)) & {*crowd["commands"], *crowd["checks"]}


def test_of_two_with_one_name_the_first_that_works_stays(crowd: dict[str, Any]) -> None:
    states = {
        (record["name"], record["distribution"]): (record["state"], record["error"])
        for record in crowd["records"]
        if record["name"].endswith("-good")
    }
    assert states == {
        ("aa-good", "plugin_aa_good"): ("loaded", None),
        ("aa-good", "usurper"): ("failed", "another plugin has this name already."),
        ("zz-good", "plugin_zz_good"): ("loaded", None),
        ("zz-good", "a_broken_one_that_comes_first"): ("failed", "RuntimeError: broken"),
    }


def test_records_come_by_name(crowd: dict[str, Any]) -> None:
    names = [record["name"] for record in crowd["records"]]
    assert names == sorted(names)


def test_loading_is_light(tmp_path: Path) -> None:
    good(tmp_path, "aa-good")
    assert set(load(tmp_path)["heavy"]) <= {"asyncio"}, "of all that is installed"
    assert load(tmp_path, IMA2_PLUGINS="off")["heavy"] == [], "of the host itself"


def test_an_unreadable_distribution_hides_nobody(tmp_path: Path) -> None:
    good(tmp_path, "aa-good")
    install(tmp_path, "broken", "")
    (tmp_path / "plugin_broken-1.0.dist-info" / "entry_points.txt").write_text("[ima2]\nno equals sign here\n")
    found = load(tmp_path)
    assert "aa-good" in found["providers"]
    (record,) = [record for record in found["records"] if record["name"] == "plugin_broken"]
    assert "entry_points.txt can't be read" in record["error"]
    assert len([record for record in found["records"] if record["name"] == "aa-good"]) == 1


def test_off_loads_none_and_says_so(tmp_path: Path) -> None:
    install(tmp_path, "sys-exit", "import sys\nsys.exit(3)")
    good(tmp_path, "aa-good")
    found = load(tmp_path, IMA2_PLUGINS="OFF")
    assert {record["state"] for record in found["records"]} == {"disabled"}
    assert {"sys-exit", "aa-good"} <= {record["name"] for record in found["records"]}
    assert found["providers"] == []


def test_single_plugins_can_be_left_out(tmp_path: Path) -> None:
    for name in ("aa-good", "bb-good", "cc-good"):
        good(tmp_path, name)
    found = load(tmp_path, IMA2_DISABLE_PLUGINS="aa-good, cc-good,,unheard-of")
    states = {record["name"]: record["state"] for record in found["records"]}
    assert (states["aa-good"], states["bb-good"], states["cc-good"]) == ("disabled", "loaded", "disabled")
    assert found["commands"].count("bb-good") == 1
    assert not {"aa-good", "cc-good"} & set(found["commands"])


def test_strict_stops_at_the_first_bad_one(tmp_path: Path) -> None:
    install(tmp_path, "0-bad", "import sys\nsys.exit(0)")
    done = run(tmp_path, "5", "strict")
    assert done.returncode == 1
    assert "The plugin 0-bad failed: it called sys.exit(0)" in done.stderr


def test_an_interrupt_is_the_users_and_ends_the_process(tmp_path: Path) -> None:
    install(tmp_path, "0-interrupt", "raise KeyboardInterrupt")
    done = run(tmp_path)
    assert done.returncode != 0
    assert "KeyboardInterrupt" in done.stderr
    assert done.stdout == ""


def test_traced_calls_name_plugins_and_no_values(tmp_path: Path) -> None:
    good(tmp_path, "aa-good")
    found = load(tmp_path, IMA2_TRACE_HOOKS="1")
    assert "hook ima2_commands() asks aa-good" in found["stderr"]
    assert "hook ima2_commands returned list" in found["stderr"]
    assert "x:y" not in found["stderr"]
