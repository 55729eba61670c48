"""Which models a provider has: its static list, with the live catalogue laid over it.

The live one is fetched when somebody asks for it, cached on disk, and never fetched on a job's path.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ima2.errors import Unsupported
from ima2.hookspecs import Clock, ModelInfo, ProviderInfo
from ima2.models import Warning
from ima2.settings.atomic import write_atomic

FRESH_SECONDS = 24 * 3600
"""How long a catalogue may be trusted to refuse a model it lacks."""
_MODELS: TypeAdapter[list[ModelInfo]] = TypeAdapter(list[ModelInfo])


@dataclass(frozen=True, slots=True)
class Catalogue:
    """``fetched_at`` is epoch seconds; None when nothing was ever fetched."""

    models: tuple[ModelInfo, ...]
    fetched_at: float | None = None


class Catalogues:
    """The cached live lists, one file a provider."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock

    def of(self, info: ProviderInfo) -> Catalogue:
        """Static models by id, replaced and followed by those of the cached catalogue."""
        live, fetched_at = self._read(info.id)
        merged = {model.id: model for model in (*info.models, *live)}
        return Catalogue(tuple(merged.values()), fetched_at)

    def live(self, provider: str) -> tuple[ModelInfo, ...]:
        """The cached live list alone; empty when it is a day old or was never fetched."""
        models, fetched_at = self._read(provider)
        return tuple(models) if self._fresh(fetched_at) else ()

    def save(self, info: ProviderInfo, live: list[ModelInfo]) -> Catalogue:
        """Keep a list just fetched."""
        data: dict[str, Any] = {"fetchedAt": self._clock.now(), "models": [asdict(model) for model in live]}
        self._folder.mkdir(parents=True, exist_ok=True)
        write_atomic(self._folder / f"{info.id}.json", json.dumps(data).encode())
        return self.of(info)

    def find(self, info: ProviderInfo, kind: str, name: str | None) -> tuple[ModelInfo, tuple[Warning, ...]]:
        """The model that runs: by id or alias, else the first of its kind.

        :raises Unsupported: ``UNKNOWN_MODEL`` when a trusted list lacks it, ``MODEL_RETIRED`` with its successor.
        """
        catalogue = self.of(info)
        fitting = [model for model in catalogue.models if model.kind == kind]
        if name is None and fitting:
            return fitting[0], ()
        match = next((model for model in fitting if name == model.id or name in model.aliases), None)
        if match and match.successor:
            raise Unsupported(
                f"{name} is retired; use {match.successor}.",
                code="MODEL_RETIRED",
                field="model",
                hint=f"--model {match.successor}",
            )
        if match:
            return match, ()
        return self._unlisted(info, kind, name, fitting, catalogue.fetched_at)

    def _unlisted(
        self, info: ProviderInfo, kind: str, name: str | None, fitting: list[ModelInfo], fetched_at: float | None
    ) -> tuple[ModelInfo, tuple[Warning, ...]]:
        trusted = not info.live_models or self._fresh(fetched_at)
        if name is None or not fitting or trusted:
            known = ", ".join(model.id for model in fitting) or "none"
            raise Unsupported(
                f"{info.title} has no {kind} model {name!r}; it has {known}.",
                code="UNKNOWN_MODEL",
                field="model",
                hint=f"ima2 models --provider {info.id}",
            )
        warning = Warning(
            code="MODEL_UNVERIFIED",
            field="model",
            message=f"{name} is not in the list known here; it is passed on as it is.",
        )
        return ModelInfo(id=name, kind=fitting[0].kind, capabilities=fitting[0].capabilities), (warning,)

    def _fresh(self, fetched_at: float | None) -> bool:
        return (fetched_at or 0) > self._clock.now() - FRESH_SECONDS

    def _read(self, provider: str) -> tuple[list[ModelInfo], float | None]:
        """A broken cache is the same as none: it can be fetched again."""
        try:
            data = json.loads((self._folder / f"{provider}.json").read_bytes())
            return _MODELS.validate_python(data["models"]), float(data["fetchedAt"])
        except (OSError, ValueError, KeyError, TypeError, ValidationError):
            return [], None
