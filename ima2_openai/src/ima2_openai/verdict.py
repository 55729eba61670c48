"""Why an answer holds no picture, or was not whole: one cause, with its code."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ima2.errors import Ima2Error, NoImage, Refused, UpstreamError

from ima2_openai.envelope import parse, words
from ima2_openai.errors import Service, failed

_SHOWN = 300
"""Characters of the model's words in a message; ``details`` has up to :data:`_KEPT`."""
_KEPT = 4000


@dataclass(slots=True)
class Facts:
    """What was seen of one answer.

    :ivar error: the first failure told, as an ``error`` event or ``response.error`` has it.
    :ivar failures: of image calls that brought no usable picture, by item: their ``error``, or their status.
    """

    events: int = 0
    status: str = ""
    incomplete: str = ""
    tool_called: bool = False
    error: Any = None
    failures: dict[str, Any] = field(default_factory=dict)
    functions: list[str] = field(default_factory=list)
    text: str = ""
    refusal: str = ""
    searches: int = 0
    sources: list[dict[str, str]] = field(default_factory=list)


def no_picture(service: Service, facts: Facts, cut: Ima2Error | None, *, final: bool) -> Ima2Error:
    """The one error of an answer without a picture: the first cause known, from the plainest to the vaguest."""
    if facts.error is not None:
        return failed(service, facts.error)
    if cut is not None:
        return cut
    if not facts.events:
        return _none(service, facts, "STREAM_PARSE_FAILED", "the answer could not be read.", paid="maybe")
    if not final:
        text = f"{service.title} ended the answer before it was whole, and no picture had come."
        return UpstreamError(text, code="STREAM_TRUNCATED", step="generate", paid="maybe", hint="ima2 jobs")
    return _whole_answer(service, facts)


def _whole_answer(service: Service, facts: Facts) -> Ima2Error:
    if facts.failures and (error := _failed_tool(service, facts)):
        return error
    if facts.incomplete == "content_filter":
        return failed(service, {"code": "content_filter", "message": "The content filter stopped the answer."})
    if facts.incomplete:
        return _none(service, facts, "RESPONSE_INCOMPLETE", f"the answer stopped early: {facts.incomplete}.")
    if facts.tool_called:
        text = "the image tool was called and brought no usable picture."
        return _none(service, facts, "IMAGE_TOOL_COMPLETED_WITHOUT_RESULT", text)
    if facts.refusal:
        text = f"{service.title}: the model refused: {words(facts.refusal)[:_SHOWN]}"
        return Refused(text, code="SAFETY_REFUSAL", step="generate", paid="yes", hint="Change the prompt.")
    return _no_call(service, facts)


def _failed_tool(service: Service, facts: Facts) -> Ima2Error | None:
    """What a failed image call says; None when it only lacks its result."""
    said = list(facts.failures.values())
    if error := next((each for each in said if parse(each).message), None):
        told = failed(service, error)
        if isinstance(told, Refused):
            return told
        return _none(service, facts, "IMAGE_TOOL_FAILED", f"the image tool failed: {parse(error).message}")
    if any(isinstance(each, dict) and each.get("status") == "failed" for each in said):
        return _none(service, facts, "IMAGE_TOOL_FAILED", "the image tool failed without saying why.")
    return None


def _no_call(service: Service, facts: Facts) -> Ima2Error:
    said = f" It said: {words(facts.text)[:_SHOWN]}" if facts.text.strip() else ""
    if facts.searches:
        text = f"the model searched the web and made no picture.{said}"
        return _none(service, facts, "WEB_SEARCH_ONLY_RESPONSE", text, hint="--no-web-search")
    if facts.functions:
        text = f"the model called {', '.join(facts.functions)} and not the image tool.{said}"
        return _none(service, facts, "IMAGE_TOOL_NOT_CALLED", text)
    if said:
        return _none(service, facts, "IMAGE_TOOL_NOT_CALLED", f"the model answered in words.{said}")
    return _none(service, facts, "EMPTY_RESPONSE", "the answer was empty.")


def _none(
    service: Service, facts: Facts, code: str, text: str, *, paid: Any = "yes", hint: str = "Run the command again."
) -> NoImage:
    known = {"text": facts.text[:_KEPT], "webSearchCalls": facts.searches, "sources": facts.sources}
    details = {name: value for name, value in known.items() if value}
    return NoImage(f"{service.title}: {text}", code=code, step="generate", paid=paid, hint=hint, details=details)


def why_broken(service: Service, facts: Facts, cut: Ima2Error | None, *, final: bool) -> str | None:
    """What went wrong after a picture had come; None when nothing did."""
    if facts.error is not None:
        return failed(service, facts.error).message
    if cut is not None:
        return cut.message
    if not final:
        return "the stream ended without its last event."
    if facts.incomplete:
        return f"it stopped early: {facts.incomplete}."
    if facts.failures:
        return "a further picture failed."
    return None
