"""The paid request. It is sent once; its id is what the clip is known by from then on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from typing import TYPE_CHECKING, Any

from ima2.errors import Refused, UpstreamError
from ima2.models import Sending, Submitted

from ima2_grok.exchange import buy
from ima2_grok.reading import text
from ima2_grok.session import authorized
from ima2_grok.video.body import body, endpoint
from ima2_grok.video.errors import SUBMIT, unanswered

if TYPE_CHECKING:
    from ima2.hookspecs import Context
    from ima2.models import Call


async def submit(call: Call, context: Context) -> AsyncGenerator[Sending | Submitted, None]:
    """Order the clip.

    :raises JobUnknown: the order left, and no answer came, or one that does not say whether it was taken.
    :raises Ima2Error: xAI refused, as :func:`ima2_grok.errors.refused`, or could not be reached at all.
    """
    wire = await asyncio.to_thread(body, call, context)
    headers = await authorized(context)
    yield Sending()
    yield Submitted(upstream_id=await _ordered(call, wire, headers, context))


async def _ordered(call: Call, wire: Mapping[str, Any], headers: Mapping[str, str], context: Context) -> str:
    try:
        reply = await buy(SUBMIT, endpoint(call.parameters["mode"]), wire, context, headers)
    except UpstreamError as error:
        if error.paid == "maybe" and not isinstance(error, Refused):
            raise unanswered(error, context.job_id) from error
        raise error.but(code=SUBMIT.bad_request if type(error) is UpstreamError else error.code) from error
    if named := text(reply.value.get("request_id")) or text(reply.value.get("id")):
        return named
    raise unanswered(UpstreamError("Its answer holds no id.", code=SUBMIT.bad_request), context.job_id)
