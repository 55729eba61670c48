from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "module", ["ima2.upstream", "ima2.upstream.sse", "ima2.upstream.credentials", "ima2.upstream.redact"]
)
def test_only_the_client_brings_httpx(module: str) -> None:
    code = f"import sys, {module}; print(*sorted(sys.modules))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"httpx", "aiohttp", "pydantic", "PIL", "rich"} & set(ended.stdout.split()) == set()
    assert module in ended.stdout.split()
