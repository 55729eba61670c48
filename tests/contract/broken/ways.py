"""The ways to break the contract. Each class names the tests that must notice, and no other may."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from good import CAPABILITIES, Good
from ima2.errors import UpstreamError
from ima2.hookspecs import Capabilities, ModelInfo, Problem, ProviderInfo, Setting, SizeRule, Status, hookimpl
from ima2.models import Media, Partial, Phase, Progress, Reply, Sending, Step, Submitted, Text

DRAWING = {"test_generates", "test_several_calls_are_apart"}
ALL_THAT_RUN = {
    *DRAWING,
    "test_drafts_are_pictures",
    "test_takes_references",
    "test_edits",
    "test_ignores_what_it_does_not_know",
    "test_resumes_without_sending",
    "test_closes_wherever_it_is_left",
    "test_cancelling_is_felt",
    "test_tells_no_secret",
}


WORDS_THAT_RUN = {
    "test_answers_in_words",
    "test_closes_wherever_it_is_left",
    "test_cancelling_is_felt",
    "test_tells_no_secret",
}


class Broken(Good):
    """Breaks the contract in a way that the tests in ``caught_by`` notice."""

    caught_by: frozenset[str] = frozenset()

    def __init_subclass__(cls, *, caught_by: Iterable[str] = (), **changes: Any) -> None:
        super().__init_subclass__(**changes)
        cls.caught_by = frozenset(caught_by)


class NotReallyItself(Broken, caught_by={"test_describes_itself"}):
    """Another id than its entry point."""

    @hookimpl
    def ima2_provider(self) -> ProviderInfo:
        return replace(super().ima2_provider(), id="someone-else")


class Nameless(Broken, caught_by={"test_describes_itself"}, facts={"title": " ", "concurrency": 0}):
    pass


class Unmarked(Broken, caught_by={"test_every_hook_is_marked"}):
    """A hook that lacks its marker is never called."""

    def ima2_cancel(self, call: Any, context: Any) -> bool:
        return True


class ReadsWhileDescribing(Broken, caught_by={"test_describing_does_nothing"}):
    @hookimpl
    def ima2_provider(self) -> ProviderInfo:
        Path(__file__).read_bytes()
        return super().ima2_provider()


class PromisesVideo(
    Broken, caught_by={"test_does_what_its_kinds_say", "test_models_are_listed"}, facts={"kinds": ("image", "video")}
):
    pass


class PromisesLiveModels(Broken, caught_by={"test_does_what_its_kinds_say"}, facts={"live_models": True}):
    pass


class LeakySetting(
    Broken,
    caught_by={"test_settings_are_usable"},
    facts={"settings": (Setting("token", secret=True, per_request=True, help="A token."),)},
):
    pass


class MuteSetting(
    Broken,
    caught_by={"test_settings_are_usable"},
    facts={"settings": (Setting("Depth", type="integer", default="7", choices=("8",), env=("depth",)),)},
):
    pass


class TwiceTheSame(
    Broken,
    caught_by={"test_settings_are_usable"},
    facts={"settings": (Setting("a", key="x.y", help="A."), Setting("b", key="x.y", help="B."))},
):
    pass


class TwoModelsOneName(
    Broken,
    caught_by={"test_models_are_listed"},
    facts={
        "models": (
            ModelInfo("good-1", use="a", capabilities=CAPABILITIES),
            ModelInfo("good-2", use="b", aliases=("good-1",), capabilities=CAPABILITIES),
        )
    },
):
    pass


class LostSuccessor(
    Broken,
    caught_by={"test_models_are_listed"},
    facts={"models": (ModelInfo("good-1", use="a", successor="good-9", capabilities=CAPABILITIES),)},
):
    pass


class ImpossibleSizes(
    Broken,
    caught_by={"test_capabilities_agree"},
    capabilities={"sizes": SizeRule(fixed=("100x100", "big"), multiple_of=16, min_edge=4096, max_edge=64)},
):
    pass


class MaskWithoutEdit(
    Broken,
    caught_by={"test_capabilities_agree"},
    capabilities={"operations": ("generate",), "mask": True, "qualities": ("low", "low")},
):
    pass


class CountsTooFar(
    Broken,
    caught_by={"test_capabilities_agree", "test_check_accepts_what_the_table_offers"},
    capabilities={"max_count": 99},
):
    pass


class RefusesWhatItOffers(Broken, caught_by={"test_check_accepts_what_the_table_offers"}):
    @hookimpl
    def ima2_check(self, request: Any) -> list[Problem]:
        return [Problem("TOO_GOOD", "quality", "Not today.")] if request.quality == "high" else []


class RaisesInCheck(Broken, caught_by={"test_check_answers_anything"}):
    @hookimpl
    def ima2_check(self, request: Any) -> list[Problem]:
        if request.size and request.size != "auto":
            [int(edge) for edge in request.size.split("x")]
        return []


class MumblesInCheck(Broken, caught_by={"test_check_answers_anything"}):
    @hookimpl
    def ima2_check(self, request: Any) -> list[Problem]:
        return [] if request.prompt else [Problem("no prompt", "prompt", "", status=500)]


class ChecksOnDisk(Broken, caught_by={"test_check_is_pure"}):
    @hookimpl
    def ima2_check(self, request: Any) -> list[Problem]:
        with tempfile.TemporaryFile():
            return []


class ChangesItsMind(Broken, caught_by={"test_check_is_pure", "test_check_accepts_what_the_table_offers"}):
    asked = 0

    @hookimpl
    def ima2_check(self, request: Any) -> list[Problem]:
        self.asked += 1
        return [] if self.asked % 2 else [Problem("TWICE", None, "Not again.")]


class AsyncCheck(
    Broken,
    caught_by={
        "test_check_accepts_what_the_table_offers",
        "test_check_answers_anything",
        "test_check_is_pure",
    },
):
    class _Later:
        def __await__(self) -> Any:
            yield

    @hookimpl
    def ima2_check(self, request: Any) -> Any:
        return self._Later()


class HidesTheBill(Broken, caught_by={"test_steps_tell_what_will_be_paid"}):
    @hookimpl
    def ima2_steps(self, request: Any) -> list[Step]:
        return [Step(name="generate", summary="draw", paid=False)]


class Drawing(Broken):
    """The events of :class:`Good`, one of them wrong."""

    def draw(self, call: Any, context: Any) -> list[Any]:
        head = [] if context.resume else [Sending(), Submitted(upstream_id="up-1")]
        return [Phase(name="generate"), *head, *self.drafts(call, context), *self.media(call, context)]

    def drafts(self, call: Any, context: Any) -> list[Any]:
        return [Partial(path=self.write(context), media_type="image/png")] * bool(call.parameters.get("partial_images"))

    def media(self, call: Any, context: Any) -> list[Any]:
        return [Media(path=self.write(context), media_type="image/png")]

    @hookimpl
    async def ima2_generate_image(self, call: Any, context: Any) -> Any:
        for event in self.draw(call, context):
            yield event
            await asyncio.sleep(0)


class SendsTwice(Drawing, caught_by=DRAWING):
    def draw(self, call: Any, context: Any) -> list[Any]:
        return ([] if context.resume else [Sending()]) + super().draw(call, context)


class NeverSaysSending(Drawing, caught_by=DRAWING):
    def draw(self, call: Any, context: Any) -> list[Any]:
        return [event for event in super().draw(call, context) if not isinstance(event, Sending)]


class SaysSendingTooLate(Drawing, caught_by=DRAWING):
    def draw(self, call: Any, context: Any) -> list[Any]:
        events = [event for event in super().draw(call, context) if not isinstance(event, Sending)]
        return [*events, *([] if context.resume else [Sending()])]


class YieldsBytes(Drawing, caught_by=DRAWING | {"test_tells_no_secret"}):
    """Bytes never travel in events."""

    def draw(self, call: Any, context: Any) -> list[Any]:
        return [*super().draw(call, context), b"picture"]


class FallingProgress(Drawing, caught_by=DRAWING):
    def drafts(self, call: Any, context: Any) -> list[Any]:
        return [Progress(fraction=0.9), Progress(fraction=0.1), *super().drafts(call, context)]


class OneTooMany(Drawing, caught_by={"test_generates", "test_several_calls_are_apart"}):
    def media(self, call: Any, context: Any) -> list[Any]:
        return super().media(call, context) * 2


class BringsNothing(
    Drawing,
    caught_by=DRAWING
    | {
        "test_takes_references",
        "test_edits",
        "test_ignores_what_it_does_not_know",
        "test_resumes_without_sending",
    },
):
    def media(self, call: Any, context: Any) -> list[Any]:
        return []


class WritesElsewhere(Drawing, caught_by={"test_generates"}):
    def media(self, call: Any, context: Any) -> list[Any]:
        path = context.spool.folder.parent / f"elsewhere-{call.index}.png"
        path.write_bytes(self.write(context).read_bytes())
        return [Media(path=path, media_type="image/png")]


class CutsShort(Drawing, caught_by={"test_generates"}):
    def media(self, call: Any, context: Any) -> list[Any]:
        path = self.write(context)
        path.write_bytes(path.read_bytes()[:-100])
        return [Media(path=path, media_type="image/png")]


class WrongLabel(Drawing, caught_by={"test_generates"}):
    def media(self, call: Any, context: Any) -> list[Any]:
        return [Media(path=self.write(context), media_type="image/jpeg")]


class TooManyDrafts(Drawing, caught_by={"test_drafts_are_pictures"}):
    def drafts(self, call: Any, context: Any) -> list[Any]:
        return super().drafts(call, context) * 3


class OneFileForAll(Drawing, caught_by={"test_several_calls_are_apart"}):
    def media(self, call: Any, context: Any) -> list[Any]:
        path = context.spool.folder / "picture.png"
        self.write(context).replace(path)
        return [Media(path=path, media_type="image/png")]


class FearsTheUnknown(Drawing, caught_by={"test_ignores_what_it_does_not_know"}):
    def draw(self, call: Any, context: Any) -> list[Any]:
        if "from_a_later_version" in call.parameters:
            raise ValueError("unexpected parameter")
        return super().draw(call, context)


class PaysAgain(Drawing, caught_by={"test_resumes_without_sending"}):
    def draw(self, call: Any, context: Any) -> list[Any]:
        return [Sending(), Submitted(upstream_id="up-1"), *self.drafts(call, context), *self.media(call, context)]


class DropsReferences(Drawing, caught_by={"test_takes_references"}):
    def draw(self, call: Any, context: Any) -> list[Any]:
        if len(call.references) > 1:
            raise UpstreamError("too many")
        return super().draw(call, context)


class CannotEdit(Drawing, caught_by={"test_edits"}):
    def draw(self, call: Any, context: Any) -> list[Any]:
        if call.operation == "edit":
            raise UpstreamError("no edits")
        return super().draw(call, context)


class ReturnsAList(Broken, caught_by=ALL_THAT_RUN):
    """A list is no async iterator."""

    @hookimpl
    def ima2_generate_image(self, call: Any, context: Any) -> Any:
        return [Sending()]


class PlansNothing(Broken, caught_by=ALL_THAT_RUN):
    @hookimpl
    async def ima2_plan(self, request: Any, context: Any) -> Any:
        yield Phase(name="plan")


class GoesOnWhenCancelled(Drawing, caught_by={"test_cancelling_is_felt"}):
    @hookimpl
    async def ima2_generate_image(self, call: Any, context: Any) -> Any:
        for event in self.draw(call, context):
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(0)
            yield event


class LeavesATask(Drawing, caught_by={"test_closes_wherever_it_is_left"}):
    @hookimpl
    async def ima2_generate_image(self, call: Any, context: Any) -> Any:
        self.task = asyncio.create_task(asyncio.sleep(3600))
        for event in self.draw(call, context):
            yield event


class YieldsWhileClosing(Drawing, caught_by={"test_closes_wherever_it_is_left"}):
    @hookimpl
    async def ima2_generate_image(self, call: Any, context: Any) -> Any:
        try:
            for event in self.draw(call, context):
                yield event
        except GeneratorExit:
            yield Phase(name="not yet")


class TellsInAnEvent(Drawing, caught_by={"test_tells_no_secret"}):
    def drafts(self, call: Any, context: Any) -> list[Any]:
        key = context.credentials.read()["api_key"]
        return [Phase(name="generate", message=f"Bearer {key}"), *super().drafts(call, context)]


class TellsInTheLog(Drawing, caught_by={"test_tells_no_secret"}):
    def drafts(self, call: Any, context: Any) -> list[Any]:
        logging.getLogger("httpx").debug("authorization: %s", context.credentials.read()["api_key"])
        return super().drafts(call, context)


class LogsThePrompt(Drawing, caught_by={"test_tells_no_secret"}):
    def drafts(self, call: Any, context: Any) -> list[Any]:
        context.logger.info("drawing %s", call.prompt)
        return super().drafts(call, context)


class TellsInAnError(Drawing, caught_by=ALL_THAT_RUN):
    def draw(self, call: Any, context: Any) -> list[Any]:
        raise UpstreamError(f"refused {context.credentials.read()['api_key']}")


class AsksTheNetworkForStatus(Broken, caught_by={"test_status_is_local_and_quick"}):
    @hookimpl
    async def ima2_status(self, context: Any) -> Status:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
            line.connect(("127.0.0.1", 9))
        return Status(ready=True)


class SlowStatus(Broken, caught_by={"test_status_is_local_and_quick"}):
    @hookimpl
    async def ima2_status(self, context: Any) -> Status:
        await asyncio.sleep(0.8)
        return Status(ready=True)


class HelplessStatus(Broken, caught_by={"test_status_is_local_and_quick"}, facts={"login": None}):
    @hookimpl
    async def ima2_status(self, context: Any) -> Status:
        return Status(ready=False)


class HalfASignIn(Broken, caught_by={"test_sign_in_is_complete"}):
    @hookimpl
    def ima2_auth(self, context: Any) -> Any:
        return type("Auth", (), {"methods": ("telepathy",), "login": None, "logout": None})()


TALKER = ModelInfo("good-words", kind="text", use="tests", capabilities=Capabilities(operations=("analyze",)))


class Talking(Broken):
    """Answers in words too; ``events`` is how."""

    events: tuple[Any, ...] = (Text(delta="Two "), Text(delta="pictures."), Reply(text="Two pictures."))

    @hookimpl
    def ima2_provider(self) -> ProviderInfo:
        info = super().ima2_provider()
        return replace(info, kinds=("image", "text"), models=(*info.models, TALKER))

    @hookimpl
    async def ima2_converse(self, turn: Any, context: Any) -> Any:
        for event in self.events:
            await asyncio.sleep(0)
            yield event


class NeverReplies(Talking, caught_by={"test_answers_in_words"}):
    events = (Text(delta="Two pictures."),)


class RepliesTwice(Talking, caught_by={"test_answers_in_words"}):
    events = (Reply(text="One."), Reply(text="Two."))


class TellsOneAndRepliesAnother(Talking, caught_by={"test_answers_in_words"}):
    events = (Text(delta="One."), Reply(text="Two."))


class RepliesWithoutAWord(Talking, caught_by={"test_answers_in_words"}):
    events = (Reply(text=" "),)


class DrawsInATurn(Talking, caught_by={"test_answers_in_words"}):
    events = (Sending(), Reply(text="A picture."))


class PromisesWords(Broken, caught_by={"test_does_what_its_kinds_say", *WORDS_THAT_RUN}):
    """A kind without its hook."""

    @hookimpl
    def ima2_provider(self) -> ProviderInfo:
        info = super().ima2_provider()
        return replace(info, kinds=("image", "text"), models=(*info.models, TALKER))


WAYS = {
    name: way
    for name, way in list(globals().items())
    if isinstance(way, type) and issubclass(way, Broken) and way.caught_by
}
