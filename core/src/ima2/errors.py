"""Every error ima2 reports, as one tree.

::

    Ima2Error
    ├── InvalidRequest      400  what was asked can't be understood; found before anything was sent
    ├── Unsupported         400  understood, but the chosen provider or model can't do it; nothing was sent
    ├── NotFound            404
    ├── Conflict            409
    ├── CapacityError       429  too many jobs, streams, bytes on this machine
    ├── NotReady            401  a sign-in or a key is missing
    ├── Forbidden           403  the guard refused the client
    ├── PluginFailed        500  a plugin broke its contract
    ├── StorageFailed       500  the result could not be written
    ├── ServerUnreachable   503  the command line found no server where one was named
    ├── Cancelled           499
    ├── JobUnknown          409  sent, and no answer on record: only the user can decide
    └── UpstreamError       502  the provider's service answered with a failure
        ├── RateLimited     429
        ├── Refused         422  moderation
        ├── NoImage         422  an answer without a usable picture
        ├── AuthFailed      401  the service refused the credential
        └── UpstreamTimeout 504

An error says what happened (``message``), how far the job came (``step``), whether money may have been
spent (``paid``), what was kept (``kept``) and the one thing to type next (``hint``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

Paid = Literal["no", "maybe", "yes"]


class Ima2Error(Exception):
    """Base of all reported errors.

    :ivar code: stable, upper case, part of the API.
    :ivar status: HTTP status of an answer that carries this error.
    :ivar field: the request field at fault, in the spelling of the API (``reasoningEffort``).
    :ivar step: the phase that failed (``check``, ``plan``, ``generate``, ``download``, ``store``).
    :ivar paid: whether the failed attempt may be charged.
    :ivar kept: paths or file names that survived.
    :ivar retry_after: seconds, as the service asked.
    :ivar details: further JSON facts for the API (``upstreamCode``, ``webSearchCalls``, …); never a secret or a prompt.
    """

    default_code: ClassVar[str] = "INTERNAL_ERROR"
    default_status: ClassVar[int] = 500
    default_retryable: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        status: int | None = None,
        hint: str | None = None,
        field: str | None = None,
        step: str | None = None,
        paid: Paid = "no",
        kept: tuple[str, ...] = (),
        retryable: bool | None = None,
        retry_after: float | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.status = status or self.default_status
        self.hint = hint
        self.field = field
        self.step = step
        self.paid: Paid = paid
        self.kept = kept
        self.retryable = self.default_retryable if retryable is None else retryable
        self.retry_after = retry_after
        self.details: dict[str, Any] = dict(details or {})

    @property
    def exit_code(self) -> int:
        """The exit status of a command that ends with this error."""
        return exit_code(self.code, self.status)

    def but(self, **changes: Any) -> Self:
        """A copy with some facts changed."""
        names = ("code", "status", "hint", "field", "step", "paid", "kept", "retryable", "retry_after", "details")
        return type(self)(self.message, **{**{name: getattr(self, name) for name in names}, **changes})

    def to_dict(self) -> dict[str, Any]:
        """The JSON shape shared by the API, the event log and ``--json``; absent facts are left out."""
        facts = {
            "hint": self.hint,
            "field": self.field,
            "step": self.step,
            "kept": list(self.kept) or None,
            "retryAfter": self.retry_after,
        }
        return {
            "error": self.message,
            "code": self.code,
            "status": self.status,
            "paid": self.paid,
            "retryable": self.retryable,
            **{name: value for name, value in facts.items() if value is not None},
            **self.details,
        }


class InvalidRequest(Ima2Error):
    """The request can't be understood. Nothing was sent."""

    default_code = "INVALID_REQUEST"
    default_status = 400


class Unsupported(Ima2Error):
    """The chosen provider or model can't do this. Nothing was sent."""

    default_code = "UNSUPPORTED"
    default_status = 400


class NotFound(Ima2Error):
    """No such job, file, provider or route."""

    default_code = "NOT_FOUND"
    default_status = 404


class Conflict(Ima2Error):
    """The thing exists already, or changed meanwhile."""

    default_code = "CONFLICT"
    default_status = 409


class CapacityError(Ima2Error):
    """A limit of this machine is reached; later it may work."""

    default_code = "TOO_MANY_JOBS"
    default_status = 429
    default_retryable = True


class NotReady(Ima2Error):
    """No credential; ``hint`` names the command that gives one."""

    default_code = "NOT_READY"
    default_status = 401


class Forbidden(Ima2Error):
    """The guard refused the client."""

    default_code = "FORBIDDEN"
    default_status = 403


class PluginFailed(Ima2Error):
    """A plugin raised, hung, or broke its contract. The message names it."""

    default_code = "PLUGIN_FAILED"
    default_status = 500


class StorageFailed(Ima2Error):
    """A result could not be written where it belongs; ``kept`` says where it is."""

    default_code = "STORAGE_FAILED"
    default_status = 500


class ServerUnreachable(Ima2Error):
    """A server was named and does not answer."""

    default_code = "SERVER_UNREACHABLE"
    default_status = 503


class Cancelled(Ima2Error):
    """The user stopped the job."""

    default_code = "GENERATION_CANCELED"
    default_status = 499


class JobUnknown(Ima2Error):
    """A paid call was sent and no answer is on record; it is never sent again unasked."""

    default_code = "JOB_UNKNOWN"
    default_status = 409


class UpstreamError(Ima2Error):
    """The provider's service failed or could not be reached."""

    default_code = "UPSTREAM_ERROR"
    default_status = 502


class RateLimited(UpstreamError):
    """Too many requests, or a quota is used up (then ``retryable`` is false)."""

    default_code = "RATE_LIMITED"
    default_status = 429
    default_retryable = True


class Refused(UpstreamError):
    """The service's moderation refused the prompt or the result."""

    default_code = "MODERATION_REFUSED"
    default_status = 422


class NoImage(UpstreamError):
    """An answer came and held no usable picture."""

    default_code = "EMPTY_RESPONSE"
    default_status = 422


class AuthFailed(UpstreamError):
    """The service refused the key or the sign-in."""

    default_code = "AUTH_FAILED"
    default_status = 401


class UpstreamTimeout(UpstreamError):
    """The service stayed silent too long, or the job's own time was up."""

    default_code = "GENERATION_TIMEOUT"
    default_status = 504


_EXIT_BY_CODE: dict[str, int] = {
    "SERVER_UNREACHABLE": 3,
    "APIKEY_DISABLED": 4,
    "API_KEY_REQUIRED": 4,
    "AUTH_API_KEY_INVALID": 4,
    "AUTH_CHATGPT_EXPIRED": 4,
    "NO_PROVIDER_READY": 4,
    "OAUTH_UNAVAILABLE": 4,
    "NETWORK_FAILED": 6,
    "REF_TOO_LARGE": 5,
    "REF_NOT_BASE64": 5,
    "SAFETY_REFUSAL": 7,
    "MODERATION_REFUSED": 7,
    "GENERATION_CANCELED": 8,
    "INVALID_PROMPT": 2,
    "PROMPT_REQUIRED": 2,
    "PROMPT_TOO_LONG": 2,
    "INVALID_COUNT": 2,
    "INVALID_FIELD": 2,
    "UNKNOWN_FIELD": 2,
    "INVALID_OUTPUT": 2,
    "LAN_TOKEN_REQUIRED": 2,
    "PARTIAL": 9,
    "BUDGET_REACHED": 10,
}
_EXIT_BY_ENDING = {"AUTH_FAILED": 4, "MODERATION_BLOCKED": 7}
"""For codes of providers, whatever HTTP status their clients expect with them."""


def exit_code(code: str, status: int) -> int:
    """Exit status for an error code, else for its HTTP status.

    0 success, 1 generic, 2 usage, 3 server unreachable, 4 sign-in needed, 5 other 4xx, 6 5xx and network,
    7 refused by moderation, 8 time-out or abort, 9 partial, 10 budget reached, 130 interrupted.
    """
    if code in _EXIT_BY_CODE:
        return _EXIT_BY_CODE[code]
    for ending, exits in _EXIT_BY_ENDING.items():
        if code.endswith(ending):
            return exits
    if status in (408, 499, 504):
        return 8
    if status == 401:
        return 4
    if 400 <= status < 500:
        return 5
    return 6 if 500 < status < 600 else 1
