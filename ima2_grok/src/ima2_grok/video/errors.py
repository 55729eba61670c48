"""What goes wrong on the way to a clip.

Three kinds. Nothing was ordered, or xAI has said its last word: the call has *failed*. The order left and no answer
came: only the user can decide (``JOB_UNKNOWN``). The order is with xAI and the clip could not be had now: it *waits*
there under its id, and to go on (``ima2 jobs resume``) orders nothing.
"""

from __future__ import annotations

from ima2.errors import Ima2Error, JobUnknown, Paid, UpstreamError

from ima2_grok.errors import Step

SUBMIT = Step(
    "generate",
    "video order",
    bad_request="GROK_VIDEO_REQUEST_FAILED",
    timeout="GROK_VIDEO_TIMEOUT",
    network="GROK_VIDEO_REQUEST_FAILED",
    limit="video_start_timeout_ms",
    buys=True,
)
POLL = Step(
    "generate",
    "video",
    bad_request="GROK_VIDEO_POLL_FAILED",
    timeout="GROK_VIDEO_TIMEOUT",
    network="GROK_VIDEO_POLL_FAILED",
    limit="video_timeout_ms",
)


def unanswered(error: Ima2Error, job_id: str | None) -> JobUnknown:
    """The order may have arrived; it is not sent again unasked."""
    return JobUnknown(
        f"The clip was ordered and no answer came: {error.message} It may be charged; it was not ordered again.",
        step=SUBMIT.name,
        paid="maybe",
        hint=f"ima2 jobs retry {job_id}   (orders it again)   or   ima2 jobs drop {job_id}",
        details={"upstreamCode": error.code},
    )


def waits(error: Ima2Error, *, step: str, paid: Paid = "maybe") -> UpstreamError:
    """The clip stays with xAI and can be fetched later: ``retryable`` says so of a call that has an upstream id."""
    kind = type(error) if isinstance(error, UpstreamError) else UpstreamError
    return kind(
        f"{error.message} The order stands: the clip can be fetched later.",
        code=error.code,
        status=error.status,
        step=step,
        paid=paid,
        retryable=True,
        retry_after=error.retry_after,
        hint=error.hint,
        details=error.details,
    )
