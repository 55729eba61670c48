"""What is printed of a finished request, and of one that was only looked at."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from ima2.cli.output import Output
from ima2.cli.terminal import clean, is_terminal, note, one_line, say, say_json, success, warn


def results(
    facts: Mapping[str, Any], pictures: Sequence[Mapping[str, Any]], output: Output, *, edit: bool, as_json: bool
) -> None:
    """``✓ path`` for each picture, or ``{ok: true, requestId, elapsed, images: [{path, filename, …}], provider, …}``
    on one line.
    """
    odd = [warning for picture in pictures for warning in picture.get("warnings", ())]
    for warning in odd:
        warn(warning["message"])
    if as_json:
        images = [{name: value for name, value in picture.items() if name != "warnings"} for picture in pictures]
        said = {**facts, "images": images, "warnings": [*facts.get("warnings", ()), *odd]}
        say_json({"ok": True, **({"path": images[0]["path"]} if edit else {}), **said})
        return
    if output.kind == "data-urls":
        for picture in pictures:
            say(picture["image"])
    elif output.kind != "bytes":
        for picture in pictures:
            success(picture.get("path") or picture.get("url"))
    _summary(facts)


def clip(facts: Mapping[str, Any], stored: Mapping[str, Any], output: Output, *, as_json: bool) -> None:
    """``✓ path``, or ``{ok: true, requestId, path, filename, elapsed, video, revisedPrompt, …}`` on one line."""
    odd = list(stored.get("warnings", ()))
    for warning in odd:
        warn(warning["message"])
    if as_json:
        places = {name: stored.get(name) for name in ("path", "stored", "url") if name in stored}
        say_json({"ok": True, **facts, **places, "warnings": [*facts.get("warnings", ()), *odd]})
        return
    if output.kind != "bytes":
        success(stored.get("path") or stored.get("url"))
    if is_terminal(sys.stderr):
        size = f"{stored.get('width')}x{stored.get('height')}, {stored.get('duration')} s"
        parts = (facts.get("provider"), facts.get("model"), size, f"took {facts.get('elapsed')} s")
        note(" · ".join(str(part) for part in parts if part))


def words(answer: Mapping[str, Any], *, as_json: bool) -> None:
    """The words, or ``{ok: true, requestId, analysis, model, method, provider, …}`` on one line."""
    if as_json:
        say_json({"ok": True, **{name: value for name, value in answer.items() if name not in ("jobId", "at")}})
        return
    say(clean(answer["analysis"]))
    _summary(answer)


def _summary(facts: Mapping[str, Any]) -> None:
    count, requested = facts.get("count", 0), facts.get("requested", 0)
    if count < requested:
        warn(f"{count} of {requested} pictures came.")
    if is_terminal(sys.stderr):
        cost = f"${facts['costUsd']:.3f}" if facts.get("costUsd") is not None else None
        parts = (facts.get("provider"), facts.get("model"), facts.get("size"), f"{facts.get('elapsed')} s", cost)
        note(" · ".join(str(part) for part in parts if part))


def dry_run(plan: Mapping[str, Any], *, as_json: bool) -> None:
    """What would be sent, in words or as ``{ok: true, dryRun: true, provider, ready, resolution, model, steps, …}``."""
    if as_json:
        say_json({"ok": True, **plan})
        return
    resolution = plan.get("resolution", {})
    say(f"provider  {clean(plan.get('provider'))} ({one_line(resolution.get('reason', ''))})")
    say(f"model     {clean(plan.get('model'))}")
    for step in plan.get("steps", ()):
        paid = " (paid)" if step.get("paid") else ""
        say(f"step      {step.get('count', 1)} × {one_line(step.get('summary', ''))}{paid}")
    for skipped in resolution.get("skipped", ()):
        say(f"skipped   {one_line(skipped.get('provider'))}: {one_line(skipped.get('why'))}")
    for warning in plan.get("warnings", ()):
        warn(warning.get("message"))
    if not plan.get("ready", True):
        warn(f"{plan.get('provider')} is not ready: {plan.get('why')}")
        note(f"Hint: {plan.get('hint')}")
    say("Nothing was sent.")
