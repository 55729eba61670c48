"""Pictures in the terminal, where it can show them (extra ``ima2[terminal]``)."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Awaitable, Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from ima2.cli.backend import Backend, Event
from ima2.cli.failure import UsageProblem
from ima2.cli.terminal import is_terminal, note

Show = Callable[[Path], None]


def terminal_pictures(wanted: str) -> Show | None:
    """How to show a picture; None when that is not wanted or, for ``auto``, not possible.

    :raises UsageProblem: ``PREVIEW_UNAVAILABLE`` when ``always`` is asked for in vain.
    """
    if wanted == "never":
        return None
    renderable = _renderable() if is_terminal(sys.stderr) else None
    if renderable is None and wanted == "always":
        raise UsageProblem(
            "Pictures can't be shown here: that needs a terminal and the extra ima2[terminal].",
            code="PREVIEW_UNAVAILABLE",
            hint="pip install 'ima2[terminal]'",
        )
    return None if renderable is None else _shower(renderable)


def show_partials(backend: Backend, show: Show) -> Callable[[Event], Awaitable[None]]:
    """Show each draft, labelled as one, as it comes."""

    async def draft(event: Event) -> None:
        with tempfile.TemporaryDirectory(prefix="ima2-") as folder:
            if path := await backend.partial(event, Path(folder)):
                note("draft:")
                show(path)

    return draft


def _renderable() -> Any:
    try:
        found = import_module("textual_image.renderable")
    except ImportError:
        return None
    # Anything else is drawn with characters, which says little about a picture.
    return found.Image if found.Image in (found.TGPImage, found.SixelImage) else None


def _shower(renderable: Any) -> Show:
    from PIL import UnidentifiedImageError
    from rich.console import Console

    console = Console(stderr=True, highlight=False)

    def show(path: Path) -> None:
        try:
            console.print(renderable(str(path), width=min(60, console.width)))
        except (OSError, UnidentifiedImageError):
            # A draft is thrown away when its job ends; a clip is no picture.
            return

    return show
