"""The contract can fail: each way to break it is noticed, by the tests that should notice and by no other."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

import pytest

pytestmark = pytest.mark.timeout(600)  # the contract runs once for each way to break it

BROKEN = Path(__file__).parent / "broken"
sys.path.insert(0, str(BROKEN))
try:
    from points import NAMES, install
    from ways import WAYS
finally:
    sys.path.remove(str(BROKEN))

# The broken ones share a module that imports ima2.models; how light a plugin loads is tried on the other two.
CHOSEN = "not test_loads_light or TestHeavy or TestGood"
EXPECTED = {name: set(way.caught_by) for name, way in WAYS.items()} | {"Heavy": {"test_loads_light"}, "Good": set()}


@pytest.fixture(scope="module")
def noticed(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, set[str]]:
    """Class → names of the contract's tests that failed for it."""
    folder = tmp_path_factory.mktemp("broken")
    install(folder)
    report = folder / "report.xml"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-c", os.devnull, "--rootdir", BROKEN, "-p", "no:cacheprovider"),
            *("-k", CHOSEN, "--junitxml", report, BROKEN / "case_broken.py"),
        ],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(BROKEN)]), "PYTEST_ADDOPTS": ""},
    )
    assert report.is_file(), done.stdout + done.stderr
    found: dict[str, set[str]] = {name: set() for name in NAMES}
    for case in ElementTree.parse(report).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            class_name = case.attrib["classname"].rpartition(".Test")[2]
            found[class_name].add(case.attrib["name"].partition("[")[0])
    return found


@pytest.mark.parametrize("name", sorted(NAMES))
def test_is_noticed(noticed: Mapping[str, set[str]], name: str) -> None:
    assert noticed[name] == EXPECTED[name]


def test_a_test_is_not_replaced_quietly() -> None:
    from ima2_kit.contract import ProviderContract

    def test_generates(self: object) -> None:
        """Weaker than the contract's own."""

    with pytest.raises(TypeError, match="test_generates replaces a test"):
        type("Quiet", (ProviderContract,), {"test_generates": test_generates})
    with pytest.raises(TypeError, match="Say why"):
        type("Mute", (ProviderContract,), {"test_generates": pytest.mark.xfail(test_generates)})
    type("Open", (ProviderContract,), {"test_generates": pytest.mark.xfail(reason="no stand-in")(test_generates)})


def test_a_provider_that_is_not_installed_is_named() -> None:
    from ima2_kit.hooks import entry_point

    with pytest.raises(LookupError, match="0 entry points are named 'nobody'"):
        entry_point("nobody")
