"""What is in the wheels."""

from __future__ import annotations

from email.message import Message
from email.parser import Parser
from pathlib import Path
from zipfile import ZipFile

import pytest
from distributions import CORE, DISTRIBUTIONS, PROVIDERS, ROOT, Distribution
from packaging.requirements import Requirement

pytestmark = pytest.mark.timeout(300)
every_distribution = pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=lambda distribution: distribution.name)


def wheel_of(distribution: Distribution, wheels: Path) -> ZipFile:
    (path,) = wheels.glob(f"{distribution.package}-*-py3-none-any.whl")
    return ZipFile(path)


def metadata(wheel: ZipFile) -> Message:
    (name,) = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
    return Parser().parsestr(wheel.read(name).decode())


@every_distribution
def test_a_wheel_holds_the_sources_and_nothing_else(distribution: Distribution, wheels: Path) -> None:
    """Migrations and type marker in, tests and ``.pth`` files out."""
    with wheel_of(distribution, wheels) as wheel:
        held = {name for name in wheel.namelist() if ".dist-info/" not in name}
    files = (path for path in distribution.source.rglob("*") if path.is_file() and path.suffix != ".pyc")
    assert held == {path.relative_to(distribution.source.parent).as_posix() for path in files}
    assert f"{distribution.package}/py.typed" in held
    assert not [name for name in held if name.endswith(".pth") or "/tests/" in name or "/test_" in name]


def test_the_core_carries_its_migrations(wheels: Path) -> None:
    with wheel_of(CORE, wheels) as wheel:
        held = [name for name in wheel.namelist() if name.startswith("ima2/storage/migrations/")]
    assert "ima2/storage/migrations/0001_ledger.sql" in held


@every_distribution
def test_a_wheel_says_what_it_is(distribution: Distribution, wheels: Path) -> None:
    with wheel_of(distribution, wheels) as wheel:
        facts = metadata(wheel)
        (licence,) = [name for name in wheel.namelist() if name.endswith(".dist-info/licenses/LICENSE")]
        assert wheel.read(licence) == (ROOT / "LICENSE").read_bytes()
    assert facts["Name"] == distribution.name
    assert facts["License-Expression"] == "MIT"
    assert facts["Requires-Python"] == ">=3.11"
    assert facts["Description-Content-Type"] == "text/markdown"
    assert len(facts.get_payload()) > 200, "the page on a package index would be empty"


def test_versions_go_in_lockstep(wheels: Path) -> None:
    versions = {}
    for distribution in DISTRIBUTIONS:
        with wheel_of(distribution, wheels) as wheel:
            versions[distribution.name] = metadata(wheel)["Version"]
    assert len(set(versions.values())) == 1, versions


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.name)
def test_a_provider_wants_a_core_that_it_knows(provider: Distribution, wheels: Path) -> None:
    """This version of the core will do, the next minor one will not."""
    with wheel_of(CORE, wheels) as wheel:
        version = metadata(wheel)["Version"]
    major, minor, _ = version.split(".")
    core: Requirement = provider.requirements[CORE.name]
    assert version in core.specifier
    assert f"{major}.{int(minor) + 1}.0" not in core.specifier
