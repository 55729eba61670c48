"""Every error and warning code."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from tables.codes import Use, all_uses
from tables.markdown import code, table

AT_RUN_TIME: Mapping[str, Use] = {}
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
    for use in (*AT_RUN_TIME.values(), *all_uses()):
        if use.code not in OTHER_WORDS:
            found[use.code].append(use)
    return sorted((name, uses) for name, uses in found.items() if any(use.warning for use in uses) is warning)


def _row(name: str, uses: Sequence[Use]) -> tuple[str, ...]:
    statuses = sorted({use.status for use in uses if use.status})
    if not statuses:
        raise LookupError(f"{name}: say in AT_RUN_TIME what it is, or in OTHER_WORDS that it is no code")
    exits = sorted({use.exit for use in uses if use.exit})
    return code(name), ", ".join(map(str, statuses)), ", ".join(map(str, exits)), _says(name, uses)


def _says(name: str, uses: Sequence[Use]) -> str:
    texts = list(dict.fromkeys(use.text for use in uses if use.text))
    if not texts:
        raise LookupError(f"{name}: say in AT_RUN_TIME what it means")
    return " · ".join(texts[:3])
