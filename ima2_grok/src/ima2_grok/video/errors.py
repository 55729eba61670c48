"""What goes wrong on the way to a clip.

Three kinds. Nothing was ordered, or xAI has said its last word: the call has *failed*. The order left and nobody said
whether it was taken: only the user can decide (``JOB_UNKNOWN``). The order is with xAI and the clip could not be had
now: it *waits* there under its id, and to go on (``ima2 jobs resume``) orders nothing.
"""

from __future__ import annotations

from ima2.errors import AuthFailed, Ima2Error, JobUnknown, NotReady, Paid

from ima2_grok.errors import Step
from ima2_grok.reading import sentence

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
    """The order may have been taken; it is not sent again unasked."""
    return JobUnknown(
        f"The clip was ordered, and whether xAI took the order is not known. {sentence(error.message)} "
        "It may be charged; it was not ordered again.",
        step=SUBMIT.name,
        paid="maybe",
        hint=f"ima2 jobs retry {job_id}   (orders it again)   or   ima2 jobs drop {job_id}",
        details={**error.details, "upstreamCode": error.code},
    )


def waits(error: Ima2Error, job_id: str | None, *, step: str, paid: Paid = "maybe") -> JobUnknown:
    """The clip stays with xAI; the user may go on later, after doing what ``error`` advises."""
    again = f"ima2 jobs resume {job_id}"
    return JobUnknown(
        f"{sentence(error.message)} The order stands: the clip can be fetched later, and nothing is ordered again.",
        code=error.code,
        status=error.status,
        step=step,
        paid=paid,
        hint=f"{error.hint}, then {again}" if isinstance(error, AuthFailed | NotReady) and error.hint else again,
        retry_after=error.retry_after,
        kept=error.kept,
        details=error.details,
    )
