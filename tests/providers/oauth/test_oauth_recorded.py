"""Recorded traffic through both routes, as bytes on a socket in the pieces they came in."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from chatgpt_images import EDITS, GENERATIONS, RECORDED, RESPONSES, ask, png, run
from ima2.models import Media, Partial, Submitted, Text, Usage
from ima2_kit.upstreams import Answer, exchanges, replay

OPENAI, CODEX = RECORDED / "openai", RECORDED / "chatgpt-codex"


@pytest.mark.parametrize(
    ("name", "size", "length", "tokens"),
    [
        ("images-generations-gpt-image-1.5.json", (1024, 1024), 128_849, 1233),
        ("images-generations-gpt-image-2.json", (1024, 1024), 1_521_426, 1797),
        ("images-edits-json-data-url-gpt-image-2.json", (1536, 864), 823_979, 196),
        ("images-edits-multipart-two-refs-gpt-image-1.json", (1024, 1024), 815_697, 4592),
    ],
)
@pytest.mark.parametrize("pieces", [(), (4099,), (1, 1_000_003)])
def test_recorded_pictures_by_the_images_route(
    tmp_path: Path, name: str, size: tuple[int, int], length: int, tokens: int, pieces: tuple[int, ...]
) -> None:
    answer = replay(OPENAI / name).but(pieces=pieces)
    edit = "edits" in name
    script = {EDITS if edit else GENERATIONS: [answer]}
    wish = f"{size[0]}x{size[1]}"
    ran = run(tmp_path, ask(size=wish), script, inputs=[(png(), "reference")] if edit else [])
    assert ran.error is None
    [data], [usage] = ran.files, ran.of(Usage)
    assert len(data) == length
    assert usage.total_tokens == tokens
    assert "SIZE_DRIFT" not in ran.codes


def test_labels_are_not_believed(tmp_path: Path) -> None:
    """Two entries labelled webp that are the same PNG: one picture, of the type that its bytes say."""
    ran = run(tmp_path, ask(), {GENERATIONS: [replay(OPENAI / "images-generations-n2-webp-transparent.json")]})
    [media] = ran.of(Media)
    assert (media.media_type, media.claimed["format"]) == ("image/png", "webp")


@pytest.mark.parametrize("pieces", [(1,), (97,), ()])
def test_the_newest_stream_of_the_hosted_tool(tmp_path: Path, pieces: tuple[int, ...]) -> None:
    """The item never says more than "generating", and a draft comes though none was asked for."""
    answer = replay(OPENAI / "responses-imagegen-stream-gptimage2-2026-07.abridged.sse").but(pieces=pieces)
    ran = run(tmp_path, ask(web_search=True, size="1024x1024"), {RESPONSES: [answer]})
    assert ran.error is None
    [media] = ran.of(Media)
    assert (media.media_type, media.claimed["size"], len(ran.of(Partial))) == ("image/jpeg", "1024x1024", 1)
    assert ran.codes == ["SIZE_DRIFT"], "the recording's picture was replaced by one of 16x16"


def test_an_item_that_stays_generating(tmp_path: Path) -> None:
    answer = replay(OPENAI / "responses-imagegen-stream-azure-2025-12.chunks.txt")
    ran = run(tmp_path, ask(web_search=True), {RESPONSES: [answer]})
    assert (ran.error, len(ran.files)) == (None, 1)


def test_bytes_that_do_not_decode_are_no_picture(tmp_path: Path) -> None:
    answer = replay(OPENAI / "responses-imagegen-stream-gpt5-2025-09.chunks.txt")
    ran = run(tmp_path, ask(web_search=True), {RESPONSES: [answer]})
    assert ran.failure.code == "IMAGE_TOOL_COMPLETED_WITHOUT_RESULT"


def tool_loop(exchange: int) -> Answer:
    """The recorder dropped the headers."""
    [_, _] = exchanges(CODEX / "responses-oauth-tool-loop-gpt55.json")
    answer = replay(CODEX / "responses-oauth-tool-loop-gpt55.json", exchange)
    return answer.but(headers={"Content-Type": "text/event-stream"}, pieces=(173,))


def test_items_count_though_the_last_event_has_none(tmp_path: Path) -> None:
    """The service's own streams end with ``output: []``."""
    call = run(tmp_path, ask(web_search=True), {RESPONSES: [tool_loop(0)]})
    assert call.failure.code == "IMAGE_TOOL_NOT_CALLED"
    assert "get_weather" in call.failure.message
    assert call.of(Usage)[0].total_tokens == 130
    text = run(tmp_path, ask(web_search=True), {RESPONSES: [tool_loop(1)]})
    assert "Paris is sunny." in text.failure.message
    assert "".join(event.delta for event in text.of(Text)) == "Paris is sunny."
    assert (text.of(Usage)[0].total_tokens, len(text.of(Submitted))) == (159, 1)


def test_a_plain_answer_of_the_service(tmp_path: Path) -> None:
    answer = replay(CODEX / "responses-stream-gpt51codex-2026-02.events.json")
    ran = run(tmp_path, ask(web_search=True), {RESPONSES: [answer]})
    assert (ran.failure.code, ran.failure.details["text"]) == ("IMAGE_TOOL_NOT_CALLED", "pong")


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("error-stream-insufficient-quota.chunks.txt", "INSUFFICIENT_QUOTA"),
        ("error-stream-rate-limit-exceeded.sse", "RATE_LIMITED"),
    ],
)
def test_a_failure_told_twice_is_one(tmp_path: Path, name: str, code: str) -> None:
    ran = run(tmp_path, ask(web_search=True), {RESPONSES: [replay(OPENAI / name)]})
    assert (ran.failure.code, ran.failure.paid) == (code, "no")


def test_a_recorded_picture_arrives_byte_for_byte(tmp_path: Path) -> None:
    from ima2_kit.upstreams import chatgpt

    [data] = run(tmp_path, ask(), {GENERATIONS: [replay(OPENAI / "images-generations-gpt-image-2.json")]}).files
    hosted = chatgpt.hosted(data).but(pieces=(1, 60_001))
    ran = run(tmp_path, ask(web_search=True), {RESPONSES: [hosted]})
    assert hashlib.sha256(ran.files[0]).digest() == hashlib.sha256(data).digest()
