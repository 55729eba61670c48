"""Recorded and scripted answers through the command line, with the service in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from ima2_kit.upstreams import openai

RECORDED = Path(__file__).parents[2] / "recorded" / "openai"
KEY = "sk-test-0123456789abcdef"
ROUTE = "POST /v1/responses"


@contextmanager
def service(folder: Path, answers: list[dict[str, Any]]) -> Iterator[str]:
    """A stand-in process that gives ``answers``; yields its address."""
    script = folder / "script.json"
    script.write_text(json.dumps({"routes": {ROUTE: answers}}))
    command = [sys.executable, "-m", "ima2_kit.upstreams", "--script", str(script)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def ima2(folder: Path, url: str, *arguments: str, key: str = KEY) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("IMA2_", "OPENAI_"))}
    env = {**kept, "IMA2_CONFIG_DIR": str(folder / "config"), "IMA2_OPENAI_BASE_URL": f"{url}/v1"}
    command = [sys.executable, "-m", "ima2", *arguments]
    return subprocess.run(
        command, env={**env, "OPENAI_API_KEY": key}, capture_output=True, text=True, timeout=60, cwd=folder, check=False
    )


def recorded(name: str, **more: Any) -> dict[str, Any]:
    return {"recorded": str(RECORDED / name), **more}


PICTURES = [
    (recorded("responses-imagegen-gpt5-jpeg.json"), (1536, 1024, "image/jpeg", 140_908)),
    (recorded("responses-imagegen-gpt54-png.json", pieces=[4099]), (1024, 1536, "image/png", 3_117_918)),
    (
        recorded("responses-imagegen-function-call-then-image.json", exchange=1),
        (1024, 1024, "image/png", 1_653_343),
    ),
    (recorded("responses-imagegen-input-image-url-and-mask.json"), (1024, 1024, "image/png", 1_314_179)),
    (recorded("responses-imagegen-action-generate-transparent.json"), (1024, 1024, "image/png", 2_150_350)),
    (
        recorded("responses-imagegen-stream-gptimage2-2026-07.abridged.sse", pieces=[1]),
        (16, 16, "image/jpeg", None),
    ),
    (recorded("responses-imagegen-stream-azure-2025-12.chunks.txt", pieces=[97]), (1, 1, "image/png", None)),
]


def test_recorded_pictures_reach_the_gallery(tmp_path: Path) -> None:
    with service(tmp_path, [answer for answer, _ in PICTURES]) as url:
        for _, (width, height, kind, size) in PICTURES:
            done = ima2(tmp_path, url, "generate", "a kite", "--provider", "api", "--json")
            assert done.returncode == 0, done.stderr
            [picture] = json.loads(done.stdout)["images"]
            assert (picture["width"], picture["height"], picture["mediaType"]) == (width, height, kind)
            assert size in (None, picture["bytes"])
            assert Path(picture["path"]).stat().st_size == picture["bytes"]
        assert len(httpx.get(f"{url}/_log").json()) == len(PICTURES)
    written = [path for path in (tmp_path / "config").rglob("*") if path.is_file()]
    assert written
    assert not [path for path in written if KEY.encode() in path.read_bytes()], "the key is nowhere on disk"


FAILURES: list[tuple[dict[str, Any], str, int]] = [
    (recorded("error-401-invalid-api-key.json"), "AUTH_API_KEY_INVALID", 4),
    (recorded("error-429-insufficient-quota.body.json"), "INSUFFICIENT_QUOTA", 5),
    (recorded("error-stream-insufficient-quota.chunks.txt"), "INSUFFICIENT_QUOTA", 5),
    (recorded("error-stream-rate-limit-exceeded.sse"), "RATE_LIMITED", 5),
    (recorded("error-400-responses-bad-parameter.json"), "INVALID_REQUEST", 5),
    (recorded("responses-imagegen-tool-offered-text-only.json"), "IMAGE_TOOL_NOT_CALLED", 5),
    (recorded("responses-web-search-stream-sse.json"), "WEB_SEARCH_ONLY_RESPONSE", 5),
    (recorded("responses-imagegen-stream-gpt5-2025-09.chunks.txt"), "IMAGE_TOOL_COMPLETED_WITHOUT_RESULT", 5),
    ({"json": openai.error("moderation_blocked", "no"), "status": 400}, "MODERATION_REFUSED", 7),
    ({"text": "upstream connect error", "status": 503}, "UPSTREAM_5XX", 6),
    ({"text": "data: ", "stop": 6, "ending": "cut"}, "NETWORK_FAILED", 6),
]


def test_failures_have_their_codes_and_nothing_is_sent_twice(tmp_path: Path) -> None:
    with service(tmp_path, [answer for answer, _, _ in FAILURES]) as url:
        for count, (_, code, status) in enumerate(FAILURES, 1):
            done = ima2(tmp_path, url, "generate", "a kite", "--provider", "api", "--json")
            told = json.loads(done.stdout or done.stderr.splitlines()[-1])
            assert (told["code"], done.returncode) == (code, status), done.stderr
            assert len(httpx.get(f"{url}/_log").json()) == count


def test_no_key_is_told_before_anything_else(tmp_path: Path) -> None:
    with service(tmp_path, []) as url:
        done = ima2(tmp_path, url, "generate", "a kite", "--provider", "api", "--json", key="")
        assert done.returncode == 4
        assert "API_KEY_REQUIRED" in done.stdout + done.stderr
        assert httpx.get(f"{url}/_log").json() == []
