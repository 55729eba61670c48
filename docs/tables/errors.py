"""Every error and warning code."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from tables.codes import Use, all_uses
from tables.markdown import code, table

AT_RUN_TIME = (
    Use("AUTH_API_KEY_INVALID", "OpenAI refused the key.", 401, 4),
    Use("BAD_REQUEST", "The HTTP request can't be read.", 400, 5),
    Use("GROK_BAD_REQUEST", "xAI refused the image request; its words stand in the message.", 400, 5),
    Use("GROK_IMAGE_DOWNLOAD_FAILED", "The picture is paid for and could not be fetched from its address.", 502, 6),
    Use("GROK_NETWORK_FAILED", "The connection to xAI broke during the image call.", 502, 6),
    Use("GROK_PLANNER_BAD_REQUEST", "xAI refused the planner's request. No picture was paid for.", 400, 5),
    Use("GROK_PLANNER_NETWORK_FAILED", "The connection broke while planning. No picture was paid for.", 502, 6),
    Use("GROK_PLANNER_TIMEOUT", "The planner did not answer in its time. No picture was paid for.", 504, 8),
    Use("GROK_REPLY_BAD_REQUEST", "xAI refused the question about a clip; its words stand in the message.", 400, 5),
    Use("GROK_REPLY_NETWORK_FAILED", "The connection broke while a clip was looked at. Ask again.", 502, 6),
    Use("GROK_SEARCH_BAD_REQUEST", "xAI refused the web search. No picture was paid for.", 400, 5),
    Use("GROK_SEARCH_NETWORK_FAILED", "The connection broke while searching. No picture was paid for.", 502, 6),
    Use("GROK_SEARCH_TIMEOUT", "The web search was not done in its time. No picture was paid for.", 504, 8),
    Use("GROK_VIDEO_DOWNLOAD_FAILED", "The finished clip could not be fetched; xAI keeps it for a while.", 502, 6),
    Use("GROK_VIDEO_FAILED", "xAI could not make the clip; its words stand in the message.", 502, 6),
    Use("GROK_VIDEO_INVALID_MODE", "The model makes no clip of these inputs. Nothing was sent.", 400, 5),
    Use("GROK_VIDEO_POLL_FAILED", "xAI does not tell how the clip is. The order stands.", 502, 6),
    Use("GROK_VIDEO_REF_TOO_MANY", "A clip takes at most seven images. Nothing was sent.", 400, 5),
    Use("GROK_VIDEO_REQUEST_FAILED", "xAI refused the order or its input; the message has its reason.", 400, 5),
    Use("GROK_VIDEO_TIMEOUT", "The clip was not ordered, made or downloaded in its time.", 504, 8),
    Use("INVALID_ASPECT_RATIO", "The model has no such aspect ratio; the message lists those it has.", 400, 5),
    Use("INVALID_BACKGROUND", "The model has no such background; the message lists those it has.", 400, 5),
    Use("INVALID_FORMAT", "The model has no such format; the message lists those it has.", 400, 5),
    Use("INVALID_QUALITY", "The model has no such quality; the message lists those it has.", 400, 5),
    Use("INVALID_REASONING_EFFORT", "The model has no such reasoning effort; the message lists those it has.", 400, 5),
    Use("INVALID_RESOLUTION", "The model has no such resolution; the message lists those it has.", 400, 5),
    Use("INVALID_VIDEO_ASPECT_RATIO", "The model makes no clips of that shape; the message lists its own.", 400, 5),
    Use("INVALID_VIDEO_RESOLUTION", "The model makes no such clip in that resolution; the message says which.", 400, 5),
    Use("JOB_DROPPED", "An unknown job that its user gave up; stands in the job.", 409, 5),
    Use("JOB_LEFT", "Ctrl+C left a clip that is on its way; `ima2 jobs resume ID` fetches it.", 499, 130),
    Use("METHOD_NOT_ALLOWED", "The route does not take this method.", 405, 5),
    Use("OAUTH_DEVICE_UNAVAILABLE", "OpenAI gives no codes for sign-ins here. Nothing was stored.", 401, 4),
    Use("OAUTH_LOGIN_DENIED", "The sign-in was refused, or the workspace has no Codex. Nothing was stored.", 401, 4),
    Use("OAUTH_LOGIN_EXPIRED", "The browser did not come back, or the code was not typed, in time.", 401, 4),
    Use("OAUTH_LOGIN_FAILED", "OpenAI refused the sign-in; the message has its words. Nothing was stored.", 401, 4),
    Use("VIDEO_TIMEOUT", "The question about a clip was not answered in its time. Ask again.", 504, 8),
    Use("SUFFIX_MISMATCH", "The file that `-o` names holds another format than its name says.", warning=True),
)
"""Codes that the source picks at run time, where no message can be read beside them."""
OTHER_WORDS: frozenset[str] = frozenset()
"""Words in capitals that are no codes."""


def all_errors() -> str:
    """Code, HTTP status, exit status, what it says."""
    return table(("code", "HTTP", "exit", "what it says"), (_row(*entry) for entry in _grouped(warning=False)))


def all_warnings() -> str:
    """Code and what it says."""
    return table(("code", "what it says"), ((code(name), _says(name, uses)) for name, uses in _grouped(warning=True)))


def _grouped(*, warning: bool) -> Iterable[tuple[str, Sequence[Use]]]:
    found: dict[str, list[Use]] = defaultdict(list)
    for use in (*AT_RUN_TIME, *all_uses()):
        if use.code not in OTHER_WORDS:
            found[use.code].append(use)
    return sorted((name, uses) for name, uses in found.items() if any(use.warning for use in uses) is warning)


def _row(name: str, uses: Sequence[Use]) -> tuple[str, ...]:
    statuses = sorted({use.status for use in uses if use.status and use.text})
    if not statuses:
        raise LookupError(f"{name}: say in AT_RUN_TIME what it is, or in OTHER_WORDS that it is no code")
    exits = sorted({use.exit for use in uses if use.exit and use.text})
    return code(name), ", ".join(map(str, statuses)), ", ".join(map(str, exits)), _says(name, uses)


def _says(name: str, uses: Sequence[Use]) -> str:
    texts = list(dict.fromkeys(use.text for use in uses if use.text))
    if not texts:
        raise LookupError(f"{name}: say in AT_RUN_TIME what it means")
    return " · ".join(texts[:3])
