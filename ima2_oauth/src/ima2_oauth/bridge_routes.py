"""What the bridge serves below ``/v1``. A route without a handler passes as it is, both ways."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from ima2_oauth.bridge_images import images
from ima2_oauth.bridge_models import models
from ima2_oauth.bridge_responses import responses

if TYPE_CHECKING:
    from ima2.hookspecs import Context
    from ima2.upstream.bridge import Handler

ROUTES = ("models", "responses", "images/generations", "images/edits")
"""What makes text and pictures; nothing that touches the account."""


def handlers(context: Context) -> Mapping[str, Handler]:
    """Those whose request or answer differs from what the service takes and gives, by route."""
    return {
        "models": partial(models, context),
        "responses": partial(responses, context),
        "images/generations": partial(images, "images/generations"),
        "images/edits": partial(images, "images/edits"),
    }
