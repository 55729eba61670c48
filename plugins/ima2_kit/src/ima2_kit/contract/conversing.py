"""A turn of a conversation: words as they come, and all of them at the end."""

from __future__ import annotations

import asyncio
from typing import get_args

from ima2.models import ConverseEvent, Reply, Text

from ima2_kit.contract.bench import Bench, Contract

EVENTS = get_args(ConverseEvent)


class Conversing(Contract):
    """``ima2_converse``."""

    def test_answers_in_words(self, bench: Bench) -> None:
        """About two images: known events, a Reply at the end and nowhere else, which repeats what was told before."""
        events = asyncio.run(_said(bench))
        assert [type(event).__name__ for event in events if not isinstance(event, EVENTS)] == [], "not of a turn"
        replies = [event for event in events if isinstance(event, Reply)]
        assert replies == events[-1:], "a Reply is the last event, and the only one"
        assert replies[0].text.strip() or replies[0].requests, "a reply says something"
        told = "".join(event.delta for event in events if isinstance(event, Text))
        assert told in ("", replies[0].text), "the Text events together are the text of the Reply"


async def _said(bench: Bench) -> list[ConverseEvent]:
    bench.model("text")
    async with bench.context() as context:
        return [event async for event in bench.converse(context, images=2)]
