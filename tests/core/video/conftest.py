from __future__ import annotations

from pathlib import Path

import pytest
from clip_service import Service


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """An empty house; installed plugins stay out so that only the test's own take part."""
    return {"IMA2_CONFIG_DIR": str(tmp_path / "house"), "IMA2_PLUGINS": "off"}


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return Service(tmp_path / "service")
