"""A provider's settings as the defaults of a request."""

from __future__ import annotations

from pathlib import Path

import pytest
from ima2.hookspecs import ProviderInfo, Setting
from ima2.kernel.requests.fill import fill
from ima2.models import Request
from ima2.settings.config import ConfigFile
from ima2.settings.values import SettingsView

INFO = ProviderInfo(
    id="fake",
    title="Fake",
    settings=(
        Setting("image_model", default="draws", env=("FAKE_IMAGE_MODEL",)),
        Setting("video_model", default="films"),
        Setting("image_tool", default="brush", per_request=True),
    ),
)


def filled(folder: Path, kind: str, env: dict[str, str], model: str | None = None) -> Request:
    request = Request.model_validate({"id": "r", "prompt": "p", "kind": kind, "model": model})
    return fill(request, INFO, SettingsView(ConfigFile(folder / "config.json"), env))[0]


def test_a_default_for_one_kind_of_request(tmp_path: Path) -> None:
    assert filled(tmp_path, "image", {}).model == "draws"
    assert filled(tmp_path, "video", {}).model == "films"
    assert filled(tmp_path, "image", {"FAKE_IMAGE_MODEL": "paints"}).model == "paints"


def test_an_option_of_other_kinds_is_ignored_with_a_warning(tmp_path: Path) -> None:
    planner = Setting("planner", default="p", per_request=True, kinds=("image",))
    info = ProviderInfo(id="fake", title="Fake", settings=(planner,))
    view = SettingsView(ConfigFile(tmp_path / "config.json"), {})
    found = {}
    for kind in ("image", "text"):
        request = Request.model_validate({"id": "r", "prompt": "p", "kind": kind, "options": {"planner": "mine"}})
        changed, warnings = fill(request, info, view)
        found[kind] = (changed.options, [(each.code, each.field) for each in warnings])
    assert found == {"image": ({"planner": "mine"}, []), "text": ({}, [("OPTION_IGNORED", "planner")])}


@pytest.mark.parametrize("kind", ["image", "video"])
def test_what_the_request_says_wins(tmp_path: Path, kind: str) -> None:
    request = filled(tmp_path, kind, {}, "mine")
    assert request.model == "mine"
    assert request.options == {"image_tool": "brush"}
