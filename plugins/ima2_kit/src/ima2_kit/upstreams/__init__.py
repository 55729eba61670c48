"""A scripted stand-in for a provider's service, on a real socket of 127.0.0.1.

A test writes down what the service answers, faults included, and looks at what it was sent::

    async with ScriptedUpstream({"POST /v1/responses": [openai.picture(png)]}) as upstream:
        ...                                   # point the provider's base address at upstream.url + "/v1"
        assert upstream.sent("POST /v1/responses")[0].json["store"] is False

The same script runs in a process of its own: ``python -m ima2_kit.upstreams --script FILE``.
"""

from __future__ import annotations

from ima2_kit.upstreams.answer import Answer, events, json_answer, text_answer
from ima2_kit.upstreams.recorded import exchanges, replay
from ima2_kit.upstreams.server import Received, ScriptedUpstream

__all__ = [
    "Answer",
    "Received",
    "ScriptedUpstream",
    "events",
    "exchanges",
    "json_answer",
    "replay",
    "text_answer",
]
