"""What no capability table can say of a request, found before anything is spent. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ima2.hookspecs import Problem
from ima2.models import Request
from ima2_openai.check import MAX_PROMPT, check_format

from ima2_oauth.catalogue import MAX_PICTURES, NO_IMAGE_TOOL, is_drawer
from ima2_oauth.pictures import MAX_BASE64

TYPES = ("image/png", "image/jpeg", "image/webp")


def check(request: Request) -> list[Problem]:
    """Every reason why the request can't be done as it is."""
    return [*_prompt(request), *_model(request), *_inputs(request), *_mask(request), *_route(request),
            *check_format(request)]  # fmt: skip


def _prompt(request: Request) -> Iterator[Problem]:
    if len(request.prompt) > MAX_PROMPT:
        text = f"The prompt has {len(request.prompt):,} characters; at most {MAX_PROMPT:,} are accepted."
        yield Problem("PROMPT_TOO_LONG", "prompt", text)


def _model(request: Request) -> Iterator[Problem]:
    if request.model in NO_IMAGE_TOOL:
        hint = "ima2 models --provider oauth"
        yield Problem("IMAGE_MODEL_UNSUPPORTED", "model", f"{request.model} has no image tool.", hint=hint)


def _inputs(request: Request) -> Iterator[Problem]:
    pictures = [ref for ref in request.references if ref.role != "mask"]
    if len(pictures) > MAX_PICTURES:
        text = f"ChatGPT takes {MAX_PICTURES} input images, the one to edit included; {len(pictures)} were given."
        yield Problem("REF_TOO_MANY", "references", text)
    if request.operation == "edit" and not pictures:
        yield Problem("EDIT_IMAGE_REQUIRED", "image", "An edit needs the picture to change.")
    for reference in request.references:
        if reference.media_type not in TYPES:
            field = {"mask": "mask", "source": "image"}.get(reference.role, "references")
            text = f"{reference.media_type} is not accepted; PNG, JPEG and WebP are."
            yield Problem("REF_UNSUPPORTED_TYPE", field, text, hint="Convert the picture to PNG.")


def _mask(request: Request) -> Iterator[Problem]:
    masks = request.inputs("mask")
    if not masks:
        return
    if not request.inputs("source"):
        yield Problem("MASK_WITHOUT_SOURCE", "mask", "A mask says where to change a picture, and no picture was given.")
    if not request.options.get("masked_edit", True):
        text = "ChatGPT is not known to keep to a mask, so masks are switched off."
        yield Problem("EDIT_MASK_NOT_SUPPORTED", "mask", text, hint="--masked-edit tries it; provider api keeps to it")
    if -(-masks[0].size // 3) * 4 > MAX_BASE64:
        text = f"The mask has {masks[0].size / 1e6:.1f} MB; at most 5 are accepted."
        yield Problem("EDIT_MASK_TOO_LARGE", "mask", text)


def _route(request: Request) -> Iterator[Problem]:
    route = request.options.get("route")
    if route == "images" and request.inputs("mask"):
        yield Problem("EDIT_MASK_NOT_SUPPORTED", "mask", "The images route takes no mask.", hint="--route responses")
    if route == "responses" and request.background == "transparent":
        text = "The Responses route gives no transparency."
        yield Problem("INVALID_BACKGROUND", "background", text, hint="--route images")
    if route == "responses" and is_drawer(request.model or ""):
        text = f"{request.model} draws; the Responses route wants a host model."
        yield Problem("IMAGE_MODEL_UNSUPPORTED", "model", text, hint="--route images")
