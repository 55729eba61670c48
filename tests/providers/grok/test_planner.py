"""Reading the planner, and step one before it: only a real search and a real prompt go on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ima2.errors import Ima2Error
from ima2.models import Source, Warning
from ima2_grok.pipeline import lost_words
from ima2_kit.upstreams import json_answer, xai
from providers.grok.piping import ask, run

from ima2_grok import planner, search


def planner_error(value: dict[str, Any]) -> Ima2Error:
    with pytest.raises(Ima2Error) as caught:
        planner.read(value)
    assert caught.value.paid == "no"
    assert caught.value.step == "plan"
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize(
    "arguments",
    [
        '{"prompt": "A kite."}',
        {"prompt": "  A kite.\n"},
        '{"prompt": "A kite.", "model": "grok-imagine-video", "n": 10, "aspect_ratio": "9:20"}',
    ],
)
def test_only_the_prompt_is_taken(arguments: Any) -> None:
    assert planner.read(xai.planned(arguments=arguments)).prompt == "A kite."


def test_the_tool_call_is_found_among_others() -> None:
    value = xai.planned("A kite.")
    calls = value["choices"][0]["message"]["tool_calls"]
    calls.insert(0, {"type": "function", "function": {"name": "search", "arguments": "{}"}})
    calls.append({"type": "function", "function": {"name": "generate_image", "arguments": '{"prompt": "Another."}'}})
    assert planner.read(value).prompt == "A kite."


@pytest.mark.parametrize(
    "arguments",
    ["", "{", "null", "[]", '"A kite."', "{}", '{"prompt": ""}', '{"prompt": " \\n"}', '{"prompt": 7}', 12, []],
)
def test_arguments_without_a_prompt(arguments: Any) -> None:
    assert planner_error(xai.planned(arguments=arguments)).code == "GROK_PLANNER_INVALID_TOOL_ARGS"


def test_a_prompt_that_was_cut_off_or_never_ended() -> None:
    cut = xai.planned("A kite over")
    cut["choices"][0]["finish_reason"] = "length"
    assert planner_error(cut).code == "GROK_PLANNER_INVALID_TOOL_ARGS"
    assert planner_error(xai.planned("x" * 16_001)).code == "GROK_PLANNER_INVALID_TOOL_ARGS"
    assert len(planner.read(xai.planned("x" * 16_000)).prompt) == 16_000


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"choices": []},
        {"choices": None},
        {"choices": [None]},
        {"choices": [{"message": {"tool_calls": "none"}}]},
        {"choices": [{"message": {"tool_calls": [{"function": None}, 3]}}]},
        xai.planned(name="generate_video"),
        xai.chatted({"role": "assistant", "content": "Here is a prompt: a kite."}),
    ],
)
def test_no_tool_call(value: dict[str, Any]) -> None:
    assert planner_error(value).code == "GROK_PLANNER_EMPTY_TOOL_CALL"


def test_a_refusal_in_words_is_told() -> None:
    said = planner_error(xai.chatted({"role": "assistant", "content": "", "refusal": "I can't\nhelp with that."}))
    assert said.message.endswith("It said: I can't help with that.")
    assert said.details == {"costUsd": xai.PLAN_TICKS / 1e10}


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (xai.searched(calls=0), "GROK_SEARCH_NOT_DONE"),
        ({}, "GROK_SEARCH_NOT_DONE"),
        ({"output": [{"type": "reasoning"}]}, "GROK_SEARCH_NOT_DONE"),
        ({"output": [{"type": "web_search_call", "status": "failed"}]}, "GROK_SEARCH_NOT_DONE"),
        ({"output": "text", "usage": 3}, "GROK_SEARCH_NOT_DONE"),
        (xai.searched(""), "GROK_SEARCH_EMPTY_RESPONSE"),
        (xai.searched(" \n "), "GROK_SEARCH_EMPTY_RESPONSE"),
        (xai.searched(output=[{"type": "web_search_call", "status": "completed"}]), "GROK_SEARCH_EMPTY_RESPONSE"),
        (xai.searched(status="failed", error={"message": "boom", "code": "server_error"}), "GROK_UPSTREAM_ERROR"),
    ],
)
def test_a_search_that_is_none(value: dict[str, Any], code: str) -> None:
    with pytest.raises(Ima2Error) as caught:
        search.read(value)
    assert (caught.value.code, caught.value.step, caught.value.paid) == (code, "search", "no")


def test_both_shapes_of_a_search_item_count() -> None:
    older = {"type": "web_search_call", "name": "web_search", "arguments": '{"query":"kites"}', "status": "completed"}
    message = {"type": "message", "content": [{"type": "text", "text": "Kites."}]}
    brief = search.read({"output": [older, older, message]})
    assert (brief.calls, brief.text, brief.sources) == (2, "Kites.", ())
    assert brief.usage.cost_usd is None


def test_a_count_without_an_item_is_a_search_too() -> None:
    value = xai.searched(calls=3)
    value["output"] = [item for item in value["output"] if item["type"] != "web_search_call"]
    assert search.read(value).calls == 3


def test_sources_once_each_cited_ones_first_and_no_odd_addresses() -> None:
    value = xai.searched(sources=("https://a.example/", "https://b.example/"))
    note = value["output"][-1]["content"][0]["annotations"]
    note.insert(0, {"type": "url_citation", "url": "https://b.example/", "title": "Kites of Weifang"})
    note.append({"type": "url_citation", "url": "javascript:alert(1)", "title": "x"})
    value["citations"] = ["https://c.example/", {"url": "https://a.example/", "title": "A"}, None]
    assert search.read(value).sources == (
        Source(url="https://b.example/", title="Kites of Weifang"),
        Source(url="https://a.example/", title="A"),
        Source(url="https://c.example/"),
    )


def test_a_brief_is_handed_on_up_to_a_length(tmp_path: Path) -> None:
    ran = run(tmp_path, ask(), {xai.SEARCH: [json_answer(xai.searched("é" * 50_000))]})
    told = ran.sent(xai.PLAN)[0]["messages"][1]["content"][0]["text"]
    assert told.count("é") == 8000


@pytest.mark.parametrize(
    ("wish", "prompt", "lost"),
    [
        ("sign “서울”", 'a sign reading "서울"', []),
        ("sign “서울”", 'a sign reading "Seoul"', ["서울"]),
        ("「本日」と『明日』", "本日", ["明日"]),
        ("the words «Привет»", "«Привет»", []),
        ('a "vintage" look', "an old look", []),
        ("„Grüße“", "greetings", ["Grüße"]),
        ("no quotes 서울", "Seoul", []),
    ],
)
def test_words_that_the_planner_changed(wish: str, prompt: str, lost: list[str]) -> None:
    assert lost_words(wish, prompt) == lost


def test_changed_words_are_a_warning_with_the_job(tmp_path: Path) -> None:
    ran = run(
        tmp_path, ask(prompt="간판에 “국수”"), {xai.PLAN: [json_answer(xai.planned('A sign reading "Noodles".'))]}
    )
    assert [warning.code for warning in ran.of(Warning)] == ["VISIBLE_TEXT_CHANGED"]


def test_text_of_many_bytes_goes_out_as_it_came_in(tmp_path: Path) -> None:
    words = "한글 العربية 🪁 \u202e ½"
    ran = run(tmp_path, ask(prompt=words), {xai.PLAN: [json_answer(xai.planned(words))]})
    assert ran.sent(xai.GENERATE)[0]["prompt"] == words
    assert json.loads(json.dumps(ran.sent(xai.SEARCH)[0]))["input"][1]["content"] == words


def test_half_a_character_does_no_harm(tmp_path: Path) -> None:
    half = chr(0xD83E)
    answers = {
        xai.SEARCH: [json_answer(xai.searched(f"kites {half}"))],
        xai.PLAN: [json_answer(xai.planned(f"A kite {half}."))],
    }
    ran = run(tmp_path, ask(), answers)
    assert ran.error is None
    assert ran.plan.prompt == "A kite ?."
