"""Whole runs: what is yielded, what is sent where and in which order, and what comes home."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import pytest
from ima2.models import Media, Phase, Sending, Submitted, Usage, Warning
from ima2_grok.catalogue import BASE, QUALITY, SECOND
from ima2_kit.upstreams import Answer, json_answer, xai
from PIL import Image, ImageCms
from providers.grok.piping import KEY, PIXEL, Ran, ask, picture, run

from ima2_grok import plugin


def shown(ran: Ran) -> list[str]:
    return [event.name if isinstance(event, Phase) else type(event).__name__ for event in ran.events]


def warnings(ran: Ran) -> list[str]:
    return [warning.code for warning in ran.of(Warning)]


def test_search_then_plan_then_the_picture_then_its_download(tmp_path: Path) -> None:
    ran = run(tmp_path, ask())
    planning, drawing = ["search", "Usage", "plan", "Usage", "Planned"], ["Sending", "Submitted", "Usage"]
    assert shown(ran) == [*planning, "generate", *drawing, "download", "Media"]
    assert ran.asked == [xai.SEARCH, xai.PLAN, xai.GENERATE, xai.PICTURE]
    assert ran.files == [picture()]
    [media] = ran.of(Media)
    assert media.revised_prompt == xai.PROMPT
    assert media.provider_url == ran.url + xai.PICTURE_PATH
    assert ran.of(Submitted) == [Submitted(upstream_id="img_1")]
    assert (ran.plan.prompt, ran.plan.model, ran.plan.web_search_calls) == (xai.PROMPT, BASE, 2)
    assert [source.url for source in ran.plan.sources] == ["https://kites.example/"]


def test_what_it_costs_adds_up(tmp_path: Path) -> None:
    ran = run(tmp_path, ask())
    ticks = [usage.raw["grok_cost_usd_ticks"] for usage in ran.of(Usage)]
    assert ticks == [xai.SEARCH_TICKS, xai.PLAN_TICKS, xai.IMAGE_TICKS]
    assert sum(usage.cost_usd for usage in ran.of(Usage)) == pytest.approx(sum(ticks) / 1e10)


def test_a_cost_that_is_not_told_is_unknown_and_not_nothing(tmp_path: Path) -> None:
    ran = run(
        tmp_path,
        ask(),
        lambda url: {xai.GENERATE: [json_answer(xai.drawn(xai.at(url + xai.PICTURE_PATH), ticks=None))]},
    )
    assert [usage.cost_usd is None for usage in ran.of(Usage)] == [False, False, True]


def test_the_credential_goes_to_xai_and_not_to_the_address_of_the_picture(tmp_path: Path) -> None:
    ran = run(tmp_path, ask())
    *api, download = ran.received
    assert {each.headers["authorization"] for each in api} == {f"Bearer {KEY}"}
    assert all("ima2" in each.headers["user-agent"] for each in api)
    assert "authorization" not in download.headers
    assert KEY not in str([event.model_dump_json() for event in ran.events])


def test_several_pictures_share_one_search_and_one_plan(tmp_path: Path) -> None:
    ran = run(tmp_path, ask(n=3))
    assert ran.asked.count(xai.SEARCH) == ran.asked.count(xai.PLAN) == 1
    assert ran.asked.count(xai.GENERATE) == len(ran.of(Media)) == len(ran.of(Sending)) == 3
    assert {body["n"] for body in ran.sent(xai.GENERATE)} == {1}
    assert [call.key for call in ran.plan.calls] == ["job-1.0", "job-1.1", "job-1.2"]


def test_a_plan_survives_the_ledger(tmp_path: Path) -> None:
    plan = run(tmp_path, ask(size="2048x2048")).plan
    assert type(plan).model_validate_json(plan.model_dump_json()) == plan
    assert plan.calls[0].parameters == {"aspect_ratio": "1:1", "resolution": "2k"}


@pytest.mark.parametrize(
    ("roles", "order", "operation"),
    [
        (["reference"], [0], "generate"),
        (["source"], [0], "edit"),
        (["reference", "source"], [1, 0], "edit"),
        (["reference", "reference", "source"], [2, 0, 1], "edit"),
        (["reference", "reference", "reference"], [0, 1, 2], "generate"),
    ],
)
def test_any_input_image_makes_it_an_edit(tmp_path: Path, roles: list[Any], order: list[int], operation: str) -> None:
    files = [picture("PNG", (20 + place, 20)) for place in range(len(roles))]
    ran = run(tmp_path, ask(operation=operation), inputs=list(zip(files, roles, strict=True)))
    assert xai.GENERATE not in ran.asked
    [body] = ran.sent(xai.EDIT)
    given = [body["image"]] if len(roles) == 1 else body["images"]
    assert ("image" in body) is not ("images" in body)
    assert [base64.b64decode(each["url"].partition(",")[2]) for each in given] == [files[place] for place in order]
    seen = ran.sent(xai.PLAN)[0]["messages"][1]["content"][1:]
    assert [part["image_url"]["url"] for part in seen] == [each["url"] for each in given]


def decoded(url: str) -> tuple[str, Image.Image]:
    head, _, payload = url.partition(",")
    image = Image.open(io.BytesIO(base64.b64decode(payload)))
    image.load()
    assert Image.MIME[image.format or ""] == head.removeprefix("data:").removesuffix(";base64")
    return str(image.format), image


def sent_images(ran: Ran) -> tuple[tuple[str, Image.Image], tuple[str, Image.Image]]:
    """As the planner saw it, and as it was edited."""
    seen = ran.sent(xai.PLAN)[0]["messages"][1]["content"][1]["image_url"]["url"]
    return decoded(seen), decoded(ran.sent(xai.EDIT)[0]["image"]["url"])


def test_a_webp_is_shown_to_the_planner_in_another_format_and_edited_as_it_is(tmp_path: Path) -> None:
    (seen, _), (edited, _) = sent_images(run(tmp_path, ask(), inputs=[(picture("WEBP"), "reference")]))
    assert (seen, edited) == ("JPEG", "WEBP")


def test_a_large_image_is_sent_smaller_and_that_is_told(tmp_path: Path) -> None:
    large = picture("PNG", (3000, 1500), (9, 9, 9, 128))
    ran = run(tmp_path, ask(), inputs=[(large, "reference")])
    (seen, small), (edited, image) = sent_images(ran)
    assert (seen, small.size, edited, image.size) == ("PNG", (1024, 512), "PNG", (2048, 1024))
    assert image.has_transparency_data
    assert warnings(ran) == ["REFERENCE_SHRUNK"]


def test_a_camera_picture_is_turned_upright_before_it_is_redrawn(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (3000, 1500), "red").save(buffer, "JPEG", exif=exif)
    _, (_, image) = sent_images(run(tmp_path, ask(), inputs=[(buffer.getvalue(), "reference")]))
    assert image.size == (1024, 2048)


def test_what_is_redrawn_keeps_its_colours_and_its_palette(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    photo, drawing = io.BytesIO(), io.BytesIO()
    Image.new("RGB", (3000, 30), "red").save(photo, "JPEG", icc_profile=profile)
    Image.new("RGB", (3000, 30), "red").quantize(4).save(drawing, "PNG")
    _, (_, image) = sent_images(run(tmp_path, ask(), inputs=[(photo.getvalue(), "reference")]))
    assert image.info["icc_profile"] == profile
    _, (kind, image) = sent_images(run(tmp_path, ask(), inputs=[(drawing.getvalue(), "reference")]))
    assert kind == "JPEG"
    assert image.getpixel((9, 9)) == pytest.approx((254, 0, 0), abs=3)


@pytest.mark.parametrize(
    ("fields", "model", "quality", "codes"),
    [
        ({"quality": "high"}, QUALITY, None, ["MODEL_PROMOTED"]),
        ({"quality": "medium"}, BASE, None, []),
        ({"quality": "auto"}, BASE, None, []),
        ({"quality": None}, BASE, None, []),
        ({"quality": "low", "model": QUALITY}, QUALITY, None, []),
        ({"quality": "high", "model": QUALITY}, QUALITY, None, []),
        ({"quality": "high", "model": SECOND}, SECOND, "high", []),
        ({"quality": None, "model": SECOND}, SECOND, None, []),
        ({"quality": "high", "model": "grok-imagine-image-9"}, "grok-imagine-image-9", None, []),
        ({"quality": "high", "surface": "node", "operation": "edit"}, QUALITY, None, ["MODEL_PROMOTED"]),
    ],
)
def test_quality_high_is_another_model(
    tmp_path: Path, fields: dict[str, Any], model: str, quality: str | None, codes: list[str]
) -> None:
    inputs: Any = [(PIXEL, "source")] if fields.get("operation") else []
    ran = run(tmp_path, ask(**fields), inputs=inputs)
    [body] = ran.sent(xai.EDIT) + ran.sent(xai.GENERATE)
    assert (body["model"], body.get("quality")) == (model, quality)
    assert ran.plan.model == ran.plan.calls[0].model == model
    assert model in ran.sent(xai.PLAN)[0]["messages"][1]["content"][0]["text"]
    assert warnings(ran) == codes


@pytest.mark.parametrize(
    ("served", "told"),
    [
        (BASE, False),
        (f"{BASE}-2026-03-02", False),
        (QUALITY, True),
        (SECOND, True),
        ("", False),
        (None, False),
        (7, False),
    ],
)
def test_the_model_that_really_drew(tmp_path: Path, served: Any, told: bool) -> None:
    def script(url: str) -> dict[str, Any]:
        return {xai.GENERATE: [json_answer(xai.drawn(xai.at(url + xai.PICTURE_PATH), model=served))]}

    ran = run(tmp_path, ask(), script)
    assert [(each.code, each.normalized_to) for each in ran.of(Warning)] == (
        [("MODEL_SUBSTITUTED", served)] if told else []
    )


@pytest.mark.parametrize(
    ("size", "fields", "codes"),
    [
        ("1536x1024", {"aspect_ratio": "3:2", "resolution": "1k"}, []),
        ("3840x2160", {"aspect_ratio": "16:9", "resolution": "2k"}, ["SIZE_MAPPED"]),
        ("1000x700", {"aspect_ratio": "3:2", "resolution": "1k"}, ["SIZE_MAPPED"]),
        ("wide", {"aspect_ratio": "auto"}, ["SIZE_MAPPED"]),
        ("grok:20:9:2k", {"aspect_ratio": "20:9", "resolution": "2k"}, []),
        (None, {"aspect_ratio": "auto"}, []),
    ],
)
def test_a_size_goes_up_as_shape_and_what_is_not_met_is_told(
    tmp_path: Path, size: str | None, fields: dict[str, str], codes: list[str]
) -> None:
    ran = run(tmp_path, ask(size=size))
    [body] = ran.sent(xai.GENERATE)
    assert {name: body[name] for name in ("aspect_ratio", "resolution") if name in body} == fields
    assert warnings(ran) == codes


def test_one_input_image_keeps_its_shape_and_that_is_told(tmp_path: Path) -> None:
    wide = (picture("PNG", (160, 90)), "source")
    assert warnings(run(tmp_path, ask(operation="edit", aspect_ratio="1:1"), inputs=[wide])) == ["ASPECT_RATIO_KEPT"]
    assert warnings(run(tmp_path, ask(operation="edit", size="1824x1024"), inputs=[wide])) == []
    assert warnings(run(tmp_path, ask(aspect_ratio="1:1"), inputs=[wide, wide])) == []


def test_another_planner(tmp_path: Path) -> None:
    ran = run(tmp_path, ask(options={"planner_model": "grok-4.6"}))
    assert {ran.sent(route)[0]["model"] for route in (xai.SEARCH, xai.PLAN)} == {"grok-4.6"}


def test_a_picture_inside_the_answer_needs_no_address(tmp_path: Path) -> None:
    item = xai.inline(picture("PNG"))
    item["b64_json"] = "data:image/png;base64," + item["b64_json"]
    ran = run(tmp_path, ask(), {xai.GENERATE: [json_answer(xai.drawn(item))]})
    assert (ran.files, ran.of(Media)[0].path.suffix) == ([picture("PNG")], ".png")


def test_two_pictures_where_one_was_asked_for_are_both_kept(tmp_path: Path) -> None:
    answer = xai.drawn(
        xai.inline(picture()), xai.inline(picture(colour=(1, 2, 3))), xai.inline(b"", respect_moderation=False)
    )
    ran = run(tmp_path, ask(), {xai.GENERATE: [json_answer(answer)]})
    assert len(ran.of(Media)) == 2


def test_a_revised_prompt_of_xai_is_kept(tmp_path: Path) -> None:
    answer = xai.drawn(xai.inline(picture(), revised_prompt=" A kite, revised. "))
    [media] = run(tmp_path, ask(), {xai.GENERATE: [json_answer(answer)]}).of(Media)
    assert media.revised_prompt == "A kite, revised."


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_the_content_names_the_file_not_the_label(tmp_path: Path, kind: str) -> None:
    answer = Answer(headers={"Content-Type": "text/html"}, body=picture(kind))
    [media] = run(tmp_path, ask(), {xai.PICTURE: [answer]}).of(Media)
    assert media.path.suffix == {"PNG": ".png", "JPEG": ".jpg", "WEBP": ".webp"}[kind]


def test_a_download_may_be_tried_again(tmp_path: Path) -> None:
    flaky = [Answer(503), Answer(body=picture(), stop=100, ending="cut"), Answer(body=picture(), pieces=(1, 50))]
    ran = run(tmp_path, ask(), {xai.PICTURE: flaky})
    assert ran.files == [picture()]
    assert ran.asked.count(xai.GENERATE) == 1
    assert ran.asked.count(xai.PICTURE) == 3


def test_no_request_id_no_submission(tmp_path: Path) -> None:
    ran = run(tmp_path, ask(), {xai.GENERATE: [json_answer(xai.drawn(xai.inline(picture())))]})
    assert ran.of(Submitted) == []


def test_direct_mode_is_told_to_the_planner(tmp_path: Path) -> None:
    told = run(tmp_path, ask(mode="direct")).sent(xai.PLAN)[0]["messages"][1]["content"][0]["text"]
    assert "Mode: direct" in told


def test_what_a_newer_plan_holds_is_left_out(tmp_path: Path) -> None:
    """The ledger may be newer than this code: only known fields go upstream."""
    from ima2_grok.images import body

    call = run(tmp_path, ask()).plan.calls[0]
    odd = call.model_copy(update={"parameters": {"aspect_ratio": "1:1", "sparkle": True, "prompt": "other"}})
    assert body(odd, []) == {
        "model": BASE,
        "prompt": xai.PROMPT,
        "n": 1,
        "response_format": "url",
        "aspect_ratio": "1:1",
    }


def test_a_dry_run_says_what_would_be_sent() -> None:
    steps = plugin.ima2_steps(ask(n=4, quality="high", size="2048x1152"))
    assert [(step.name, step.count, step.paid) for step in steps] == [
        ("search", 1, False),
        ("plan", 1, False),
        ("generate", 4, True),
    ]
    assert "grok-4.3" in steps[0].summary
    assert QUALITY in steps[2].summary
    assert "16:9 2k" in steps[2].summary
    assert "/images/generations" in steps[2].summary
    assert json.loads(steps[2].model_dump_json())["paid"] is True
