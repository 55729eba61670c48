"""Each broken provider as an entry point of an installed distribution."""

from __future__ import annotations

from pathlib import Path

from ways import WAYS

NAMES = {name: f"way-{name.lower()}" for name in WAYS} | {"Heavy": "heavy", "Good": "good"}
"""Class → entry point."""


def __getattr__(name: str) -> object:
    """``way_sendstwice`` → an instance of ``SendsTwice`` with the id of its entry point."""
    way = next((way for way in WAYS.values() if f"way_{way.__name__.lower()}" == name), None)
    if way is None:
        raise AttributeError(name)
    plugin = way()
    plugin.id = name.replace("_", "-")
    return plugin


def install(folder: Path) -> None:
    """Write the metadata that an installer would."""
    info = folder / "ima2_broken-0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: ima2-broken\nVersion: 0\n")
    own = [f"{point} = points:{point.replace('-', '_')}" for point in NAMES.values() if point.startswith("way-")]
    lines = ["[ima2]", *own, "heavy = heavy:plugin", "good = good:plugin", ""]
    (info / "entry_points.txt").write_text("\n".join(lines))
