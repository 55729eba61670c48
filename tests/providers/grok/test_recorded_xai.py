"""What xAI really said, through the readers and through whole runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ima2.errors import Ima2Error
from ima2.models import Media, Planned, Usage, Warning
from ima2_grok.errors import IMAGE, PLAN, SEARCH, Step, refused
from ima2_kit.upstreams import json_answer, replay, xai
from ima2_kit.upstreams.recorded import body_of, exchanges
from PIL import Image
from providers.grok.piping import RECORDED, ask, picture, recorded, run

from ima2_grok import answer, planner, search


def test_a_search() -> None:
    brief = search.read(recorded("responses-web-search-grok43.json"))
    assert brief.calls == 2
    assert brief.text.startswith("**The latest stable Ruby version is 4.0.6**")
    assert brief.sources[0].url == "https://www.ruby-lang.org/en/downloads/"
    assert brief.sources[0].title is None, 'a title "1" is no title'
    urls = [source.url for source in brief.sources]
    assert len(set(urls)) == len(urls) > 5
    assert brief.usage.total_tokens == 6277
    assert brief.usage.raw == {"grok_cost_usd_ticks": 161508500}
    assert brief.usage.cost_usd == pytest.approx(0.01615085)
    assert brief.usage.web_search_calls is None, "the plan counts the searches; twice would be wrong"


def test_the_last_event_of_an_older_stream_is_the_same_answer() -> None:
    stream = body_of(exchanges(RECORDED / "responses-web-search-stream-grok4fast.json")[0]["response"]).decode()
    last = next(line for line in reversed(stream.splitlines()) if line.startswith('data: {"sequence_number":37'))
    brief = search.read(json.loads(last.removeprefix("data: "))["response"])
    assert brief.calls == 1
    assert [source.url for source in brief.sources] == ["https://openai.com/index/introducing-prism"]


def test_a_forced_tool_call() -> None:
    value = recorded("chat-forced-tool-call-grok41fast.json")
    with pytest.raises(Ima2Error) as caught:
        planner.read(value)
    assert caught.value.code == "GROK_PLANNER_EMPTY_TOOL_CALL", "it calls another tool"
    assert caught.value.details == {"costUsd": 0.00005395}
    call = value["choices"][0]["message"]["tool_calls"][0]["function"]
    call.update(name="generate_image", arguments=json.dumps({"prompt": "A kite."}))
    planned = planner.read(value)
    assert planned.prompt == "A kite."
    assert (planned.usage.input_tokens, planned.usage.output_tokens, planned.usage.total_tokens) == (406, 40, 446)
    assert planned.usage.raw == {"grok_cost_usd_ticks": 539500}


@pytest.mark.parametrize(
    ("name", "count", "ticks"),
    [
        ("images-generations-url-and-download.json", 1, 200000000),
        ("images-generations-b64.json", 1, 200000000),
        ("images-generations-n2-urls.json", 2, 400000000),
        ("images-edits-single-ref.json", 1, 220000000),
        ("images-edits-two-refs-and-download.json", 1, 700000000),
    ],
)
def test_pictures(name: str, count: int, ticks: int) -> None:
    from ima2_grok.spent import usage

    value = recorded(name)
    drawn = answer.read(value)
    assert len(drawn) == count
    assert all(each.revised_prompt is None for each in drawn), "an empty one is none"
    assert all(bool(each.url) is not bool(each.data) for each in drawn)
    assert usage(value).raw == {"grok_cost_usd_ticks": ticks}


DOWNLOADS = [
    ("images-generations-url-and-download.json", (), (1248, 832), 244_664),
    ("images-edits-two-refs-and-download.json", ("reference", "reference"), (1024, 1024), 123_320),
]


@pytest.mark.parametrize(("name", "roles", "size", "length"), DOWNLOADS)
def test_a_picture_and_its_download(
    tmp_path: Path, name: str, roles: tuple[Any, ...], size: tuple[int, int], length: int
) -> None:
    def script(url: str) -> dict[str, Any]:
        value = recorded(name)
        path = value["data"][0]["url"].removeprefix("https://imgen.x.ai")
        value["data"][0]["url"] = url + path
        route = xai.EDIT if roles else xai.GENERATE
        return {route: [json_answer(value)], f"GET {path}": [replay(RECORDED / name, 1).but(pieces=(4099, 1))]}

    inputs = [(picture("PNG", (32 + place, 32)), role) for place, role in enumerate(roles)]
    ran = run(tmp_path, ask(), script, inputs=inputs)
    [media], [file] = ran.of(Media), ran.files
    assert media.path.suffix == ".jpg"
    assert len(file) == length
    (tmp_path / "file").write_bytes(file)
    with Image.open(tmp_path / "file") as image:
        image.load()
        assert image.size == size


def test_a_picture_inside_the_answer(tmp_path: Path) -> None:
    answers = {xai.GENERATE: [replay(RECORDED / "images-generations-b64.json").but(pieces=(60_000,))]}
    ran = run(tmp_path, ask(), answers)
    [media], [file] = ran.of(Media), ran.files
    assert len(file) == 297_063
    assert media.provider_url is None
    assert xai.PICTURE not in ran.asked


def test_a_whole_recorded_run(tmp_path: Path) -> None:
    """Search as recorded, planner as recorded but for the tool's name: money adds up, sources are kept."""
    plan = recorded("chat-forced-tool-call-grok41fast.json")
    call = plan["choices"][0]["message"]["tool_calls"][0]["function"]
    call.update(name="generate_image", arguments=json.dumps({"prompt": "A kite."}))
    answers = {
        xai.SEARCH: [replay(RECORDED / "responses-web-search-grok43.json")],
        xai.PLAN: [json_answer(plan)],
        xai.GENERATE: [replay(RECORDED / "images-generations-b64.json")],
    }
    ran = run(tmp_path, ask(), answers)
    assert [usage.raw["grok_cost_usd_ticks"] for usage in ran.of(Usage)] == [161508500, 539500, 200000000]
    [planned] = ran.of(Planned)
    assert planned.plan.web_search_calls == 2
    assert planned.plan.prompt == "A kite."
    assert len(planned.plan.sources) > 5
    assert ran.of(Warning) == []


REFUSALS: list[tuple[str, int, Step, str, int, bool]] = [
    ("error-400-and-422-chat.json", 0, PLAN, "GROK_PLANNER_BAD_REQUEST", 400, False),
    ("error-400-and-422-chat.json", 1, PLAN, "GROK_PLANNER_BAD_REQUEST", 422, False),
    ("error-400-invalid-api-key-responses.json", 0, SEARCH, "GROK_AUTH_FAILED", 502, False),
    ("error-404-videos-unknown-model.json", 0, IMAGE, "GROK_BAD_REQUEST", 404, False),
    ("error-422-images-edits-missing-url.json", 0, IMAGE, "GROK_BAD_REQUEST", 422, False),
    ("error-429-images-credits-exhausted.json", 0, IMAGE, "GROK_CREDITS_EXHAUSTED", 429, False),
    ("error-503-upstream-connect-text.json", 0, SEARCH, "GROK_UPSTREAM_ERROR", 502, True),
]


@pytest.mark.parametrize(("name", "exchange", "step", "code", "status", "retryable"), REFUSALS)
def test_refusals(name: str, exchange: int, step: Step, code: str, status: int, retryable: bool) -> None:
    response = exchanges(RECORDED / name)[exchange]["response"]
    error = refused(step, response["status"], body_of(response))
    assert (error.code, error.status, error.retryable) == (code, status, retryable)
    assert error.paid == "no"
    assert error.step == step.name
    assert "00000000-0000" in error.message or "team" not in error.message


def _reported() -> dict[str, dict[str, Any]]:
    value = json.loads((RECORDED / "errors-reported.json").read_text("utf-8"))
    return {each["id"]: each for each in value["errors"]}


def test_a_picture_refused_by_moderation_is_charged() -> None:
    told = _reported()["image-moderated"]
    error = refused(IMAGE, told["status"], json.dumps(told["body"]).encode())
    assert (error.code, error.exit_code, error.paid) == ("MODERATION_REFUSED", 7, "yes")
    assert error.details["costUsd"] == pytest.approx(0.09)


def test_a_limit_and_used_up_credits_differ_in_words_alone(tmp_path: Path) -> None:
    told = _reported()["rate-limited-rpm"]
    answers = {xai.GENERATE: [json_answer(told["body"], told["status"], retry_after="60")]}
    error = run(tmp_path, ask(), answers).failure
    assert (error.code, error.status, error.retry_after, error.retryable) == ("GROK_RATE_LIMITED", 429, 60.0, True)


def test_no_refresh_helps_against_a_spending_limit() -> None:
    told = _reported()["oauth-spending-limit"]
    error = refused(IMAGE, told["status"], json.dumps(told["body"]).encode())
    assert (error.code, error.retryable, error.paid) == ("GROK_CREDITS_EXHAUSTED", False, "no")
    assert "https://grok.com/?_s=usage" in str(error.hint)
