"""Where everything lies on disk."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs


@dataclass(frozen=True, slots=True)
class Paths:
    """The folders of one user. ``config`` and ``data`` are the same folder under ``IMA2_CONFIG_DIR``."""

    config: Path
    data: Path
    generated: Path

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> Paths:
        """``IMA2_CONFIG_DIR`` puts all under one folder; ``IMA2_GENERATED_DIR`` moves the gallery alone."""
        if root := env.get("IMA2_CONFIG_DIR"):
            config = data = Path(root).expanduser().absolute()
        else:
            config = Path(platformdirs.user_config_dir("ima2", appauthor=False))
            data = Path(platformdirs.user_data_dir("ima2", appauthor=False))
        generated = env.get("IMA2_GENERATED_DIR")
        return cls(config, data, Path(generated).expanduser().absolute() if generated else data / "generated")

    @property
    def config_file(self) -> Path:
        """Settings."""
        return self.config / "config.json"

    @property
    def credentials(self) -> Path:
        """Folder of one secret file a provider, 0700."""
        return self.config / "credentials"

    @property
    def server_file(self) -> Path:
        """Where the running server advertises itself."""
        return self.config / "server.json"

    @property
    def database(self) -> Path:
        """The ledger and the index."""
        return self.data / "ima2.db"

    @property
    def references(self) -> Path:
        """Input images, named by SHA-256."""
        return self.data / "references"

    @property
    def spool(self) -> Path:
        """Results under way, a folder a job; on the disk of the gallery, so that storing is a rename."""
        return self.generated / ".spool"

    def job_spool(self, job_id: str) -> Path:
        """The spool of one job; named by a hash, since ids come from clients."""
        return self.spool / hashlib.sha256(job_id.encode()).hexdigest()[:24]

    @property
    def trash(self) -> Path:
        """Deleted artifacts that can come back."""
        return self.generated / ".trash"

    @property
    def processes(self) -> Path:
        """One locked file a living process."""
        return self.data / "processes"

    @property
    def catalogues(self) -> Path:
        """Live model lists, cached."""
        return self.data / "catalogues"

    @property
    def notes(self) -> Path:
        """What providers remember, one file each; may be thrown away."""
        return self.data / "notes"
