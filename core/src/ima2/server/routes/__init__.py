"""Handlers by subject."""

from __future__ import annotations

from ima2.server.routes import (
    events,
    files,
    generate,
    health,
    history,
    index,
    inflight,
    jobs,
    keys,
    metadata,
    models,
    openapi,
    providers,
    quota,
    video,
)

MODULES = (
    generate,
    video,
    inflight,
    jobs,
    events,
    history,
    metadata,
    health,
    quota,
    providers,
    models,
    keys,
    openapi,
    files,
    index,
)
