"""``IMA2_TRACE_HOOKS=1``: one line on stderr for each hook call, for plugin authors."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import pluggy


def trace_hooks(pm: pluggy.PluginManager) -> None:
    """Print each call: the plugins asked, innermost first, the arguments' names and the result's type.

    Values stay out: they hold prompts and keys.
    """

    def before(hook: str, impls: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        asked = ", ".join(impl.plugin_name for impl in impls)
        sys.stderr.write(f"hook {hook}({', '.join(kwargs)}) asks {asked or 'nobody'}\n")

    def after(outcome: pluggy.Result[Any], hook: str, impls: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        error = outcome.exception
        ended = f"raised {type(error).__name__}" if error else f"returned {type(outcome.get_result()).__name__}"
        sys.stderr.write(f"hook {hook} {ended}\n")

    pm.add_hookcall_monitoring(before, after)
