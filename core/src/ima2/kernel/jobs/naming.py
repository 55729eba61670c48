"""File names of results: ``<ms>_<8 hex>_<index>``, the form existing galleries have.

The name follows from the job and the call alone, so a file that was stored just before a crash is found again.
"""

from __future__ import annotations

import hashlib

from ima2.models import Call, Job


def stem(job: Job, call: Call, index: int) -> str:
    """Name without suffix of the ``index``-th medium of a call."""
    digest = hashlib.sha256(job.id.encode()).hexdigest()[:8]
    place = str(call.index) if index == 0 else f"{call.index}-{index}"
    return f"{job.created_at}_{digest}_{place}"
