"""What came, held against what was asked for: a service may take a size or a format as a wish."""

from __future__ import annotations

from collections.abc import Iterator

from ima2.hookspecs import ProviderInfo
from ima2.kernel.requests.sizes import parse_size
from ima2.models import Artifact, Job, Warning


def drift(job: Job, artifact: Artifact, info: ProviderInfo) -> Iterator[Warning]:
    """A warning for each measured fact that is not the one asked for. A size that the provider maps is no promise."""
    wanted, real = parse_size(job.request.size or ""), (artifact.width, artifact.height)
    if wanted and wanted != real and artifact.kind == "image" and not _maps(job, info):
        size = f"{artifact.width}x{artifact.height}"
        text = f"{job.request.size} was asked for, {size} came."
        yield Warning(code="SIZE_DRIFT", field="size", normalized_to=size, message=text)
    kind = artifact.media_type.rpartition("/")[2]
    if job.request.format and job.request.format != kind:
        text = f"{job.request.format} was asked for, {kind} came; the file is stored as it came."
        yield Warning(code="FORMAT_DRIFT", field="format", normalized_to=kind, message=text)


def _maps(job: Job, info: ProviderInfo) -> bool:
    rules = [model.capabilities.sizes for model in info.models if model.id == job.model]
    return any(rule is not None and rule.mapped for rule in rules)
