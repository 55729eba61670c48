"""What no capability table can say of a request, found before anything is spent. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ima2.hookspecs import Problem
from ima2.models import Reference, Request

from ima2_openai.catalogue import (
    MAX_IMAGES,
    MAX_REFERENCE_CHARACTERS,
    NO_IMAGE_TOOL,
    REFERENCE_TYPES,
    draws,
    tool_model,
)
from ima2_openai.sizes import size_problem

MAX_PROMPT = 32_000
"""Characters; documented for the image models."""
_LIFT = "--no-check-limits"


def check(request: Request) -> list[Problem]:
    """Every reason why the request can't be done as it is."""
    return [
        *_prompt(request),
        *_models(request),
        *check_inputs(request),
        *check_format(request),
        *(_limits(request) if request.options.get("check_limits", True) else ()),
    ]


def _prompt(request: Request) -> Iterator[Problem]:
    if len(request.prompt) > MAX_PROMPT:
        text = f"The prompt has {len(request.prompt):,} characters; at most {MAX_PROMPT:,} are accepted."
        yield Problem("PROMPT_TOO_LONG", "prompt", text)


def _models(request: Request) -> Iterator[Problem]:
    host, drawer = request.model or "", _tool_name(request)
    if draws(host):
        text = f"{host} draws; it can't host the image tool."
        yield Problem("IMAGE_MODEL_UNSUPPORTED", "model", text, hint=f"--image-tool-model {host}")
    if host in NO_IMAGE_TOOL:
        yield Problem("IMAGE_MODEL_UNSUPPORTED", "model", f"{host} has no image tool.", hint="ima2 models")
    known = tool_model(drawer)
    if known and known.successor:
        text = f"OpenAI has shut {drawer} down."
        yield Problem("IMAGE_MODEL_UNSUPPORTED", "imageToolModel", text, hint=f"--image-tool-model {known.successor}")


def check_inputs(request: Request) -> Iterator[Problem]:
    """Number, type and size of the input images."""
    pictures = [ref for ref in request.references if ref.role != "mask"]
    if len(pictures) > MAX_IMAGES:
        text = f"At most {MAX_IMAGES} input images are accepted; {len(pictures)} were given."
        yield Problem("REF_TOO_MANY", "references", text)
    sources = request.inputs("source")
    if request.operation == "edit" and not pictures:
        yield Problem("EDIT_IMAGE_REQUIRED", "image", "An edit needs the picture to change.")
    if request.inputs("mask") and not sources:
        yield Problem("MASK_WITHOUT_SOURCE", "mask", "A mask says where to change a picture, and no picture was given.")
    for reference in request.references:
        yield from _input(reference)


def _input(reference: Reference) -> Iterator[Problem]:
    field = {"mask": "mask", "source": "image"}.get(reference.role, "references")
    if reference.media_type not in REFERENCE_TYPES:
        text = f"{reference.media_type} is not accepted; PNG, JPEG and WebP are."
        yield Problem("REF_UNSUPPORTED_TYPE", field, text, hint="Convert the picture to PNG.")
    if _url_length(reference) > MAX_REFERENCE_CHARACTERS:
        text = f"An input image of {reference.size / 1e6:.1f} MB is too large; OpenAI takes about 15 MB."
        yield Problem("REF_TOO_LARGE", field, text, hint="Save it smaller, or as JPEG.")


def _url_length(reference: Reference) -> int:
    return len(f"data:{reference.media_type};base64,") + -(-reference.size // 3) * 4


def check_format(request: Request) -> Iterator[Problem]:
    """What the file format can't carry."""
    written = request.format or "png"
    if request.background == "transparent" and written == "jpeg":
        text = "JPEG has no transparency."
        yield Problem("INVALID_BACKGROUND", "background", text, hint="--format png")
    if request.compression not in (None, 100) and written == "png":
        text = "PNG is lossless; compression is for JPEG and WebP."
        yield Problem("INVALID_COMPRESSION", "compression", text, hint="--format webp")


def _limits(request: Request) -> Iterator[Problem]:
    drawer = tool_model(_tool_name(request))
    if drawer is None:
        return
    if request.size and (why := size_problem(request.size, drawer.sizes)):
        yield Problem("INVALID_SIZE", "size", f"{drawer.id}: {why}", hint=_LIFT)
    if request.quality and request.quality not in drawer.qualities:
        text = f"{drawer.id} has no quality {request.quality}; it takes {', '.join(drawer.qualities)}."
        yield Problem("INVALID_QUALITY", "quality", text, hint=_LIFT)
    fidelity = request.options.get("input_fidelity")
    if fidelity and fidelity not in drawer.fidelity:
        known = f"takes only {', '.join(drawer.fidelity)}" if drawer.fidelity else "takes none"
        text = f"{drawer.id} does not know input fidelity {fidelity}; it {known}."
        yield Problem("INVALID_INPUT_FIDELITY", "inputFidelity", text, hint="--image-tool-model gpt-image-1.5")


def _tool_name(request: Request) -> str:
    return str(request.options.get("image_tool_model") or "")
