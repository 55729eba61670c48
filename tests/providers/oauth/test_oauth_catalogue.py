"""The account's models: what the models route says, what is made of it, and what happens when it refuses."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from chatgpt_images import sign_in
from hypothesis import given
from hypothesis import strategies as st
from ima2.errors import Ima2Error
from ima2.hookspecs import ModelInfo
from ima2_kit.context import open_context
from ima2_kit.upstreams import Answer, Received, ScriptedUpstream, chatgpt, json_answer, text_answer
from ima2_oauth.catalogue import LADDER, clamp, host, live, nearest

from ima2_oauth import plugin

ROUTE = f"GET {chatgpt.BASE}/models"


def fetch(folder: Path, *answers: Answer) -> tuple[list[ModelInfo], list[Received]]:
    async def go() -> tuple[list[ModelInfo], list[Received]]:
        async with ScriptedUpstream({ROUTE: answers}, refuse=chatgpt.refuse) as upstream:
            given = {"base_url": f"{upstream.url}{chatgpt.BASE}/", "auth_url": upstream.url, "use_codex": False}
            info = plugin.ima2_provider()
            async with open_context(info, folder, settings=given, credentials=sign_in()) as context:
                return list(await plugin.ima2_models(context)), upstream.received

    return asyncio.run(go())


def test_the_list_with_its_facts(tmp_path: Path) -> None:
    answer = chatgpt.models(
        {"slug": "gpt-6-sol", "display_name": "GPT-6 Sol", "use_responses_lite": True, "priority": 3,
         "description": "Strong \n everyday model",
         "supported_reasoning_levels": [{"effort": "low"}, {"effort": "ultra"}]},
        {"slug": "gpt-5.5", "priority": 1},
        {"slug": "codex-auto-review", "visibility": "hide"},
        {"slug": "gpt-words", "input_modalities": ["text"], "priority": 9},
    )  # fmt: skip
    models, [sent] = fetch(tmp_path, answer)
    assert [model.id for model in models] == ["gpt-5.5", "gpt-6-sol", "gpt-words", "gpt-image-2"]
    assert models[0].use == "strongest, uses more of the plan"
    assert (models[1].title, models[1].use) == ("GPT-6 Sol", "Strong everyday model")
    assert sent.query == {"client_version": "0.169.0"}
    sol, words = host("gpt-6-sol", models), host("gpt-words", models)
    assert sol
    assert words
    assert (sol.efforts, sol.lite, sol.draws) == (("low", "ultra"), True, True)
    assert words.draws is False
    assert host("gpt-image-2", models) is None, "what draws is no host"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (text_answer("nope"), "UPSTREAM_GATEWAY"),
        (json_answer({"data": []}), "UPSTREAM_GATEWAY"),
        (json_answer([1]), "UPSTREAM_GATEWAY"),
        (chatgpt.web_page(), "UPSTREAM_GATEWAY"),
        (json_answer({"error": {"code": "token_expired", "message": "expired"}}, 401), "AUTH_CHATGPT_EXPIRED"),
    ],
)
def test_a_list_that_does_not_come(tmp_path: Path, answer: Answer, code: str) -> None:
    with pytest.raises(Ima2Error) as caught:
        fetch(tmp_path, answer)
    assert (caught.value.code, caught.value.step, caught.value.paid) == (code, "models", "no")


ODD = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.lists(st.integers() | st.text(), max_size=3)
FIELDS = ("display_name", "description", "supported_reasoning_levels", "input_modalities", "priority", "visibility")


@given(st.dictionaries(st.sampled_from([*FIELDS, "slug", "use_responses_lite"]), ODD))
def test_odd_entries_do_no_harm(entry: dict[str, Any]) -> None:
    models = live({"models": [entry, None, 7, "x", {"slug": 3}, {**entry, "slug": "gpt-a", "visibility": "list"}]})
    assert "gpt-a" in [model.id for model in models]
    assert models[-1].id == "gpt-image-2"
    assert nearest("gpt-5.5", models) is None or host("gpt-a", models)


def _names(*names: str, lite: bool = False) -> list[ModelInfo]:
    return live({"models": [{"slug": name, "use_responses_lite": lite} for name in names]})


@pytest.mark.parametrize(
    ("wanted", "there", "found"),
    [
        ("gpt-5.4-mini", ["gpt-6-luna", "gpt-5.5"], "gpt-5.5"),
        ("gpt-5.4-mini", ["gpt-5.6-sol", "gpt-5.6-luna"], "gpt-5.6-luna"),
        ("gpt-5.4", ["gpt-5.6-luna", "gpt-5.6-sol"], "gpt-5.6-sol"),
        ("gpt-5.4", ["gpt-5.3-codex-spark", "gpt-6-sol"], "gpt-6-sol"),
        ("gpt-5.4", [], None),
    ],
)
def test_the_nearest(wanted: str, there: list[str], found: str | None) -> None:
    chosen = nearest(wanted, _names(*there))
    assert (chosen.id if chosen else None) == found


def test_the_nearest_is_not_lite_when_there_is_another() -> None:
    models = [*_names("gpt-5.4-nano", lite=True), *_names("gpt-6-astra")]
    chosen = nearest("gpt-5.4-mini", models)
    assert chosen
    assert chosen.id == "gpt-6-astra"


@given(st.sampled_from(LADDER), st.lists(st.sampled_from([*LADDER, "odd"]), max_size=5))
def test_a_clamped_effort_is_accepted_and_never_more_than_needed(effort: str, accepted: list[str]) -> None:
    taken = clamp(effort, accepted)
    known = [each for each in accepted if each in LADDER]
    if not known:
        assert taken == effort
        return
    assert taken in known
    below = [each for each in known if LADDER.index(each) <= LADDER.index(effort)]
    assert LADDER.index(taken) == max(map(LADDER.index, below), default=min(map(LADDER.index, known)))
