"""``ima2`` as a process, with a folder of its own and stand-ins for OpenAI."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import interrupts
from providers.oauth.authority import CODEX, Authority

KEPT = ("PATH", "SYSTEMROOT", "TEMP", "TMP", "LANG")


class House:
    """Its credentials are where the other helpers put them."""

    def __init__(self, folder: Path, service: Authority) -> None:
        self.folder = folder
        self.service = service

    async def start(self, *arguments: str, **env: str) -> asyncio.subprocess.Process:
        own = {name: os.environ[name] for name in KEPT if name in os.environ}
        addresses = {
            "HOME": str(self.folder),
            "IMA2_CONFIG_DIR": str(self.folder),
            "CODEX_HOME": str(self.folder / "codex"),
            "IMA2_OPENAI_AUTH_URL": self.service.url,
            "IMA2_CODEX_BASE_URL": f"{self.service.url}{CODEX}",
            "IMA2_OPENAI_LOGIN_PORTS": "0",
            "IMA2_OAUTH_PROXY_PORT": "0",
            "IMA2_GROK_PROXY_PORT": "0",
            "PYTHONUNBUFFERED": "1",
            "PYTHONUTF8": "1",
        }
        pipe = asyncio.subprocess.PIPE
        command = (sys.executable, "-m", "ima2", *arguments)
        return await asyncio.create_subprocess_exec(
            *command,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            env={**own, **addresses, **env},
            preexec_fn=interrupts.heard,
        )

    async def run(self, *arguments: str, given: bytes = b"", **env: str) -> tuple[int | None, str, str]:
        process = await self.start(*arguments, **env)
        out, err = await process.communicate(given)
        return process.returncode, out.decode(), err.decode()


def at_home(folder: Path, work: Callable[[House], Awaitable[Any]], service: Authority | None = None) -> Any:
    async def go() -> Any:
        async with service or Authority() as running:
            return await work(House(folder, running))

    return asyncio.run(go())
