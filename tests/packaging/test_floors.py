"""Who may import whom: the floors of the house, and what a provider may touch."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions

import pytest
from distributions import CORE, DISTRIBUTIONS, PROVIDERS, Distribution, Module
from packaging.utils import canonicalize_name

FLOORS = ({"errors", "models"}, {"hookspecs"}, {"upstream", "storage", "settings"}, {"kernel"}, {"server", "cli"})
OPEN_TO_PROVIDERS = {"errors", "models", "hookspecs", "upstream"}
PART_OF = {"pydantic_core": "pydantic"}
"""pydantic requires exactly one version of its core and raises the core's exceptions."""
ROOT_NAMES = {"__version__", "hookimpl"}
PROVIDER_NAMES = {"oauth", "grok", *(name for provider in PROVIDERS for name in provider.providers)}


def core_part(name: str) -> str | None:
    """``ima2.kernel.requests.check.problems`` → ``kernel``; None for what is no part of the core."""
    head, _, rest = name.partition(".")
    part = rest.split(".")[0]
    return part if head == CORE.package and part not in ROOT_NAMES else None


def floor(part: str) -> int:
    return next(number for number, parts in enumerate(FLOORS) if part in parts)


def test_every_part_of_the_core_has_a_floor() -> None:
    parts = {path.stem for path in CORE.source.iterdir() if path.suffix in {"", ".py"}} - {"__pycache__"}
    assert parts == {"__init__", "__main__"}.union(*FLOORS)


def test_the_core_imports_downwards() -> None:
    wrong = [
        f"{module.name} imports {name}"
        for module in CORE.modules()
        if (own := core_part(module.name)) and own != "__main__"
        for name in module.imports()
        if (part := core_part(name)) and floor(part) > floor(own)
    ]
    assert wrong == []


def test_the_command_line_and_the_server_stand_side_by_side() -> None:
    """Both are on the kernel; only the commands that start a server know of it."""
    crossing = {
        module.name
        for module in CORE.modules()
        for name in module.imports()
        if {core_part(module.name), core_part(name)} == {"cli", "server"}
    }
    assert crossing == {"ima2.cli.server"}


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.name)
def test_a_provider_touches_only_what_is_open_to_it(provider: Distribution) -> None:
    wrong = [
        f"{module.name} imports {name}"
        for module in provider.modules()
        for name in module.imports()
        if (part := core_part(name)) and part not in OPEN_TO_PROVIDERS
    ]
    assert wrong == []


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=lambda distribution: distribution.name)
def test_a_distribution_imports_only_what_it_requires(distribution: Distribution) -> None:
    required = {canonicalize_name(name) for name in distribution.requirements}
    homes = packages_distributions()
    wrong = [
        f"{module.name} imports {top}"
        for module in distribution.modules()
        for top in {name.partition(".")[0] for name in module.imports()}
        if top != distribution.package and top not in sys.stdlib_module_names
        if not required & {canonicalize_name(home) for home in [PART_OF.get(top), *homes.get(top, [top])] if home}
    ]
    assert wrong == []


def test_the_core_names_no_provider() -> None:
    named = [
        f"{module.name}:{constant.lineno} {constant.value!r}"
        for module in CORE.modules()
        for constant in strings(module)
        if constant.value in PROVIDER_NAMES
    ]
    assert named == []


def strings(module: Module) -> Iterator[ast.Constant]:
    for node in ast.walk(module.tree()):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node
