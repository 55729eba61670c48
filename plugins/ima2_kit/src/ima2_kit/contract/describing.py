"""What a provider says of itself: light, complete, free of contradictions."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence

from ima2.hookspecs import Capabilities, Setting, SizeRule

from ima2_kit.contract.bench import Bench, Contract
from ima2_kit.watch import IO, watching

HEAVY = ("aiohttp", "httpx", "pydantic", "PIL", "rich")
"""Nothing of this may be imported by loading a plugin: every ``ima2 --help`` would wait for it."""
_LOAD = """
import json, sys
from importlib import metadata
import ima2.hookspecs
before = set(sys.modules)
next(iter(metadata.entry_points(group="ima2", name=sys.argv[1]))).load()
print(json.dumps(sorted(set(sys.modules) - before)))
"""
_TYPES: dict[str, type | tuple[type, ...]] = {"string": str, "integer": int, "number": (int, float), "boolean": bool}
_OPERATIONS = {"generate", "edit", "extend", "analyze"}

HOOKS = {"image": "ima2_generate_image", "video": "ima2_generate_video", "text": "ima2_converse"}
"""What a provider of a kind implements."""


class Describing(Contract):
    """``ima2_provider`` and what it returns."""

    def test_loads_light(self) -> None:
        """The entry point's module leaves heavy imports to its hooks."""
        done = subprocess.run(  # noqa: S603 - our own words, run by this Python
            [sys.executable, "-c", _LOAD, self.provider],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        assert done.returncode == 0, f"the entry point {self.provider!r} can't be loaded:\n{done.stderr}"
        loaded = {name.partition(".")[0] for name in json.loads(done.stdout)}
        assert not loaded & set(HEAVY), "import these inside the hooks that need them"

    def test_every_hook_is_marked(self, bench: Bench) -> None:
        """A function with the name of a hook carries ``@hookimpl``."""
        assert bench.hooks.unmarked() == []

    def test_describes_itself(self, bench: Bench) -> None:
        """Id, title, kinds, billing, concurrency."""
        info = bench.info
        assert info.id == self.provider, "the id is the name of the entry point"
        assert re.fullmatch("[a-z][a-z0-9-]*", info.id)
        assert info.title.strip(), "a person needs a title to choose by"
        assert info.kinds, "a provider makes something"
        assert set(info.kinds) <= set(HOOKS)
        assert info.billing in {"subscription", "metered", "free"}
        assert info.concurrency >= 1
        assert set(info.resumable) <= set(info.kinds)

    def test_describing_does_nothing(self, bench: Bench) -> None:
        """The description is the same each time, and costs no file and no connection."""
        with watching(IO) as seen:
            again = bench.hooks.ask("ima2_provider")
        assert again == bench.info
        assert seen == []

    def test_does_what_its_kinds_say(self, bench: Bench) -> None:
        """One hook for each kind, and a live catalogue only when it says so."""
        made = {kind for kind, hook in HOOKS.items() if hook in bench.hooks.names}
        assert made == set(bench.info.kinds)
        assert ("ima2_models" in bench.hooks.names) == bench.info.live_models

    def test_settings_are_usable(self, bench: Bench) -> None:
        """Named once, explained, of their type, and no secret in a request."""
        settings = bench.info.settings
        assert _repeated([setting.name for setting in settings]) == []
        assert _repeated([name for setting in settings for name in setting.env]) == []
        assert _repeated([setting.key for setting in settings if setting.key]) == []
        assert [line for setting in settings for line in _faults(setting)] == []

    def test_models_are_listed(self, bench: Bench) -> None:
        """Each kind has a model, each name means one model, a retired one names its successor."""
        info = bench.info
        names = [name for model in info.models for name in (model.id, *model.aliases)]
        assert _repeated(names) == []
        assert {model.kind for model in info.models} <= set(info.kinds)
        if not info.live_models:
            assert {model.kind for model in info.models} == set(info.kinds), "without ima2_models this list is all"
        for model in info.models:
            assert model.use.strip(), f"{model.id}: say in one line what it is for"
            assert model.successor is None or model.successor in names, f"{model.id}: unknown successor"

    def test_capabilities_agree(self, bench: Bench) -> None:
        """The table that requests are held against can be met."""
        assert [
            f"{model.id}: {line}" for model in bench.info.models for line in _contradictions(model.capabilities)
        ] == []


def _faults(setting: Setting) -> list[str]:
    default, name = setting.default, setting.name
    typed = isinstance(default, _TYPES[setting.type]) and (setting.type == "boolean" or not isinstance(default, bool))
    found = {
        "is not snake_case": not re.fullmatch("[a-z][a-z0-9_]*", name),
        "has no help": not setting.help.strip(),
        "is secret and per request": setting.secret and setting.per_request,
        "is secret and has a default": setting.secret and bool(default),
        f"has a default that is no {setting.type}": default is not None and not typed,
        "has a default outside its choices": default not in {None, "", *setting.choices} and bool(setting.choices),
        "has a variable that is not UPPER_CASE": any(not re.fullmatch("[A-Z][A-Z0-9_]*", each) for each in setting.env),
        "can't be set anywhere": not (setting.env or setting.key or setting.per_request),
    }
    return [f"{name} {text}" for text, wrong in found.items() if wrong]


def _contradictions(caps: Capabilities) -> list[str]:
    found = {
        "no operation": not caps.operations,
        "an unknown operation": not set(caps.operations) <= _OPERATIONS,
        "a mask, but no edit": caps.mask and "edit" not in caps.operations,
        "max_count outside 1 to 24": not 1 <= caps.max_count <= 24,
        "max_references below 0": caps.max_references < 0,
        "partial_images outside 0 to 3": not 0 <= caps.partial_images <= 3,
        "a duration that ends before it begins": bool(caps.duration and not 0 < caps.duration[0] <= caps.duration[1]),
        "a value listed twice": any(_repeated(values) for values in _choices(caps)),
        "compression, but only formats without it": caps.compression and set(caps.formats) == {"png"},
    }
    return [text for text, wrong in found.items() if wrong] + (_bad_sizes(caps.sizes) if caps.sizes else [])


def _bad_sizes(rule: SizeRule) -> list[str]:
    from ima2.kernel.requests.sizes import parse_size, size_problem

    largest = rule.max_edge or 10**6
    found = {
        "edges that nothing meets": rule.min_edge > largest,
        "pixels that nothing meets": bool(rule.max_pixels and (rule.min_pixels or 0) > rule.max_pixels),
        "a ratio below 1": rule.max_ratio is not None and rule.max_ratio < 1,
        "neither sizes nor a step": not rule.fixed and rule.multiple_of is None and not rule.auto,
    }
    unreadable = [f"size {size!r} is not WIDTHxHEIGHT" for size in rule.fixed if parse_size(size) is None]
    refused = [why for size in rule.fixed if (why := size_problem(size, rule))]
    return [text for text, wrong in found.items() if wrong] + unreadable + refused


def _choices(caps: Capabilities) -> list[tuple[str, ...]]:
    return [value for name in caps.__slots__ if isinstance(value := getattr(caps, name), tuple) and name != "duration"]


def _repeated(names: Sequence[str]) -> list[str]:
    return sorted({name for name in names if names.count(name) > 1})
