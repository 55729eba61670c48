"""Clips through the command line, as a process, against recorded and scripted answers."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ima2_kit.upstreams import Answer, Received, ScriptedUpstream, json_answer, xai, xai_video
from ima2_kit.upstreams.recorded import body_of, exchanges
from ima2_kit.upstreams.xai_video import EDIT, ORDER, POLL, failed
from PIL import Image
from providers.grok.filming import KEY, MP4, RECORDED, recorded_run

TEXT = "videos-text-to-video-poll-download.json"


@dataclass
class Done:
    code: int | None
    out: str
    err: str
    received: list[Received]

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    def sent(self, route: str) -> list[Any]:
        return [each.json for each in self.received if f"{each.method} {each.path}" == route]


def ima2(folder: Path, *arguments: str, script: Any = None) -> Done:
    async def main() -> Done:
        async with ScriptedUpstream() as upstream:
            own: Mapping[str, Sequence[Answer]] = script(upstream.url) if script else {}
            for route, answers in {**xai_video.good_run(upstream.url, MP4), **own}.items():
                upstream.say(route, *answers)
            env = {
                "IMA2_CONFIG_DIR": str(folder / "house"),
                "IMA2_XAI_BASE_URL": f"{upstream.url}/v1",
                "IMA2_GROK_VIDEO_POLL_INTERVAL_MS": "5",
                "XAI_API_KEY": KEY,
            }
            kept = {name: value for name, value in os.environ.items() if not name.startswith("IMA2_")}
            pipe = asyncio.subprocess.PIPE
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "ima2", *arguments,
                env={**kept, **env}, cwd=folder, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe,
            )  # fmt: skip
            async with asyncio.timeout(60):
                out, err = await process.communicate()
            return Done(process.returncode, out.decode(), err.decode(), upstream.received)

    return asyncio.run(main())


def test_a_recorded_clip_reaches_the_gallery(tmp_path: Path) -> None:
    *_, download = exchanges(RECORDED / TEXT)
    words = ("video", "a calm ocean wave at sunset", "--duration", "1", "--provider", "grok", "--json")
    done = ima2(tmp_path, *words, "-o", "wave.mp4", script=lambda url: recorded_run(TEXT, url))
    assert done.code == 0, done.err
    recorded = body_of(download["response"])
    assert hashlib.sha256((tmp_path / "wave.mp4").read_bytes()).digest() == hashlib.sha256(recorded).digest()
    told = done.json
    assert told["video"]["xaiVideoRequestId"] == "c84748c1-5ec7-9c62-b013-dc6e71a83de7"
    assert len(done.sent(ORDER)) == 1
    written = [path for path in (tmp_path / "house").rglob("*") if path.is_file()]
    assert not [path for path in written if KEY.encode() in path.read_bytes()], "the key is nowhere on disk"


def test_a_recorded_clip_is_asked_about(tmp_path: Path) -> None:
    """Its real frames go out, with one request and no other."""
    *_, download = exchanges(RECORDED / TEXT)
    (tmp_path / "wave.mp4").write_bytes(body_of(download["response"]))
    script = {xai.SEARCH: [json_answer(xai.searched("A wave rolls in.", calls=0))]}
    words = ("video", "analyze", "wave.mp4", "what", "moves?", "--provider", "grok", "--json")
    done = ima2(tmp_path, *words, script=lambda _: script)
    assert done.code == 0, done.err
    assert {name: done.json[name] for name in ("analysis", "model", "method", "question")} == {
        "analysis": "A wave rolls in.",
        "model": "grok-4.3",
        "method": "first-last-frame",
        "question": "what moves?",
    }
    assert done.json["costUsd"] == xai.SEARCH_TICKS / 10**10
    (sent,) = done.received
    *pictures, question = sent.json["input"][1]["content"]
    shown = [Image.open(io.BytesIO(base64.b64decode(each["image_url"].partition(",")[2]))) for each in pictures]
    assert len({image.size for image in shown}) == 1
    assert shown[0].tobytes() != shown[1].tobytes()
    assert question["text"] == "what moves?"


def test_editing_a_file(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(MP4)
    done = ima2(tmp_path, "video", "edit", "a silver necklace", "--video", "clip.mp4", "--provider", "grok", "--json")
    assert done.code == 0, done.err
    assert done.sent(EDIT)[0]["video"]["url"].startswith("data:video/mp4;base64,")
    assert done.sent(ORDER) == []


def test_a_dry_run_sends_nothing(tmp_path: Path) -> None:
    done = ima2(tmp_path, "video", "a kite", "--duration", "8", "--provider", "grok", "--dry-run", "--json")
    assert (done.code, done.received) == (0, [])
    assert "text-to-video, 8 s, 480p" in done.out


def test_a_refusal_before_anything_is_sent(tmp_path: Path) -> None:
    done = ima2(tmp_path, "video", "a kite", "--resolution", "1080p", "--provider", "grok", "--json")
    assert (done.code, done.received) == (5, [])
    assert done.json["code"] == "INVALID_VIDEO_RESOLUTION"


def test_a_failure_says_what_was_paid(tmp_path: Path) -> None:
    script = {POLL: [failed("invalid_argument")]}
    done = ima2(tmp_path, "video", "a kite", "--provider", "grok", "--json", script=lambda _: script)
    assert (done.json["code"], done.json["paid"]) == ("GROK_VIDEO_REQUEST_FAILED", "maybe")
    assert done.code == 5
    assert len(done.sent(xai.SEARCH)) == 1
