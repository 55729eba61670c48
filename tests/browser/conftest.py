from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """An empty house without installed plugins."""
    return {"IMA2_CONFIG_DIR": str(tmp_path / "house"), "IMA2_PLUGINS": "off"}
