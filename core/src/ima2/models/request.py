"""What the user asked: the same model whichever way a request comes in."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StrictBool

from ima2.models.frozen import Frozen
from ima2.models.lineage import Lineage
from ima2.models.series import Series

Kind = Literal["image", "video", "text"]
Operation = Literal["generate", "edit", "extend", "analyze"]
Surface = Literal["classic", "edit", "node", "multimode", "agent", "video"]
Role = Literal["reference", "source", "mask", "clip"]

MAX_PROMPT = 32_000
"""Characters (existing clients' limit, and the documented one of OpenAI's image models)."""
MAX_COUNT = 24
REQUEST_ID_FORM = re.compile(r"[A-Za-z0-9._:-]{1,128}")
"""What an id of a request may be; another one that a client brings is replaced."""


def _no_truth(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("a number is needed")
    return value


Seconds = Annotated[float, BeforeValidator(_no_truth)]


class Reference(Frozen):
    """An input image or clip, stored under its hash before the job exists.

    ``source`` is the picture an edit changes, ``mask`` says where (PNG with alpha, as large as the source), ``clip``
    the video that is edited or extended. ``width`` and ``height`` in pixels, ``size`` in bytes, ``duration`` seconds.
    """

    sha256: str
    media_type: str
    width: int
    height: int
    size: int
    role: Role = "reference"
    has_alpha: bool = False
    duration: float | None = None


class Preferences(Frozen):
    """What a client would like where it can be chosen; left out in silence where it can't."""

    quality: str | None = None
    format: str | None = None


class Request(Frozen):
    """A parsed request. ``None`` means "not said": the provider's settings and the model decide.

    ``size`` is ``auto`` or ``WIDTHxHEIGHT`` in pixels, ``compression`` 0–100, ``duration`` seconds.
    ``source_url`` is an input that only the service fetches (its own address or file id); nobody here opens it.
    ``lineage`` is the chain of clips that this one goes on from, up to its parent; ``series`` those of its topic.
    ``storyboard``: a picture of panels, or the input image is one.
    ``options`` holds per-request values of provider settings by setting name (``planner_model``).
    ``labels`` holds what clients want stored with the job and nobody here interprets.
    """

    id: str
    kind: Kind = "image"
    operation: Operation = "generate"
    surface: Surface = "classic"
    prompt: str
    provider: str = "auto"
    model: str | None = None
    n: int = Field(default=1, ge=1, le=MAX_COUNT)
    quality: str | None = None
    size: str | None = None
    format: str | None = None
    compression: int | None = Field(default=None, ge=0, le=100)
    background: str | None = None
    moderation: str | None = None
    reasoning_effort: str | None = None
    web_search: bool | None = None
    prefer: Preferences = Preferences()
    partial_images: int = Field(default=0, ge=0, le=3)
    seed: int | None = None
    duration: Seconds | None = None
    resolution: str | None = None
    aspect_ratio: str | None = None
    source_url: str | None = None
    lineage: Lineage | None = None
    series: Series | None = None
    storyboard: StrictBool = False
    references: tuple[Reference, ...] = ()
    options: dict[str, Any] = Field(default_factory=dict)
    timeout: Seconds | None = Field(default=None, gt=0)
    session_id: str | None = None
    parent_id: str | None = None
    mode: Literal["auto", "direct"] = "auto"
    labels: dict[str, Any] = Field(default_factory=dict)

    def inputs(self, role: Role) -> tuple[Reference, ...]:
        """The input images that play ``role``, in the order given."""
        return tuple(ref for ref in self.references if ref.role == role)
