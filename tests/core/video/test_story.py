"""Clips of one topic, and storyboards: what the provider is told, what the clip remembers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from clip_service import CAPABILITIES, ClipProvider, Service
from ima2.errors import Ima2Error
from ima2.hookspecs import ModelInfo, Problem, hookimpl
from ima2.kernel.opening import open_studio
from ima2.kernel.studio import Studio
from ima2.models import Request
from ima2.settings.paths import Paths
from ima2.storage.repair import repair

Env = dict[str, str]


class Narrator(ClipProvider):
    """Heeds all there is of a story, and keeps what it was asked."""

    def __init__(self, service: Service) -> None:
        caps = replace(CAPABILITIES, story=("series", "storyboard"))
        super().__init__(service, models=(ModelInfo("film-1", kind="video", capabilities=caps),))
        self.asked: list[Request] = []

    @hookimpl
    def ima2_check(self, request: Request) -> list[Problem]:
        self.asked.append(request)
        return []


def studio(env: Env, plugin: object, work: Callable[[Studio], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        async with open_studio(env, plugins={"film": plugin}) as house:
            return await work(house)

    return asyncio.run(main())


async def make(house: Studio, prompt: str = "a kite", **body: Any) -> dict[str, Any]:
    accepted = await house.submit({"prompt": prompt, "provider": "film", **body}, surface="video")
    job = await house.wait(accepted.job.id)
    assert job.state == "done", job.error
    return await house.answer(job)


def test_the_clips_of_a_topic_are_counted_and_told(env: Env, service: Service) -> None:
    film = Narrator(service)

    async def work(house: Studio) -> None:
        answers = [await make(house, f"kite {number}", topic=" kites ") for number in range(6)]
        assert [answer["videoSeries"] for answer in answers] == [
            {"topic": "kites", "chainIndex": number} for number in range(1, 7)
        ]
        assert [answer["warnings"] for answer in answers] == [[]] * 6
        told = [request.series and request.series.prompts for request in film.asked]
        assert told[:3] == [(), ("kite 0",), ("kite 0", "kite 1")]
        assert told[5] == ("kite 1", "kite 2", "kite 3", "kite 4")
        sidecar = json.loads((house.paths.generated / f"{answers[1]['filename']}.json").read_text())
        assert sidecar["videoSeries"] == {"topic": "kites", "chainIndex": 2}

    studio(env, film, work)


def test_topics_are_apart_and_a_clip_without_one_has_none(env: Env, service: Service) -> None:
    async def work(house: Studio) -> None:
        await make(house, topic="kites")
        assert (await make(house, topic="boats"))["videoSeries"]["chainIndex"] == 1
        assert "videoSeries" not in await make(house)
        assert (await make(house, topic="kites"))["videoSeries"]["chainIndex"] == 2

    studio(env, ClipProvider(service), work)


def test_what_is_in_the_trash_is_not_told(env: Env, service: Service) -> None:
    film = Narrator(service)

    async def work(house: Studio) -> None:
        first = await make(house, "one", topic="kites")
        second = await make(house, "two", topic="kites")
        await house.store.trash(second["filename"])
        third = await make(house, "three", topic="kites")
        assert (first["videoSeries"]["chainIndex"], third["videoSeries"]["chainIndex"]) == (1, 2)
        assert film.asked[-1].series
        assert film.asked[-1].series.prompts == ("one",)

    studio(env, film, work)


def test_a_rebuilt_index_knows_the_topics(env: Env, service: Service) -> None:
    async def begin(house: Studio) -> Paths:
        await make(house, topic="kites")
        return house.paths

    async def go_on(house: Studio) -> None:
        assert (await make(house, topic="kites", requestId="later"))["videoSeries"]["chainIndex"] == 2

    paths = studio(env, ClipProvider(service), begin)
    for path in paths.database.parent.glob(f"{paths.database.name}*"):
        path.unlink()
    assert len(asyncio.run(repair(paths)).indexed) == 1
    studio(env, ClipProvider(service), go_on)


def test_a_gallery_of_others_may_say_anything(env: Env, service: Service) -> None:
    async def work(house: Studio) -> None:
        first = await make(house, topic="kites")
        for odd in ({"topic": "kites"}, {"topic": "kites", "chainIndex": "many"}, {"topic": "kites", "chainIndex": -3}):
            await house.store.annotate(first["filename"], {"videoSeries": odd})
            preview = await house.preview({"prompt": "x", "provider": "film", "topic": "kites"}, surface="video")
            assert preview["request"]["series"]["chainIndex"] == 2
        await house.store.annotate(first["filename"], {"videoSeries": "kites"})
        preview = await house.preview({"prompt": "x", "provider": "film", "topic": "kites"}, surface="video")
        assert preview["request"]["series"]["chainIndex"] == 1

    studio(env, ClipProvider(service), work)


def test_a_provider_that_can_not_be_told_is_not_passed_over_in_silence(env: Env, service: Service) -> None:
    async def work(house: Studio) -> None:
        first = await make(house, topic="kites", storyboard=True)
        second = await make(house, topic="kites")
        said = [[(each["code"], each["field"]) for each in answer["warnings"]] for answer in (first, second)]
        assert said == [[("FIELD_IGNORED", "storyboard")], [("FIELD_IGNORED", "topic")]]

    studio(env, ClipProvider(service), work)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"topic": 7}, "topic"),
        ({"topic": ""}, "topic"),
        ({"topic": "  "}, "topic"),
        ({"topic": "x" * 201}, "topic"),
        ({"topic": ["kites"]}, "topic"),
        ({"storyboard": "of nine panels"}, "storyboard"),
        ({"storyboard": {}}, "storyboard"),
    ],
)
def test_what_is_no_topic_or_no_choice_is_refused(env: Env, service: Service, body: Any, field: str) -> None:
    async def work(house: Studio) -> None:
        with pytest.raises(Ima2Error) as caught:
            await make(house, **body)
        assert (caught.value.code, caught.value.to_dict()["field"]) == ("INVALID_FIELD", field)
        assert await house.ledger.jobs() == []

    studio(env, ClipProvider(service), work)
    assert service.submits == []
