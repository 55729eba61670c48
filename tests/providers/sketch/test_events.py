"""What happens on the way: drafts, progress, waiting, and failing on purpose."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from ima2.errors import Refused, UpstreamError
from ima2.models import Call, Media, Partial, Phase, Progress, Sending, Submitted, Text
from ima2_kit.context import open_context
from ima2_sketch import plugin
from PIL import Image

SMALL = {"size": "256x256"}


def test_the_order_of_events(sketch) -> None:
    names = [type(event).__name__ for event in sketch(**SMALL, partial_images=1).events]
    assert names[:3] == ["Phase", "Sending", "Submitted"]
    assert names[-1] == "Media"
    assert names.index("Partial") < names.index("Media")


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_as_many_drafts_as_asked_each_clearer(sketch, count: int) -> None:
    drafts = sketch("a city", size="1024x1024", partial_images=count).of(Partial)
    assert len(drafts) == count
    edges = [Image.open(draft.path).size[0] for draft in drafts]
    assert edges == sorted(set(edges))


def test_the_upstream_id_names_the_picture(sketch) -> None:
    ids = [sketch(**SMALL, **more).of(Submitted)[0].upstream_id for more in ({}, {}, {"seed": 1}, {"index": 1})]
    assert ids[0] == ids[1]
    assert ids[2] == ids[3] != ids[0]
    assert ids[0].startswith("sketch-")


def test_delay_is_what_a_picture_takes(sketch) -> None:
    drawn = sketch(**SMALL, delay=8.0)
    assert drawn.waited == 8.0
    assert [event.fraction for event in drawn.of(Progress)] == [0.25, 0.5, 0.75, 1.0]
    assert sketch(**SMALL).waited == 0


@pytest.mark.parametrize(("fail", "error"), [("before", UpstreamError), ("middle", UpstreamError), ("refuse", Refused)])
def test_it_fails_as_asked(sketch, fail: str, error: type[UpstreamError]) -> None:
    with pytest.raises(error, match=f"fail={fail}") as caught:
        sketch(**SMALL, fail=fail)
    assert type(caught.value) is error
    assert caught.value.paid == "no"


def test_it_brings_nothing_as_asked(sketch) -> None:
    drawn = sketch(**SMALL, fail="empty")
    assert drawn.of(Media) == []
    assert drawn.of(Text)


@pytest.mark.parametrize(
    ("fail", "seen"), [("before", [Phase]), ("middle", [Phase, Sending, Submitted, Progress, Progress])]
)
def test_how_far_it_comes_before_it_fails(tmp_path: Path, fail: str, seen: list[type]) -> None:
    assert asyncio.run(until_it_ends(tmp_path, fail)) == seen


def test_a_hanging_sketch_can_be_cancelled(tmp_path: Path) -> None:
    async def run() -> list[type]:
        task = asyncio.create_task(until_it_ends(tmp_path, "hang", seen := []))
        while len(seen) < 5:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        assert not task.done()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return seen

    assert asyncio.run(run()) == [Phase, Sending, Submitted, Progress, Progress]
    assert list((tmp_path / "spool").glob("*.png")) == []


async def until_it_ends(folder: Path, fail: str, seen: list[type] | None = None) -> list[type]:
    seen = [] if seen is None else seen
    async with open_context(plugin.ima2_provider(), folder) as context:
        call = Call(key="job-1.0", prompt="a fox", model="sketch-1", parameters={**SMALL, "fail": fail})
        try:
            async for event in plugin.ima2_generate_image(call, context):
                seen.append(type(event))
        except UpstreamError:
            pass
    return seen


def test_others_run_while_it_draws(tmp_path: Path) -> None:
    """The loop turns while a large sheet is drawn."""

    async def run() -> int:
        turns = 0
        async with open_context(plugin.ima2_provider(), tmp_path) as context:
            call = Call(key="job-1.0", prompt="city", model="sketch-1", parameters={"size": "4096x4096"})
            stream = plugin.ima2_generate_image(call, context)
            for _ in range(3):
                await anext(stream)
            step = asyncio.create_task(stream.asend(None))
            while not step.done():
                await asyncio.sleep(0)
                turns += 1
            await stream.aclose()
        return turns

    assert asyncio.run(run()) > 10


def test_many_at_once(tmp_path: Path) -> None:
    """As many as a request may ask for, in parallel, none like another."""

    async def one(index: int) -> bytes:
        async with open_context(plugin.ima2_provider(), tmp_path / str(index)) as context:
            call = Call(key=f"job-1.{index}", index=index, prompt="바다", model="sketch-1", parameters=dict(SMALL))
            events = [event async for event in plugin.ima2_generate_image(call, context)]
            assert isinstance(events[-1], Media)
            return events[-1].path.read_bytes()

    async def run() -> set[bytes]:
        return set(await asyncio.gather(*(one(index) for index in range(24))))

    assert len(asyncio.run(run())) == 24


def test_a_lost_input_is_an_error_and_no_picture(sketch, tmp_path: Path) -> None:
    from ima2_kit.conformance.pictures import picture

    async def run() -> None:
        async with open_context(plugin.ima2_provider(), tmp_path) as context:
            reference = context.add(picture(), "source")
            context.open(reference).unlink()
            call = Call(key="j.0", operation="edit", prompt="x", model="sketch-1", references=(reference,))
            with pytest.raises(FileNotFoundError):
                _ = [event async for event in plugin.ima2_generate_image(call, context)]

    asyncio.run(run())


def test_cancelling_upstream_always_succeeds() -> None:
    assert asyncio.run(plugin.ima2_cancel(None, None)) is True
