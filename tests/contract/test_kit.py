"""What the kit lends a test."""

from __future__ import annotations

import asyncio
import io
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from ima2.hookspecs import Context, ProviderInfo, Setting, hookimpl
from ima2_kit.conformance.pictures import picture
from ima2_kit.context import KitContext, QuickClock, open_context
from ima2_kit.hooks import Hooks
from ima2_kit.watch import IO, NETWORK, watching, within
from pluggy import PluginValidationError

INFO = ProviderInfo("acme", "Acme", settings=(Setting("depth", type="integer", default=3, help="How deep."),))


def test_a_context_has_what_the_protocol_names(tmp_path: Path) -> None:
    async def run() -> KitContext:
        async with open_context(INFO, tmp_path) as context:
            lent: Context = context
            assert not lent.client.is_closed
            return context

    context = asyncio.run(run())
    assert set(Context.__annotations__) <= set(KitContext.__dataclass_fields__)
    assert context.client.is_closed


def test_settings_lie_over_defaults(
    ima2_context: Callable[..., AbstractAsyncContextManager[KitContext]], tmp_path: Path
) -> None:
    async def run() -> None:
        async with ima2_context(INFO) as context:
            assert context.settings == {"depth": 3}
            assert context.spool.new(".png").is_relative_to(tmp_path)
        async with ima2_context(INFO, settings={"depth": 5}, credentials={"key": "k"}, resume="up-1") as context:
            assert context.settings["depth"] == 5
            assert context.credentials.read() == {"key": "k"}
            assert context.resume == "up-1"

    asyncio.run(run())


@pytest.mark.parametrize(("file_format", "mode", "alpha"), [("PNG", "RGBA", True), ("JPEG", "RGB", False)])
def test_an_input_image_is_stored_by_its_hash(tmp_path: Path, file_format: str, mode: str, alpha: bool) -> None:
    image = picture(file_format, mode=mode)

    async def run() -> None:
        async with open_context(INFO, tmp_path) as context:
            reference = context.add(image, "mask")
            assert context.open(reference).read_bytes() == image
            assert (reference.width, reference.height, reference.size) == (24, 16, len(image))
            assert (reference.role, reference.has_alpha) == ("mask", alpha)
            assert reference.media_type == f"image/{file_format.lower()}"

    asyncio.run(run())


def test_the_clock_does_not_wait() -> None:
    async def run() -> None:
        clock = QuickClock(now=100.0)
        await asyncio.wait_for(clock.sleep(86_400), 10)
        assert (clock.now(), clock.monotonic()) == (86_500.0, 86_400.0)

    asyncio.run(run())


def test_hooks_are_asked_by_name() -> None:
    class Plugin:
        @hookimpl
        def ima2_provider(self) -> ProviderInfo:
            return INFO

        def ima2_check(self, request: object) -> None:
            """Not marked, so never called."""

    hooks = Hooks(Plugin())
    assert hooks.names == {"ima2_provider"}
    assert hooks.ask("ima2_provider") is INFO
    assert hooks.ask("ima2_check", request=None) is None
    assert hooks.unmarked() == ["ima2_check"]


def test_a_misspelt_hook_is_an_error() -> None:
    class Plugin:
        @hookimpl
        def ima2_provder(self) -> None: ...

    with pytest.raises(PluginValidationError, match="ima2_provder"):
        Hooks(Plugin())


def test_a_watch_sees_files_and_connections_and_ends(tmp_path: Path) -> None:
    file = tmp_path / "file"
    with watching(IO) as seen:
        file.write_text("x")
    file.read_text()
    assert seen == [f"open {file}"]
    with watching(NETWORK) as seen:
        file.read_text()
    assert seen == []


def test_a_hang_becomes_an_error() -> None:
    with pytest.raises(TimeoutError, match="no answer within"):
        within(0.05, lambda: time.sleep(5))
    with pytest.raises(ZeroDivisionError):
        within(5, lambda: 1 // 0)
    with watching(IO) as seen:
        within(5, lambda: io.open_code(__file__).close())
    assert len(seen) == 1, "the watch goes along into the thread"


def test_the_pytest_plugin_is_light() -> None:
    """It is loaded by every pytest run where the kit is installed."""
    script = (
        "import sys, ima2_kit.pytest_plugin; print({'httpx', 'pydantic', 'PIL', 'aiohttp', 'ima2'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
