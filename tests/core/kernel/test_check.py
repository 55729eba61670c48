from __future__ import annotations

from typing import Any

import pytest
from ima2.hookspecs import Capabilities, ModelInfo, ProviderInfo, SizeRule
from ima2.kernel.requests.check import check_table
from ima2.models import Reference, Request

INFO = ProviderInfo(id="fake", title="Fake")
FULL = Capabilities(
    operations=("generate", "edit"),
    sizes=SizeRule(fixed=("8x8",)),
    qualities=("low",),
    formats=("png",),
    moderations=("auto",),
    reasoning_efforts=("low",),
    backgrounds=("opaque",),
    duration=(1, 10),
    max_references=1,
    max_count=4,
    seed=True,
    compression=True,
    web_search="optional",
)


def picture(role: str) -> Reference:
    return Reference.model_validate(
        {"sha256": "0", "media_type": "image/png", "width": 8, "height": 8, "size": 9, "role": role}
    )


def check(caps: Capabilities, **fields: Any) -> tuple[list[str], list[str | None]]:
    request = Request.model_validate({"id": "r", "prompt": "p", "model": "m", **fields})
    checked = check_table(request, INFO, ModelInfo(id="m", capabilities=caps))
    return [problem.code for problem in checked.problems], [warning.field for warning in checked.warnings]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"operation": "extend"}, "OPERATION_UNSUPPORTED"),
        ({"references": (picture("reference"),) * 2}, "REF_TOO_MANY"),
        ({"references": (picture("source"), picture("mask"))}, "MASK_UNSUPPORTED"),
        ({"n": 5}, "INVALID_COUNT"),
        ({"size": "9x9"}, "INVALID_SIZE"),
        ({"quality": "high"}, "INVALID_QUALITY"),
        ({"format": "gif"}, "INVALID_FORMAT"),
        ({"moderation": "low"}, "INVALID_MODERATION"),
        ({"reasoning_effort": "max"}, "INVALID_REASONING_EFFORT"),
        ({"background": "transparent"}, "INVALID_BACKGROUND"),
        ({"duration": 11}, "INVALID_VIDEO_DURATION"),
    ],
)
def test_what_the_table_lacks_is_refused(fields: dict[str, Any], code: str) -> None:
    assert check(FULL, **fields) == ([code], [])


def test_what_cannot_be_chosen_is_taken_out_of_the_request() -> None:
    asked = {"quality": "low", "seed": 7, "partial_images": 2, "size": "8x8"}
    request = Request.model_validate({"id": "r", "prompt": "p", "model": "m", **asked})
    checked = check_table(request, INFO, ModelInfo(id="m", capabilities=Capabilities()))
    assert checked.left_out == {"quality": None, "seed": None, "partial_images": 0}
    assert check_table(request, INFO, ModelInfo(id="m", capabilities=FULL)).left_out == {"partial_images": 0}


def test_what_it_has_passes() -> None:
    fields = {"size": "8x8", "quality": "low", "format": "png", "seed": 1, "compression": 9, "web_search": True}
    assert check(FULL, references=(picture("source"), picture("reference")), operation="edit", n=4, **fields) == (
        [],
        [],
    )


def test_what_can_not_be_chosen_is_left_out_with_a_warning() -> None:
    fields = {"size": "9x9", "quality": "high", "compression": 3, "seed": 1, "partial_images": 2, "web_search": True}
    problems, warned = check(Capabilities(), **fields)
    assert problems == []
    assert sorted(map(str, warned)) == sorted(
        ["size", "quality", "compression", "seed", "partialImages", "webSearchEnabled"]
    )


def test_a_search_that_always_happens_can_not_be_switched_off() -> None:
    assert check(Capabilities(web_search="always"), web_search=False) == ([], ["webSearchEnabled"])
    assert check(Capabilities(web_search="always"), web_search=True) == ([], [])


def test_a_provider_names_the_codes_that_its_clients_know() -> None:
    caps = Capabilities(max_references=1, codes={"REF_TOO_MANY": "FAKE_REF_TOO_MANY"})
    two = (picture("reference"),) * 2
    assert check(caps, references=two)[0] == ["FAKE_REF_TOO_MANY"]
    assert check(caps, references=(*two, picture("mask")))[0] == ["FAKE_REF_TOO_MANY", "MASK_UNSUPPORTED"]


@pytest.mark.parametrize("size", ["auto", "7x9", "fake:16:9:2k", "wide", "0x0"])
def test_a_provider_that_maps_sizes_takes_any_text(size: str) -> None:
    strict, mapped = SizeRule(fixed=("8x8",), auto=False), SizeRule(fixed=("8x8",), auto=False, mapped=True)
    assert check(Capabilities(sizes=strict), size=size)[0] == ["INVALID_SIZE"]
    assert check(Capabilities(sizes=mapped), size=size) == ([], [])
