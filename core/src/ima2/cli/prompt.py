"""Where a prompt comes from: the words of the command line, or stdin."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from ima2.cli.failure import UsageProblem
from ima2.cli.terminal import is_terminal

MAX_CHARACTERS = 32_000
"""As ``ima2.models.request.MAX_PROMPT``; a test holds the two together."""
MAX_STDIN_IMAGE = 64 << 20
"""Bytes of an input image on stdin; the store's own limit is checked later."""


def read_prompt(words: Sequence[str], *, from_stdin: bool, stdin_taken: bool) -> str:
    """The prompt. ``stdin_taken``: an input image is read from stdin already.

    :raises UsageProblem: ``INVALID_PROMPT`` when there is none, or two, ``PROMPT_TOO_LONG``.
    """
    if list(words) == ["-"]:
        words, from_stdin = (), True
    if from_stdin and words:
        raise _invalid("The prompt is given twice: as words and on stdin.")
    if from_stdin and stdin_taken:
        raise _invalid("Stdin can be the prompt or an image, not both.")
    piped = not stdin_taken and not words and (from_stdin or not is_terminal(sys.stdin))
    text = _stdin_text() if piped else " ".join(words)
    if not text.strip():
        raise _invalid("A prompt is needed.")
    if len(text) > MAX_CHARACTERS:
        raise _too_long()
    return text


def stdin_image() -> bytes:
    """An input image from stdin.

    :raises UsageProblem: ``REF_EMPTY``, ``REF_TOO_LARGE``.
    """
    if is_terminal(sys.stdin):
        raise UsageProblem("`-` reads an image from stdin, and nothing is piped in.", code="REF_EMPTY")
    data = sys.stdin.buffer.read(MAX_STDIN_IMAGE + 1)
    if not data:
        raise UsageProblem("The image on stdin is empty.", code="REF_EMPTY")
    if len(data) > MAX_STDIN_IMAGE:
        raise UsageProblem("The image on stdin is too large.", code="REF_TOO_LARGE")
    return data


def _stdin_text() -> str:
    data = sys.stdin.buffer.read(MAX_CHARACTERS * 4 + 4)
    if len(data) > MAX_CHARACTERS * 4:
        raise _too_long()
    try:
        return data.decode("utf-8-sig").strip("\r\n")
    except UnicodeDecodeError:
        raise _invalid("The prompt on stdin is no UTF-8 text.") from None


def _too_long() -> UsageProblem:
    return UsageProblem(
        f"The prompt has more than {MAX_CHARACTERS:,} characters.", code="PROMPT_TOO_LONG", field="prompt"
    )


def _invalid(message: str) -> UsageProblem:
    return UsageProblem(message, code="INVALID_PROMPT", field="prompt", hint='ima2 generate "a red kite over the sea"')
