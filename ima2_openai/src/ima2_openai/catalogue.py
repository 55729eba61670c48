"""What OpenAI's models can do, as data with a date: 2026-11, from the public SDK's types (``openai`` 3.54).

The *host model* reads the prompt and calls the image tool; the *tool model* draws. Names come and go monthly, so the
host models are only a first list with the live one over it, and an unknown tool model is passed on unchecked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from ima2.hookspecs import Capabilities, ModelInfo, SizeRule

DEFAULT_HOST = "gpt-5.4-mini"
DEFAULT_TOOL = "gpt-image-2.6-sunburst"
"""The service's own default; sent explicitly, because it has changed before without notice."""

MAX_REFERENCE_CHARACTERS = 20_971_520
"""Of one ``image_url``; base64 makes that about 15 MB of picture (OpenAPI description, 2026-08)."""
MAX_IMAGES = 16
"""Input images of one request, source included; the mask isn't counted."""
REFERENCE_TYPES = ("image/png", "image/jpeg", "image/webp")

STANDARD_SIZES = ("1024x1024", "1536x1024", "1024x1536")
SHOWN_SIZES = (*STANDARD_SIZES, "1536x864", "864x1536", "2048x2048", "2560x1440", "3840x2160", "2160x3840")
QUALITIES = ("auto", "low", "medium", "high")
EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")

FIXED = SizeRule(fixed=STANDARD_SIZES)
FREE = SizeRule(
    fixed=STANDARD_SIZES, multiple_of=16, max_edge=3840, min_pixels=655_360, max_pixels=8_294_400, max_ratio=3
)
"""Any ``WIDTHxHEIGHT``; above 2560x1440 the service calls it experimental."""


@dataclass(frozen=True, slots=True)
class ToolModel:
    """A model that draws.

    :ivar fidelity: values of ``input_fidelity`` it takes; empty means the field is left out.
    :ivar successor: set when the service has shut it down.
    """

    id: str
    sizes: SizeRule = FREE
    qualities: tuple[str, ...] = QUALITIES
    fidelity: tuple[str, ...] = ()
    successor: str | None = None


_FINE = (*QUALITIES, "xhigh", "max")
_TOOLS = (
    ToolModel("gpt-image-2.6-sunburst", qualities=_FINE),
    ToolModel("gpt-image-2.6-flare", qualities=_FINE),
    ToolModel("gpt-image-2.5-sunburst", qualities=_FINE),
    ToolModel("gpt-image-2.5-flare", qualities=_FINE),
    ToolModel("gpt-image-2"),
    ToolModel("gpt-image-1.5", FIXED, fidelity=("high", "low")),
    ToolModel("gpt-image-1-mini", FIXED, fidelity=("low",)),
    ToolModel("gpt-image-1", FIXED, fidelity=("high", "low"), successor=DEFAULT_TOOL),
    ToolModel("dall-e-3", FIXED, successor=DEFAULT_TOOL),
    ToolModel("dall-e-2", FIXED, successor=DEFAULT_TOOL),
)
_SNAPSHOT = re.compile(r"-20\d\d-\d\d-\d\d$")


def tool_model(name: str) -> ToolModel | None:
    """What is known of a tool model; a dated snapshot is as its family. None when nothing is known."""
    family = _SNAPSHOT.sub("", name)
    return next((tool for tool in _TOOLS if tool.id == family), None)


def draws(name: str) -> bool:
    """Whether the name is one of an image model, which can't be the host."""
    return name.startswith(("gpt-image-", "chatgpt-image-", "dall-e-"))


TOOL_MODELS = tuple(tool.id for tool in _TOOLS if not tool.successor)

HOST_CAPABILITIES = Capabilities(
    operations=("generate", "edit"),
    # The limits hang on the tool model, so they are held against it in `check`, where the user can lift them.
    sizes=SizeRule(fixed=SHOWN_SIZES, multiple_of=1),
    qualities=_FINE,
    formats=("png", "jpeg", "webp"),
    moderations=("auto", "low"),
    reasoning_efforts=EFFORTS,
    backgrounds=("auto", "opaque", "transparent"),
    max_references=MAX_IMAGES,
    mask=True,
    compression=True,
    partial_images=3,
    web_search="optional",
    extra={"imageToolModels": TOOL_MODELS, "imageToolModel": DEFAULT_TOOL},
)

_HOSTS = (
    (DEFAULT_HOST, "quick and cheap; enough to hand a prompt on"),
    ("gpt-5.4", "stronger reasoning for long briefs"),
    ("gpt-5.5", "strong reasoning and search"),
    ("gpt-5.6-sol", "strong reasoning"),
    ("gpt-5.6-terra", "balanced"),
    ("gpt-5.6-luna", "quick"),
    ("gpt-6-sol", "strongest reasoning"),
    ("gpt-6-luna", "quick"),
)
MODELS = tuple(ModelInfo(id=name, use=use, capabilities=HOST_CAPABILITIES) for name, use in _HOSTS)
NO_IMAGE_TOOL = frozenset({"gpt-5.3-codex-spark"})
"""Listed by the service, and known to have no image tool."""

_HOST_NAME = re.compile(r"(gpt-(4o|4\.1|[5-9])|o[3-9])")
_OTHER_WORK = re.compile(
    r"audio|realtime|transcribe|tts|search|embedding|moderation|instruct|codex|cyber|research|chat-latest"
)


def live(ids: Iterable[str]) -> list[ModelInfo]:
    """The service's own list cut down to models that can host the image tool, each with the image models beside it.

    To be listed does not prove that the account may use a model.
    """
    names = sorted(set(ids))
    drawing = tuple(name for name in names if draws(name) and not name.startswith("dall-e-")) or TOOL_MODELS
    capabilities = replace(HOST_CAPABILITIES, extra={"imageToolModels": drawing, "imageToolModel": DEFAULT_TOOL})
    known = dict(_HOSTS)
    hosts = [name for name in names if _hosts_the_tool(name)]
    return [ModelInfo(id=name, use=known.get(name, ""), capabilities=capabilities) for name in hosts]


def _hosts_the_tool(name: str) -> bool:
    return bool(_HOST_NAME.match(name)) and not _OTHER_WORK.search(name) and name not in NO_IMAGE_TOOL
