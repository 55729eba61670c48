"""The distributions of this repository, read from their own ``pyproject.toml``."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Module:
    """One source file; ``name`` is dotted, ``ima2.kernel.requests.check``."""

    name: str
    path: Path

    def tree(self) -> ast.Module:
        return ast.parse(self.path.read_text(encoding="utf-8"), str(self.path))

    def imports(self) -> Iterator[str]:
        """Dotted names of all it imports, wherever in the file; ``from ima2 import errors`` is ``ima2.errors``."""
        for node in ast.walk(self.tree()):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{self.path}:{node.lineno}: a relative import"
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


@dataclass(frozen=True)
class Distribution:
    folder: Path

    @cached_property
    def project(self) -> dict[str, Any]:
        return tomllib.loads((self.folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    @property
    def name(self) -> str:
        return self.project["name"]

    @property
    def package(self) -> str:
        return self.name.replace("-", "_")

    @property
    def source(self) -> Path:
        return self.folder / "src" / self.package

    @property
    def providers(self) -> tuple[str, ...]:
        """Ids of the providers in it: the names of its entry points."""
        return tuple(self.project.get("entry-points", {}).get("ima2", {}))

    @property
    def requirements(self) -> dict[str, Requirement]:
        """By name, those of its extras too."""
        extras = self.project.get("optional-dependencies", {}).values()
        listed = map(Requirement, [*self.project["dependencies"], *(line for extra in extras for line in extra)])
        return {requirement.name: requirement for requirement in listed}

    def modules(self) -> list[Module]:
        return [Module(self._dotted(path), path) for path in sorted(self.source.rglob("*.py"))]

    def _dotted(self, path: Path) -> str:
        parts = path.relative_to(self.source.parent).with_suffix("").parts
        return ".".join(part for part in parts if part != "__init__")


DISTRIBUTIONS = tuple(
    Distribution(path.parent)
    for pattern in ("core", "plugins/ima2_*", "ima2_*")
    for path in sorted(ROOT.glob(f"{pattern}/pyproject.toml"))
)
CORE = DISTRIBUTIONS[0]
PROVIDERS = tuple(distribution for distribution in DISTRIBUTIONS if distribution.providers)
