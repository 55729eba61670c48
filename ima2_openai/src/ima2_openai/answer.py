"""One answer of the Responses API, streamed or whole, as ima2's events.

What holds for every backend (recorded 2025-09 to 2026-08):

- An item's ``status`` says little. A ``result`` that decodes to a picture counts, whatever stands beside it.
- Items come with ``response.output_item.done`` and may be missing from ``response.completed``, or come twice.
- A partial picture may come unasked, and is never a second picture.
- A failure may come inside an HTTP 200, flat or nested, and may be told twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ima2.errors import Ima2Error
from ima2.models import CallEvent, Media, Partial, Phase, Submitted, Text, Warning

from ima2_openai.errors import Service
from ima2_openai.pictures import picture
from ima2_openai.spent import Sources, usage
from ima2_openai.verdict import Facts, no_picture, why_broken

if TYPE_CHECKING:
    from ima2.hookspecs import Spool

Event = Mapping[str, Any]
_PHASES = {"image_generation_call": "generate", "web_search_call": "search"}


class Answer:
    """Takes the events of one answer in order, then says what became of it.

    :ivar final: nothing that matters follows; reading may stop.
    """

    def __init__(self, service: Service, spool: Spool) -> None:
        self.final = False
        self._service = service
        self._spool = spool
        self._facts = Facts()
        self._sources = Sources()
        self._response: Event = {}
        self._phase = ""
        self._submitted = False
        self._done: set[str] = set()
        self._spoken: set[str] = set()
        self._places: dict[str, int] = {}
        self._hashes: set[str] = set()
        self._takers: dict[str, Callable[[Event], Iterator[CallEvent]]] = {
            "response.created": self._begun,
            "response.in_progress": self._begun,
            "response.queued": self._begun,
            "response.output_item.added": self._added,
            "response.output_item.done": self._finished_item,
            "response.image_generation_call.partial_image": self._partial,
            "response.output_text.delta": self._delta,
            "response.output_text.annotation.added": self._annotation,
            "response.refusal.delta": self._refusal,
            "response.completed": self._ended,
            "response.incomplete": self._ended,
            "response.failed": self._ended,
            "error": self._error,
        }

    @property
    def pictures(self) -> int:
        """Different pictures so far."""
        return len(self._hashes)

    def opened(self, status: int, headers: Mapping[str, str]) -> Iterator[CallEvent]:
        """Status and headers say nothing here: the id comes in the answer."""
        return iter(())

    def take(self, event: Event, name: str | None = None) -> Iterator[CallEvent]:
        """One event of a stream; unknown kinds pass without effect. ``name`` is that of the ``event:`` line."""
        self._facts.events += 1
        kind = str(event.get("type") or name or "")
        if taker := self._takers.get(kind):
            yield from taker(event)
        elif not kind and "error" in event:
            yield from self._error(event)

    def whole(self, document: Any) -> Iterator[CallEvent]:
        """The one JSON answer of a request that was not streamed, or of a gateway that did not stream."""
        self._facts.events += 1
        if not isinstance(document, Mapping):
            return
        if "output" not in document and (document.get("error") or document.get("detail")):
            yield from self._error(document)
            return
        yield from self._begun({"response": document})
        yield from self._ended({"response": document})

    def end(self, cut: Ima2Error | None = None) -> Iterator[CallEvent]:
        """Nothing follows. Yields usage and warnings.

        :param cut: why reading stopped early.
        :raises Ima2Error: no usable picture came; exactly one error, the first cause.
        """
        self._facts.sources = self._sources.to_list()
        if spent := usage(self._response, self._facts.searches, self._facts.sources):
            yield spent
        yield from _flags(self._response)
        if not self.pictures:
            raise no_picture(self._service, self._facts, cut, final=self.final)
        if why := why_broken(self._service, self._facts, cut, final=self.final):
            text = f"The picture is whole and kept, but the answer was not: {why}"
            yield Warning(code="STREAM_TRUNCATED", message=text)

    def _begun(self, event: Event) -> Iterator[CallEvent]:
        response = _mapping(event.get("response"))
        self._response = {**self._response, **response}
        upstream_id = response.get("id")
        if isinstance(upstream_id, str) and upstream_id and not self._submitted:
            self._submitted = True
            yield Submitted(upstream_id=upstream_id)

    def _added(self, event: Event) -> Iterator[CallEvent]:
        item = _mapping(event.get("item"))
        kind = str(item.get("type"))
        if kind == "image_generation_call":
            self._facts.tool_called = True
            self._place(_key(item.get("id"), event))
        phase = _PHASES.get(kind)
        if phase and phase != self._phase:
            self._phase = phase
            yield Phase(name=phase)

    def _partial(self, event: Event) -> Iterator[CallEvent]:
        self._facts.tool_called = True
        place = self._place(_key(event.get("item_id"), event))
        if draft := picture(event.get("partial_image_b64"), self._spool):
            yield Partial(path=draft.path, media_type=draft.media_type, index=place)

    def _delta(self, event: Event) -> Iterator[CallEvent]:
        self._spoken |= _names(event.get("item_id"), "message", event)
        yield from self._say(event.get("delta"))

    def _refusal(self, event: Event) -> Iterator[CallEvent]:
        self._spoken |= _names(event.get("item_id"), "message", event)
        self._facts.refusal += str(event.get("delta") or "")
        yield from ()

    def _annotation(self, event: Event) -> Iterator[CallEvent]:
        self._sources.cited(event.get("annotation"))
        yield from ()

    def _say(self, text: Any) -> Iterator[CallEvent]:
        if isinstance(text, str) and text:
            self._facts.text += text
            yield Text(delta=text)

    def _finished_item(self, event: Event) -> Iterator[CallEvent]:
        item = _mapping(event.get("item"))
        if item.get("type") == "image_generation_call":
            yield from self._image(item, _key(item.get("id"), event))
            return
        names = _names(item.get("id"), str(item.get("type")), event)
        if names & self._done:
            return
        self._done |= names
        match item.get("type"):
            case "web_search_call":
                self._facts.searches += 1
                self._sources.searched(item)
            case "message":
                yield from self._message(item, spoken=bool(names & self._spoken))
            case "function_call":
                self._facts.functions.append(str(item.get("name")))

    def _image(self, item: Event, key: str) -> Iterator[CallEvent]:
        if key in self._done:
            return
        self._facts.tool_called = True
        self._place(key)
        made = picture(item.get("result"), self._spool)
        if made is None:  # the last event may bring what this one lacked
            self._facts.failures[key] = item.get("error") or {"status": item.get("status")}
            return
        self._done.add(key)
        self._facts.failures.pop(key, None)
        if made.sha256 not in self._hashes:
            self._hashes.add(made.sha256)
            yield Media(
                path=made.path,
                media_type=made.media_type,
                revised_prompt=_text(item.get("revised_prompt") or item.get("prompt")),
                claimed=self._claimed(item),
            )

    def _claimed(self, item: Event) -> dict[str, Any]:
        facts = {
            "size": item.get("size"),
            "quality": item.get("quality"),
            "format": item.get("output_format"),
            "background": item.get("background"),
            "action": item.get("action"),
            "host_model": self._response.get("model"),
            "tool_model": _tool_model(self._response),
            "sources": self._sources.to_list(),
        }
        return {name: value for name, value in facts.items() if value}

    def _message(self, item: Event, *, spoken: bool) -> Iterator[CallEvent]:
        for part in map(_mapping, item.get("content") or ()):
            for annotation in part.get("annotations") or ():
                self._sources.cited(annotation)
            if spoken:
                continue
            self._facts.refusal += str(part.get("refusal") or "")
            yield from self._say(part.get("text"))

    def _ended(self, event: Event) -> Iterator[CallEvent]:
        response = _mapping(event.get("response"))
        self._response = {**self._response, **response}
        for index, item in enumerate(response.get("output") or ()):
            yield from self._finished_item({"item": item, "output_index": index})
        self._facts.status = str(response.get("status") or "")
        self._facts.incomplete = str(_mapping(response.get("incomplete_details")).get("reason") or "")
        if self._facts.error is None and (response.get("error") or self._facts.status == "failed"):
            self._facts.error = response.get("error") or {}
        self.final = True

    def _error(self, event: Event) -> Iterator[CallEvent]:
        self._facts.error = event
        self.final = True
        yield from ()

    def _place(self, key: str) -> int:
        return self._places.setdefault(key, len(self._places))


def _flags(response: Event) -> Iterator[Warning]:
    """A moderation result that flags and blocks nothing: the service only says so in a field."""
    for side, said in _mapping(response.get("moderation")).items():
        result = _mapping(said)
        if result.get("flagged"):
            hit = [name for name, flagged in _mapping(result.get("categories")).items() if flagged]
            text = f"OpenAI's moderation flagged the {side}: {', '.join(hit) or 'no category named'}."
            yield Warning(code="MODERATION_FLAGGED", message=text, reason=side)


def _tool_model(response: Event) -> Any:
    tools = (_mapping(tool) for tool in response.get("tools") or ())
    return next((tool.get("model") for tool in tools if tool.get("type") == "image_generation"), None)


def _key(item_id: Any, event: Event) -> str:
    """What tells items apart: the id, or without one the place in the output."""
    return item_id if isinstance(item_id, str) and item_id else f"#{event.get('output_index')}"


def _names(item_id: Any, kind: str, event: Event) -> set[str]:
    """What tells an item from another: its id, and its kind and place, since a gateway may give the same item a new id
    in each event. Pictures are told by their bytes.
    """
    return {_key(item_id, event), f"{kind}#{event.get('output_index')}"}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
