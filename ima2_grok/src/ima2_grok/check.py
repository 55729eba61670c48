"""What no capability table can say of a request, found before anything is sent. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ima2.hookspecs import Problem
from ima2.models import Request

from ima2_grok.catalogue import MAX_INPUTS, PLANNER, draws
from ima2_grok.pipeline import planner_model
from ima2_grok.words.catalogue import speaks


def check(request: Request) -> list[Problem]:
    """Every reason why the picture can't be made as it is asked for."""
    return [*_models(request), *planner_problems(request), *_inputs(request)]


def _models(request: Request) -> Iterator[Problem]:
    if request.model and not draws(request.model):
        text = f"{request.model} draws no pictures."
        yield Problem("INVALID_GROK_IMAGE_MODEL", "model", text, hint="ima2 models --provider grok")


def planner_problems(request: Request) -> Iterator[Problem]:
    """What keeps the chosen planner from planning."""
    name = planner_model(request)
    if not speaks(name):
        text = f"{name} can't plan: the planner is a text model of xAI."
        yield Problem("INVALID_GROK_PLANNER_MODEL", "plannerModel", text, hint=f"--planner-model {PLANNER}")


def _inputs(request: Request) -> Iterator[Problem]:
    pictures = [ref for ref in request.references if ref.role != "mask"]
    if len(pictures) > MAX_INPUTS:
        text = f"xAI takes at most {MAX_INPUTS} input images, the one to change included; {len(pictures)} were given."
        yield Problem("GROK_REF_TOO_MANY", "references", text)
    if request.inputs("mask"):
        text = "xAI takes no mask; say in words what to change."
        yield Problem("GROK_MASK_UNSUPPORTED", "mask", text, hint="leave --mask out")
    if request.operation == "edit" and not pictures:
        yield Problem("EDIT_IMAGE_REQUIRED", "image", "An edit needs the picture to change.")
