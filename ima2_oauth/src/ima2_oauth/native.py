"""The images routes of the ChatGPT service: one JSON request, one JSON answer.

They take prompt, model, size, quality, background and count, and up to five input images as data URLs under ``images``,
and no mask, moderation, file format, drafts or stream (public clients, 2026-07). What comes is always PNG.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ima2.errors import Ima2Error, NoImage
from ima2.models import CallEvent, Media, Request, Submitted, Usage
from ima2_openai.errors import failed
from ima2_openai.pictures import picture

from ima2_oauth.errors import IMAGES, request_id
from ima2_oauth.pictures import Pictures

if TYPE_CHECKING:
    from ima2.hookspecs import Spool


def wire(request: Request, drawer: str) -> dict[str, Any]:
    """All of the body but prompt and pictures, as it lies in the ledger."""
    said = {
        "model": drawer,
        "size": request.size or "auto",
        "quality": request.quality or "auto",
        "background": request.background,
        "n": 1,
    }
    return {name: value for name, value in said.items() if value is not None}


def path(pictures: Pictures) -> str:
    """Below the base address: with input images it is an edit."""
    return "images/edits" if pictures.urls else "images/generations"


def body(said: Mapping[str, Any], prompt: str, pictures: Pictures) -> dict[str, Any]:
    """The whole body. Parameters that :func:`wire` does not make are left out: a ledger may be newer than this code."""
    known = {name: said[name] for name in ("model", "size", "quality", "background", "n") if name in said}
    images = {"images": [{"image_url": url} for url in pictures.urls]} if pictures.urls else {}
    return {"prompt": prompt, **known, **images}


AGAIN = "Run the command again, or: ima2 generate --route responses"


class Drawn:
    """Reads the answer; see :class:`ima2_openai.exchange.Reader`."""

    def __init__(self, spool: Spool, drawer: str) -> None:
        self.final = False
        self._spool = spool
        self._drawer = drawer
        self._hashes: set[str] = set()
        self._said: Mapping[str, Any] = {}
        self._error: Any = None

    def opened(self, status: int, headers: Mapping[str, str]) -> Iterator[CallEvent]:
        """The id stands in a header."""
        if status < 400 and (name := request_id(headers)):
            yield Submitted(upstream_id=name)

    def take(self, event: Mapping[str, Any], name: str | None = None) -> Iterator[CallEvent]:
        """A stream was not asked for; its events are read like the document."""
        yield from self.whole(event)

    def whole(self, document: Any) -> Iterator[CallEvent]:
        """The pictures, each once."""
        self._said = document if isinstance(document, Mapping) else {}
        if self._said.get("error") or self._said.get("detail"):
            self._error = self._said
        listed = self._said.get("data")
        for entry in listed if isinstance(listed, list) else ():
            yield from self._picture(entry if isinstance(entry, Mapping) else {})

    def end(self, cut: Ima2Error | None = None) -> Iterator[CallEvent]:
        """Usage, or why there is no picture."""
        if spent := _usage(self._said):
            yield spent
        if self._hashes:
            return
        if self._error:
            raise failed(IMAGES, self._error)
        raise cut or self._nothing()

    def _picture(self, entry: Mapping[str, Any]) -> Iterator[CallEvent]:
        made = picture(entry.get("b64_json"), self._spool)
        if made is None or made.sha256 in self._hashes:
            return
        self._hashes.add(made.sha256)
        facts = {name: self._said.get(name) for name in ("size", "quality", "background")}
        facts |= {"format": self._said.get("output_format"), "tool_model": self._drawer}
        revised = entry.get("revised_prompt")
        yield Media(
            path=made.path,
            media_type=made.media_type,
            revised_prompt=revised if isinstance(revised, str) and revised else None,
            claimed={name: value for name, value in facts.items() if isinstance(value, str) and value},
        )

    def _nothing(self) -> NoImage:
        listed = self._said.get("data")
        if isinstance(listed, list) and listed:
            text = f"{IMAGES.title} sent something that is no picture."
            return NoImage(text, code="IMAGE_TOOL_COMPLETED_WITHOUT_RESULT", step="generate", paid="yes", hint=AGAIN)
        text = f"{IMAGES.title}: the answer held no picture."
        return NoImage(text, code="EMPTY_RESPONSE", step="generate", paid="maybe", hint=AGAIN)


def _usage(said: Mapping[str, Any]) -> Usage | None:
    spent = said.get("usage")
    if not isinstance(spent, Mapping):
        return None
    details = spent.get("output_tokens_details")
    drawn = details.get("image_tokens") if isinstance(details, Mapping) else None
    return Usage(
        input_tokens=_count(spent.get("input_tokens")),
        output_tokens=_count(spent.get("output_tokens")),
        total_tokens=_count(spent.get("total_tokens")),
        image_tokens=_count(drawn),
        raw={"usage": dict(spent)},
    )


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
