"""Answers of xAI's video API as they come, made-up content: orders, pending and last words, clips.

Shapes follow recorded traffic of 2026-03 to 2026-08.
"""

from __future__ import annotations

from typing import Any

from ima2_kit.upstreams import xai
from ima2_kit.upstreams.answer import Answer, json_answer

ORDER = "POST /v1/videos/generations"
EDIT = "POST /v1/videos/edits"
EXTEND = "POST /v1/videos/extensions"
ID = "c84748c1-5ec7-9c62-b013-dc6e71a83de7"
POLL = f"GET /v1/videos/{ID}"
CLIP_PATH = "/xai-vidgen/clip.mp4"
CLIP = f"GET {CLIP_PATH}"
PROMPT = "A crimson kite climbs over a lake at noon; wind, no music; it ends high above the far shore."
CLIP_TICKS = 2_500_000_000


def ordered(upstream_id: str = ID) -> Answer:
    """The order is accepted."""
    return json_answer({"request_id": upstream_id})


def pending(progress: Any = 1) -> Answer:
    """Not ready: HTTP 202."""
    return json_answer({"status": "pending", "progress": progress}, 202)


def finished(url: str, *, seconds: float = 5, respect_moderation: bool = True, **more: Any) -> Answer:
    """Done: where the clip lies."""
    video = {"url": url, "duration": seconds, "respect_moderation": respect_moderation}
    usage = {"cost_in_usd_ticks": CLIP_TICKS}
    said = {"status": "done", "video": video, "model": "grok-imagine-video", "usage": usage, "progress": 100}
    return json_answer({**said, **more})


def failed(code: str, message: str = "Unable to process input image for video generation.") -> Answer:
    """The job failed: HTTP 200 all the same."""
    video = {"url": "", "duration": 0, "respect_moderation": True}
    return json_answer({"status": "failed", "video": video, "error": {"code": code, "message": message}, "progress": 0})


def file(clip: bytes, content_type: str = "video/mp4") -> Answer:
    """The clip itself."""
    return Answer(headers={"Content-Type": content_type}, body=clip)


def good_run(url: str, clip: bytes, *, n: int = 1) -> dict[str, list[Answer]]:
    """Answers of a whole run by route: search, plan, ``n`` orders, polls, downloads from below ``url``."""
    return {
        xai.SEARCH: [json_answer(xai.searched())],
        xai.PLAN: [json_answer(xai.planned(PROMPT, name="generate_video"))],
        **{route: [ordered()] * n for route in (ORDER, EDIT, EXTEND)},
        POLL: [pending(), pending(56), finished(url + CLIP_PATH).but(repeat=True)],
        CLIP: [file(clip).but(repeat=True)],
    }
