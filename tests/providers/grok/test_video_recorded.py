"""Recorded orders, polls and a download of xAI, replayed over a socket."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ima2.models import Media, Progress, Usage
from ima2.upstream.polling import Ready, Waiting
from ima2_grok.video.status import Clip, read
from ima2_kit.upstreams import exchanges, replay
from ima2_kit.upstreams.recorded import body_of
from providers.grok.filming import RECORDED, film, order, recorded_run

TEXT = "videos-text-to-video-poll-download.json"
IMAGE = "videos-image-to-video-poll.json"
FAILED = "videos-edit-failed.json"


def said(name: str, number: int) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(exchanges(RECORDED / name)[number]["request"]["body_text"])
    return value


def test_text_to_video_with_its_download(tmp_path: Path) -> None:
    call = order(prompt="a calm ocean wave at sunset", parameters={"duration": 1})
    filmed = film(tmp_path, call, lambda url: recorded_run(TEXT, url))
    assert filmed.error is None
    assert [*dict.fromkeys(filmed.fractions)] == [0.01, 0.18, 0.56, 0.94]
    assert len(filmed.files[0]) == 553_804
    assert filmed.of(Usage)[-1].cost_usd == 0.05
    assert filmed.sent("POST /v1/videos/generations") == [said(TEXT, 0)]
    assert sum(each.method == "GET" for each in filmed.received) == 28


def test_the_polls_of_an_image_to_video() -> None:
    answers = [each["response"] for each in exchanges(RECORDED / IMAGE)[1:]]
    words = [read(answer["status"], body_of(answer)) for answer in answers]
    assert words[:-1] == [Waiting(0.01), Waiting(0.01), Waiting(0.19), Waiting(0.35), Waiting(0.35)]
    assert isinstance(words[-1], Ready)
    clip = words[-1].value
    assert isinstance(clip, Clip)
    assert (clip.seconds, clip.model, clip.usage.cost_usd) == (6.0, "grok-imagine-video", 0.422)


def test_a_failed_edit_with_status_200(tmp_path: Path) -> None:
    source = said(FAILED, 0)["video"]["url"]
    call = order(prompt=said(FAILED, 0)["prompt"], operation="edit", parameters={"mode": "edit", "source_url": source})
    filmed = film(tmp_path, call, lambda url: recorded_run(FAILED, url))
    error = filmed.failure
    assert (error.code, error.status) == ("GROK_VIDEO_REQUEST_FAILED", 400)
    assert "Unable to download provided video_url" in error.message
    assert error.details["upstreamCode"] == "invalid_argument"
    body = filmed.sent("POST /v1/videos/edits")[0]
    assert body["video"] == {"url": source}
    assert (filmed.of(Media), filmed.of(Progress)) == ([], [])


def test_an_unknown_model(tmp_path: Path) -> None:
    answer = replay(RECORDED / "error-404-videos-unknown-model.json")
    filmed = film(tmp_path, script={"POST /v1/videos/generations": [answer]})
    assert (filmed.failure.code, filmed.failure.status, filmed.failure.paid) == ("GROK_VIDEO_REQUEST_FAILED", 404, "no")


@pytest.mark.parametrize("entry", [0])
def test_a_moderated_clip_as_it_was_reported(tmp_path: Path, entry: int) -> None:
    reported = json.loads((RECORDED / "errors-reported.json").read_text("utf-8"))["errors"][entry]
    assert reported["id"] == "video-moderated"
    word = read(reported["status"], json.dumps(reported["body"]).encode())
    assert isinstance(word, Ready)
    error = word.value
    assert not isinstance(error, Clip)
    assert (error.code, error.paid, error.details["costUsd"]) == ("GROK_VIDEO_MODERATION_BLOCKED", "yes", 0.25)
