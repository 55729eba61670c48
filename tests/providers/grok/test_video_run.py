"""From order to file against a scripted xAI that does everything wrong in turn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ima2.errors import Ima2Error, JobUnknown, Refused
from ima2.models import Media, Phase, Progress, Sending, Submitted, Usage
from ima2_kit.upstreams import Answer, json_answer, text_answer, xai, xai_video
from ima2_kit.upstreams.xai_video import CLIP, CLIP_PATH, ID, ORDER, POLL, failed, file, finished, ordered, pending
from providers.grok.filming import KEY, MP4, ask, film, order

HTML = text_answer("<html><body>sign in</body></html>", content_type="video/mp4")
LIMITED = xai.refusal("resource-exhausted", "Too many requests for team 0.", 429, retry_after="60")
DOWN = text_answer("upstream connect error", 503)
STALE = xai.refusal("unauthenticated:bad-credentials", "The OAuth2 access token could not be validated.", 401)


def test_a_whole_run(tmp_path: Path) -> None:
    filmed = film(tmp_path, ask())
    assert filmed.error is None
    assert [event.name for event in filmed.of(Phase)] == ["search", "plan", "generate", "download"]
    kinds = [type(event) for event in filmed.events[-8:]]
    assert kinds == [Phase, Sending, Submitted, Progress, Progress, Phase, Usage, Media]
    [media] = filmed.of(Media)
    assert filmed.files == [MP4]
    assert media.revised_prompt == filmed.plan.prompt == xai_video.PROMPT
    assert media.claimed == {"model": "grok-imagine-video", "duration": 5, "mode": "text"}
    assert filmed.of(Usage)[-1].cost_usd == 0.25
    assert filmed.upstream_ids == [ID]


def test_the_clip_is_fetched_without_a_credential(tmp_path: Path) -> None:
    filmed = film(tmp_path)
    credentials = {f"{each.method} {each.path}": each.headers.get("authorization") for each in filmed.received}
    assert credentials == {ORDER: f"Bearer {KEY}", POLL: f"Bearer {KEY}", CLIP: None}


def test_progress_is_percent_even_at_one(tmp_path: Path) -> None:
    answers = [pending(0), pending(1), pending(1), pending(94)]
    filmed = film(tmp_path, script=lambda url: {POLL: [*answers, finished(url + CLIP_PATH)]})
    assert filmed.fractions == [0.0, 0.01, 0.01, 0.94]


def test_stuck_at_one_percent_is_told_and_waited_for(tmp_path: Path) -> None:
    filmed = film(tmp_path, script=lambda url: {POLL: [*[pending(1)] * 60, finished(url + CLIP_PATH)]})
    assert filmed.fractions == [0.01] * 60
    assert filmed.files == [MP4]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(202),
        Answer(202, body=b"\n"),
        Answer(202, {"Content-Type": "text/html"}, b"<html>"),
        Answer(200),
        json_answer({"status": "queued"}, 202),
        json_answer({"status": "thinking", "progress": None}),
        json_answer({"progress": "40"}),
        LIMITED,
        DOWN,
        xai.refusal("resource-exhausted", "The safety system is busy.", 429),
        xai.refusal("internal", "The content moderation service failed.", 500),
        json_answer({"status": "queued", "progress": 10**400}),
        text_answer("<html>Bad gateway", 502, content_type="text/html"),
        json_answer({"code": "The service is currently unavailable", "error": "try later"}),
        json_answer([1, 2]),
        text_answer("{"),
        Answer(200, {"Content-Length": "400"}, b'{"status":', stop=10, ending="cut"),
    ],
)
def test_what_is_no_answer_is_asked_again(tmp_path: Path, answer: Answer) -> None:
    filmed = film(tmp_path, script=lambda url: {POLL: [answer, answer, finished(url + CLIP_PATH)]})
    assert filmed.files == [MP4]
    assert (filmed.count(ORDER), filmed.count(POLL)) == (1, 3)


def test_a_limit_says_how_long(tmp_path: Path) -> None:
    filmed = film(tmp_path, script=lambda url: {POLL: [LIMITED, finished(url + CLIP_PATH)]})
    assert filmed.waited >= 60


def test_done_without_a_status(tmp_path: Path) -> None:
    answer = {"video": {"duration": 5, "respect_moderation": True}}
    filmed = film(
        tmp_path,
        script=lambda url: {POLL: [json_answer({"video": {**answer["video"], "url": url + CLIP_PATH}})]},
    )
    assert filmed.files == [MP4]


@pytest.mark.parametrize(
    ("answer", "code", "status", "paid"),
    [
        (failed("invalid_argument"), "GROK_VIDEO_REQUEST_FAILED", 400, "maybe"),
        (failed("permission_denied"), "GROK_VIDEO_REQUEST_FAILED", 403, "maybe"),
        (failed("failed_precondition"), "GROK_VIDEO_REQUEST_FAILED", 412, "maybe"),
        (failed("service_unavailable"), "GROK_VIDEO_POLL_FAILED", 502, "maybe"),
        (failed("internal_error"), "GROK_VIDEO_FAILED", 502, "maybe"),
        (failed("something-new"), "GROK_VIDEO_FAILED", 502, "maybe"),
        (json_answer({"status": "failed"}), "GROK_VIDEO_FAILED", 502, "maybe"),
        (json_answer({"status": "expired"}), "GROK_VIDEO_EXPIRED", 502, "yes"),
        (finished(""), "GROK_VIDEO_EMPTY_RESPONSE", 502, "yes"),
        (json_answer({"status": "done"}), "GROK_VIDEO_EMPTY_RESPONSE", 502, "yes"),
    ],
)
def test_last_words(tmp_path: Path, answer: Answer, code: str, status: int, paid: str) -> None:
    filmed = film(tmp_path, script={POLL: [pending(), answer]})
    error = filmed.failure
    assert (error.code, error.status, error.paid, error.retryable) == (code, status, paid, False)
    assert not isinstance(error, JobUnknown)
    assert (filmed.count(ORDER), filmed.count(POLL), filmed.count(CLIP)) == (1, 2, 0)


@pytest.mark.parametrize(
    "answer",
    [
        finished("", respect_moderation=False),
        finished("https://vidgen.invalid/c.mp4", respect_moderation=False),
        xai.refusal("Client specified an invalid argument", "Generated video rejected by content moderation.", 400, 1),
        failed("permission_denied", "The video was rejected by content moderation."),
    ],
)
def test_moderation_comes_before_the_address(tmp_path: Path, answer: Answer) -> None:
    error = film(tmp_path, script={POLL: [answer]}).failure
    assert isinstance(error, Refused)
    assert (error.code, error.status, error.paid) == ("GROK_VIDEO_MODERATION_BLOCKED", 502, "yes")
    assert error.exit_code == 7


def test_what_a_blocked_clip_cost_is_told(tmp_path: Path) -> None:
    error = film(tmp_path, script={POLL: [finished("", respect_moderation=False)]}).failure
    assert error.details["costUsd"] == 0.25


@pytest.mark.parametrize(
    "bad",
    [
        HTML,
        file(b"\x00\x00\x00\x18ftypheic" + bytes(40)),
        file(MP4[:-20]),
        file(b""),
        Answer(404),
        Answer(403),
        Answer(500),
        Answer(200, {"Content-Length": str(len(MP4))}, MP4, stop=100, ending="cut"),
        Answer(302, {"Location": "http://10.0.0.1/clip.mp4"}),
        Answer(302, {"Location": "file:///etc/passwd"}),
    ],
)
def test_a_bad_address_is_asked_for_again(tmp_path: Path, bad: Answer) -> None:
    def script(url: str) -> dict[str, Any]:
        return {
            POLL: [finished(f"{url}/dead"), finished(f"{url}/dead"), finished(url + CLIP_PATH)],
            "GET /dead": [bad, bad],
        }

    filmed = film(tmp_path, script=script)
    assert filmed.files == [MP4]
    assert (filmed.count(ORDER), filmed.count(POLL)) == (1, 3)


def test_a_clip_that_never_arrives_waits_at_xai(tmp_path: Path) -> None:
    filmed = film(tmp_path, script={CLIP: [HTML.but(repeat=True)]})
    error = filmed.failure
    assert isinstance(error, JobUnknown)
    assert (error.code, error.status, error.step, error.paid) == ("GROK_VIDEO_DOWNLOAD_FAILED", 502, "download", "yes")
    assert error.hint == "ima2 jobs resume job-1"
    assert [Path(path).read_bytes() for path in error.kept] == [HTML.body]
    assert (filmed.count(ORDER), filmed.count(CLIP)) == (1, 3)


def test_numbers_beyond_counting_are_none(tmp_path: Path) -> None:
    odd = {"duration": 10**400, "respect_moderation": True}

    def script(url: str) -> dict[str, Any]:
        facts = {"status": "done", "video": {**odd, "url": url + CLIP_PATH}, "usage": {"cost_in_usd_ticks": 10**400}}
        return {POLL: [json_answer(facts)]}

    filmed = film(tmp_path, script=script)
    assert filmed.files == [MP4]
    assert (filmed.of(Usage)[-1].cost_usd, "duration" in filmed.of(Media)[0].claimed) == (None, False)


def test_octet_stream_will_do(tmp_path: Path) -> None:
    assert film(tmp_path, script={CLIP: [file(MP4, "application/octet-stream")]}).files == [MP4]


def test_a_download_that_takes_too_long(tmp_path: Path) -> None:
    slow = file(MP4).but(pieces=(50,), delay=5, repeat=True)
    error = film(tmp_path, script={CLIP: [slow]}, video_download_timeout_ms=50).failure
    assert (error.code, error.status, error.paid) == ("GROK_VIDEO_TIMEOUT", 504, "yes")


def test_too_late_is_not_lost(tmp_path: Path) -> None:
    filmed = film(tmp_path, script={POLL: [pending(1).but(repeat=True)]}, video_timeout_ms=20_000)
    error = filmed.failure
    assert isinstance(error, JobUnknown)
    assert (error.code, error.status, error.paid) == ("GROK_VIDEO_TIMEOUT", 504, "maybe")
    assert "ima2 jobs resume" in (error.hint or "")
    assert film(tmp_path, resume=filmed.upstream_ids[0]).files == [MP4]


@pytest.mark.parametrize(
    ("operation", "setting"), [("edit", "video_edit_timeout_ms"), ("extend", "video_extend_timeout_ms")]
)
def test_edits_and_extensions_have_their_own_time(tmp_path: Path, operation: str, setting: str) -> None:
    call = order(operation=operation, parameters={"mode": operation, "source_url": "https://x.ai/a.mp4"})
    waiting = {POLL: [pending(1).but(repeat=True)]}
    filmed = film(tmp_path, call, waiting, **{setting: 7_000})
    assert (filmed.failure.code, filmed.count(POLL)) == ("GROK_VIDEO_TIMEOUT", 3)


@pytest.mark.parametrize(
    ("answer", "code", "status"),
    [
        (json_answer({"code": "not-found", "error": "no such request"}, 404), "GROK_VIDEO_POLL_FAILED", 404),
        (
            json_answer({"code": "invalid-argument", "error": "Malformed request ID"}, 400),
            "GROK_VIDEO_POLL_FAILED",
            400,
        ),
        (json_answer({"code": "permission-denied", "error": "not yours"}, 403), "GROK_AUTH_FAILED", 502),
        (STALE.but(repeat=True), "GROK_AUTH_FAILED", 502),
    ],
)
def test_not_being_allowed_to_ask_loses_nothing(tmp_path: Path, answer: Answer, code: str, status: int) -> None:
    """Another account may be signed in by now; xAI has not said that there is no clip."""
    filmed = film(tmp_path, script={POLL: [answer]})
    error = filmed.failure
    assert isinstance(error, JobUnknown)
    assert (error.code, error.status) == (code, status)
    assert "ima2 jobs resume job-1" in (error.hint or "")
    assert (filmed.count(ORDER), filmed.count(POLL)) == (1, 1)


def test_signed_out_meanwhile(tmp_path: Path) -> None:
    error = film(tmp_path, resume=ID, signed_in=False).failure
    assert isinstance(error, JobUnknown)
    assert (error.code, error.status) == ("GROK_AUTH_REQUIRED", 401)
    assert error.hint == "ima2 grok login, then ima2 jobs resume job-1"


def test_resuming_orders_nothing(tmp_path: Path) -> None:
    filmed = film(tmp_path, resume=ID)
    assert filmed.files == [MP4]
    assert (filmed.of(Sending), filmed.of(Submitted), filmed.count(ORDER)) == ([], [], 0)


def test_an_id_is_no_path(tmp_path: Path) -> None:
    filmed = film(
        tmp_path, resume="../models?x=1", script={"GET /v1/videos/../models?x=1": [json_answer({"status": "expired"})]}
    )
    assert filmed.failure.code == "GROK_VIDEO_EXPIRED"
    assert [each.query for each in filmed.received] == [{}]


@pytest.mark.parametrize(
    ("answer", "code", "status", "paid"),
    [
        (xai.refusal("invalid-argument", "Duration 0", 400), "GROK_VIDEO_REQUEST_FAILED", 400, "no"),
        (text_answer("Failed to deserialize the JSON body", 422), "GROK_VIDEO_REQUEST_FAILED", 422, "no"),
        (xai.refusal("not-found", "The model x does not exist", 404), "GROK_VIDEO_REQUEST_FAILED", 404, "no"),
        (LIMITED, "GROK_RATE_LIMITED", 429, "no"),
        (xai.refusal("team-blocked:spending-limit", "no credits", 403), "GROK_CREDITS_EXHAUSTED", 429, "no"),
        (STALE, "GROK_AUTH_FAILED", 502, "no"),
    ],
)  # fmt: skip
def test_a_refused_order(tmp_path: Path, answer: Answer, code: str, status: int, paid: str) -> None:
    filmed = film(tmp_path, script={ORDER: [answer, ordered()]})
    error = filmed.failure
    assert (error.code, error.status, error.paid) == (code, status, paid)
    assert not isinstance(error, JobUnknown)
    assert (filmed.count(ORDER), filmed.upstream_ids) == (1, [])


@pytest.mark.parametrize(
    "answer",
    [
        ordered().but(stop=0, ending="cut"),
        Answer(200, {"Content-Length": "60"}, b'{"request_id":', ending="cut"),
        Answer(200, ending="silence"),
        Answer(200),
        DOWN,
        text_answer("<html>Gateway time-out", 504, content_type="text/html"),
        text_answer("error code: 524", 524),
        text_answer("<html>ok", content_type="text/html"),
        json_answer({}),
        json_answer({"request_id": 7}),
        json_answer([1]),
    ],
)
def test_an_order_without_an_answer_is_a_question(tmp_path: Path, answer: Answer) -> None:
    filmed = film(tmp_path, script={ORDER: [answer, ordered()]}, video_start_timeout_ms=300)
    error = filmed.failure
    assert isinstance(error, JobUnknown)
    assert (error.code, error.paid, error.retryable) == ("JOB_UNKNOWN", "maybe", False)
    assert "again in a minute" not in error.message + (error.hint or "")
    assert "ima2 jobs retry job-1" in (error.hint or "")
    assert filmed.count(ORDER) == 1


def test_no_connection_is_no_question(tmp_path: Path) -> None:
    error: Ima2Error = film(tmp_path, base_url="http://127.0.0.1:1/v1").failure
    assert (error.code, error.paid) == ("GROK_VIDEO_REQUEST_FAILED", "no")
    assert not isinstance(error, JobUnknown)


def test_older_replies_name_the_id_differently(tmp_path: Path) -> None:
    assert film(tmp_path, script={ORDER: [json_answer({"id": ID})]}).upstream_ids == [ID]


def test_another_model_is_told(tmp_path: Path) -> None:
    filmed = film(tmp_path, script=lambda url: {POLL: [finished(url + CLIP_PATH, model="grok-imagine-video-1.5")]})
    assert filmed.warnings == ["MODEL_SUBSTITUTED"]
    assert filmed.of(Media)[0].claimed["model"] == "grok-imagine-video-1.5"


def test_nothing_secret_in_words(tmp_path: Path) -> None:
    def script(url: str) -> dict[str, Any]:
        return {POLL: [finished(f"{url}/dead?sig=SECRET").but(repeat=True)], "GET /dead": [Answer(404, repeat=True)]}

    error = film(tmp_path, script=script).failure
    assert "SECRET" not in str(error.to_dict())
    assert KEY not in str(error.to_dict())
