"""From wheels, without an index, into an environment that has nothing else: providers come and go alone."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pytest
from distributions import CORE, PROVIDERS
from environments import Environment

pytestmark = pytest.mark.timeout(600)
NAMES = {provider.name: provider.providers[0] for provider in PROVIDERS}


def installed(environment: Environment) -> list[str]:
    """Ids of the providers that the command lists."""
    done = environment.run("ima2", "providers", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    return sorted(provider["id"] for provider in json.loads(done.stdout)["providers"])


def needs(name: str) -> set[str]:
    """Distributions of providers that come along with one, itself among them: one may build on another."""
    (own,) = [provider for provider in PROVIDERS if provider.name == name]
    return {name}.union(*(needs(other) for other in own.requirements if other in NAMES))


def ids(names: Iterable[str]) -> list[str]:
    return sorted(NAMES[name] for name in names)


@pytest.mark.parametrize("name", NAMES)
def test_one_command_brings_a_provider_and_one_takes_it_away(environment: Environment, name: str) -> None:
    """It brings the core along, and leaves it."""
    environment.install(name)
    assert installed(environment) == ids(needs(name))
    environment.uninstall(name)
    assert installed(environment) == ids(needs(name) - {name})
    environment.uninstall(*needs(name))
    assert installed(environment) == []


def test_no_provider_notices_that_another_leaves(environment: Environment) -> None:
    """But for those that say they build on it, of which nothing is asked here."""
    environment.install(*NAMES)
    assert installed(environment) == ids(NAMES)
    for name, provider in NAMES.items():
        environment.uninstall(name)
        left = installed(environment)
        assert provider not in left
        assert set(ids(other for other in NAMES if name not in needs(other))) <= set(left)
        environment.install(name)


def test_without_a_provider_the_command_says_what_is_missing(environment: Environment) -> None:
    environment.uninstall(*NAMES)
    done = environment.run("ima2", "generate", "a red fox", "--json")
    facts = json.loads(done.stdout)
    assert done.returncode != 0
    assert facts["ok"] is False
    assert facts["paid"] == "no"


def test_an_installation_from_wheels_draws(environment: Environment, tmp_path: Path) -> None:
    environment.install("ima2-sketch")
    target = tmp_path / "fox.png"
    done = environment.run("ima2", "generate", "a red fox", "--provider", "sketch", "--json", "-o", str(target))
    assert done.returncode == 0, done.stdout + done.stderr
    assert target.read_bytes().startswith(b"\x89PNG")
    assert json.loads(done.stdout)["provider"] == "sketch"


def test_what_is_installed_fits_together(environment: Environment) -> None:
    environment.install(*NAMES)
    assert "No broken requirements" in environment.pip("check")
    assert environment.run("ima2", "--version").stdout.strip() == CORE_VERSION


CORE_VERSION = next(
    line.partition('"')[2].rstrip('"')
    for line in (CORE.source / "__init__.py").read_text(encoding="utf-8").splitlines()
    if line.startswith("__version__")
)
