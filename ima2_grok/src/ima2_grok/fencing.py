"""Other people's words in a message to the planner: they may not close the fence around them. Pure."""

from __future__ import annotations

import re

_FENCES = re.compile(r"<(/?\s*(?:brief|series|chain|wish)\s*)>", re.IGNORECASE)


def fenced(name: str, words: str) -> str:
    """The words between ``<name>`` and ``</name>``.

    Fences in them become round: to take them out could leave others that were hidden around them.
    """
    inside = _FENCES.sub(r"(\1)", words)
    return f"<{name}>\n{inside}\n</{name}>"
