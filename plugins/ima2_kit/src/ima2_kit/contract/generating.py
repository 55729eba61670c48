"""The paid call: events in order, one sending, whole media in the spool."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import pytest
from ima2.models import Call, CallEvent, Media, Partial, Plan, Progress, Sending, Submitted
from PIL import Image

from ima2_kit.context import KitContext
from ima2_kit.contract.bench import Bench, Contract, picture

KINDS = ("image", "video")
EVENTS = get_args(CallEvent)


class Generating(Contract):
    """``ima2_plan``, ``ima2_generate_image`` and ``ima2_generate_video``."""

    @pytest.mark.parametrize("kind", KINDS)
    def test_generates(self, bench: Bench, kind: str) -> None:
        """Known events in order, and as many media as the call expects."""
        model = bench.model(kind)
        plan, runs = asyncio.run(_run(bench, kind))
        assert plan.calls, "a plan without a call makes nothing"
        for call, events, spool in runs:
            _assert_in_order(events)
            media = [event for event in events if isinstance(event, Media)]
            assert len(media) == call.expected, f"{model.id}: {call.expected} expected, {len(media)} came"
            for each in media:
                _assert_whole(each.path, spool, each.media_type, kind)

    @pytest.mark.parametrize("kind", KINDS)
    def test_several_calls_are_apart(self, bench: Bench, kind: str) -> None:
        """Two of a kind, made at once, are two: own keys, own files, each sent once."""
        if bench.model(kind).capabilities.max_count < 2:
            pytest.skip("one at a time")
        plan, runs = asyncio.run(_run(bench, kind, n=2))
        keys = [call.key for call in plan.calls]
        assert len(set(keys)) == len(keys)
        assert all(key.startswith("job-1.") for key in keys), "a key is <job id>.<index>"
        assert sum(call.expected for call in plan.calls) == 2
        paths = [event.path for _, events, _ in runs for event in events if isinstance(event, Media)]
        assert len(set(paths)) == len(paths) == 2
        for _, events, _ in runs:
            _assert_in_order(events)

    def test_drafts_are_pictures(self, bench: Bench) -> None:
        """No more drafts than were asked for, each whole in the spool when it is yielded."""
        wanted = bench.model("image").capabilities.partial_images
        if not wanted:
            pytest.skip("no partial images")
        _, runs = asyncio.run(_run(bench, "image", partial_images=wanted))
        for _, events, spool in runs:
            drafts = [event for event in events if isinstance(event, Partial)]
            assert len(drafts) <= wanted
            for draft in drafts:
                _assert_whole(draft.path, spool, draft.media_type, "image")

    def test_takes_references(self, bench: Bench) -> None:
        """As many input images as it says it takes."""
        most = bench.model("image").capabilities.max_references
        if not most:
            pytest.skip("no references")
        shapes = [("reference", 64 + 8 * number, False) for number in range(most)]
        _, runs = asyncio.run(_run(bench, "image", shapes))
        assert all(any(isinstance(event, Media) for event in events) for _, events, _ in runs)

    @pytest.mark.parametrize("masked", [False, True], ids=["whole", "masked"])
    def test_edits(self, bench: Bench, masked: bool) -> None:
        """A source, and a mask where it takes one."""
        caps = bench.model("image").capabilities
        if "edit" not in caps.operations or (masked and not caps.mask):
            pytest.skip("no edits" if "edit" not in caps.operations else "no masks")
        shapes = [("source", 512, False), *([("mask", 512, True)] if masked else [])]
        _, runs = asyncio.run(_run(bench, "image", shapes, operation="edit"))
        assert all(any(isinstance(event, Media) for event in events) for _, events, _ in runs)

    @pytest.mark.parametrize("kind", KINDS)
    def test_ignores_what_it_does_not_know(self, bench: Bench, kind: str) -> None:
        """A plan written by a newer version may carry parameters that this one has never heard of."""
        bench.model(kind)
        _, runs = asyncio.run(_run(bench, kind, unknown=True))
        assert all(any(isinstance(event, Media) for event in events) for _, events, _ in runs)

    @pytest.mark.parametrize("kind", KINDS)
    def test_resumes_without_sending(self, bench: Bench, kind: str) -> None:
        """From an upstream id it goes on to the media and sends nothing paid."""
        bench.model(kind)
        if kind not in bench.info.resumable:
            pytest.skip(f"{kind} calls can't be resumed")
        _, runs = asyncio.run(_run(bench, kind))
        named = [event.upstream_id for _, events, _ in runs for event in events if isinstance(event, Submitted)]
        assert named, "what can be resumed says by which id: yield Submitted"
        _, resumed = asyncio.run(_run(bench, kind, resume=named[0]))
        events = resumed[0][1]
        assert not any(isinstance(event, Sending) for event in events), "resuming must not pay again"
        assert any(isinstance(event, Media) for event in events)


Run = tuple[Call, Sequence[CallEvent], Path]


async def _run(
    bench: Bench,
    kind: str,
    shapes: Sequence[tuple[Any, int, bool]] = (),
    *,
    resume: str | None = None,
    unknown: bool = False,
    **changes: Any,
) -> tuple[Plan, list[Run]]:
    """Plan a request and run its calls at once; ``shapes`` are the roles, edges and holes of its input images."""
    async with bench.context(resume=resume) as context:
        inputs = tuple(context.add(picture(edge, edge, hole=hole), role) for role, edge, hole in shapes)
        request = bench.request(bench.model(kind), context.settings, references=inputs, **changes)
        plan = await bench.plan(request, context)
        calls = [_with_unknown(call) for call in plan.calls] if unknown else list(plan.calls)
        streams = await asyncio.gather(*(_events(bench, call, context) for call in calls))
        return plan, [(call, events, context.spool.folder) for call, events in zip(calls, streams, strict=True)]


async def _events(bench: Bench, call: Call, context: KitContext) -> list[CallEvent]:
    return [event async for event in bench.generate(call, context)]


def _with_unknown(call: Call) -> Call:
    return call.model_copy(update={"parameters": {**call.parameters, "from_a_later_version": {"x": [1, None]}}})


def _assert_in_order(events: Sequence[CallEvent]) -> None:
    assert [type(event).__name__ for event in events if not isinstance(event, EVENTS)] == [], "not events of a call"
    order = [type(event) for event in events]
    assert order.count(Sending) == 1, "one call is one paid request: yield Sending exactly once"
    assert order.count(Submitted) <= 1
    sent = order.index(Sending)
    early = [each.__name__ for each in order[:sent] if each in {Submitted, Partial, Media}]
    assert early == [], "these came before Sending: ima2 must know of a paid request before it leaves"
    assert all(event.upstream_id.strip() for event in events if isinstance(event, Submitted))
    first_media = order.index(Media) if Media in order else len(order)
    assert Submitted not in order[first_media:], "Submitted comes as soon as upstream has named the request"
    fractions = [event.fraction for event in events if isinstance(event, Progress) and event.fraction is not None]
    assert fractions == sorted(fractions), "progress never falls"


def _assert_whole(path: Path, spool: Path, media_type: str | None, kind: str) -> None:
    assert path.is_file(), f"{path} is no file when it is yielded"
    assert not path.is_symlink()
    assert path.resolve().is_relative_to(spool.resolve()), f"{path} lies outside context.spool"
    if kind == "video":
        head = path.read_bytes()[:16]
        assert head[4:8] == b"ftyp" or head[:4] == b"\x1aE\xdf\xa3", "neither MP4 nor WebM"
        return
    with Image.open(path) as image:
        image.load()
        real = Image.MIME[image.format or ""]
    assert media_type in {None, real}, f"yielded as {media_type}, but it is {real}"
