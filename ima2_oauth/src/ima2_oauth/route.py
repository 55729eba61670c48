"""Which of the two routes a request takes, and what each leaves out. Pure; decided before anything is spent.

- ``responses``: a host model with the hosted image tool. Only it searches, reasons, sends drafts, takes a mask or lets
  the host model be chosen.
- ``images``: the service's own image routes. Only they give transparency.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from ima2.errors import Unsupported
from ima2.hookspecs import ModelInfo
from ima2.models import Request, Warning

from ima2_oauth.catalogue import DEFAULT_HOST, DRAWER, NO_IMAGE_TOOL, Host, clamp, host, is_drawer, nearest

Route = Literal["responses", "images"]
THOUGHTFUL = frozenset({"medium", "high", "xhigh", "max"})
"""Efforts that are a wish for reasoning; less is what a picture gets anyway."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The way of a request.

    :ivar host: of the Responses route; None when the account has no model for it.
    :ivar drawer: of the images route.
    :ivar effort: as the host takes it.
    :ivar why: in a few words.
    :ivar may_move: a refusal for want of the capability may send it the other way.
    """

    route: Route
    host: Host | None
    drawer: str
    effort: str | None
    why: str
    may_move: bool
    warnings: tuple[Warning, ...] = ()

    @property
    def model(self) -> str:
        """The model that is asked."""
        return self.host.id if self.route == "responses" and self.host else self.drawer


def wishes(request: Request) -> dict[str, str]:
    """What of a request only the Responses route can do: field → words. Empty when the images route will do."""
    chosen = request.model not in (None, DEFAULT_HOST) and not is_drawer(request.model or "")
    wanted = {
        "webSearchEnabled": "a web search" if request.web_search else "",
        "reasoningEffort": f"reasoning {request.reasoning_effort}" if request.reasoning_effort in THOUGHTFUL else "",
        "partialImages": "drafts" if request.partial_images else "",
        "mask": "a mask" if request.inputs("mask") else "",
        "model": f"the host model {request.model}" if chosen else "",
    }
    return {field: words for field, words in wanted.items() if words}


def fixed(request: Request) -> Route | None:
    """The route that the request leaves no choice about; None when it does."""
    named = request.options.get("route")
    if named in ("responses", "images"):
        return "responses" if named == "responses" else "images"
    only_images = is_drawer(request.model or "") or request.background == "transparent"
    return "images" if only_images and not request.inputs("mask") else None


def choose(request: Request, models: Sequence[ModelInfo], default: str = DEFAULT_HOST) -> Choice:
    """The route of a request.

    :param models: the account's catalogue; empty when nothing is known.
    :param default: the host model in the settings, which is replaced when the account lacks it.
    :raises Unsupported: ``UNKNOWN_MODEL``, ``IMAGE_MODEL_UNSUPPORTED``, ``EDIT_MASK_NOT_SUPPORTED``.
    """
    must, wanted = fixed(request), wishes(request)
    found, replaced = _host(request, models, default) if must != "images" else (None, ())
    usable = found is not None and found.draws
    if must == "responses" and not usable:
        raise _no_host(request)
    by_responses = must == "responses" or (must is None and bool(wanted) and usable)
    if by_responses:
        return _by_responses(request, found, wanted, must, replaced)
    return _by_images(request, found if usable else None, wanted, must)


def _by_responses(
    request: Request, found: Host | None, wanted: dict[str, str], must: Route | None, replaced: tuple[Warning, ...]
) -> Choice:
    effort, clamped = _effort(request, found)
    why = "asked for" if must else f"for {', '.join(wanted.values())}"
    return Choice(
        route="responses",
        host=found,
        drawer=DRAWER,
        effort=effort,
        why=why,
        may_move=must is None and not request.inputs("mask"),
        warnings=(*replaced, *clamped, *_no_transparency(request)),
    )


def _by_images(request: Request, found: Host | None, wanted: dict[str, str], must: Route | None) -> Choice:
    if "mask" in wanted:
        raise Unsupported(
            "The images route takes no mask.", code="EDIT_MASK_NOT_SUPPORTED", field="mask", hint="--route responses"
        )
    named = request.model if is_drawer(request.model or "") else None
    return Choice(
        route="images",
        host=found,
        drawer=named or DRAWER,
        effort=_effort(request, found)[0],
        why="asked for" if must else "nothing in it needs a host model" if not wanted else "no host model can draw",
        may_move=must is None and found is not None,
        warnings=tuple(_left_out(request, wanted)),
    )


def _host(request: Request, models: Sequence[ModelInfo], default: str) -> tuple[Host | None, tuple[Warning, ...]]:
    name = next(each for each in (request.model, default, DEFAULT_HOST) if each and not is_drawer(each))
    if not models:
        return Host(name, draws=name not in NO_IMAGE_TOOL), ()
    if found := host(name, models):
        return found, ()
    if name not in (default, DEFAULT_HOST):
        text = f"This ChatGPT account has no model {name}."
        hint = "ima2 models --provider oauth"
        raise Unsupported(text, code="UNKNOWN_MODEL", field="model", hint=hint, step="plan")
    if other := nearest(name, models):
        text = f"This ChatGPT account has no {name}; {other.id} is used."
        return other, (Warning(code="MODEL_REPLACED", field="model", normalized_to=other.id, message=text),)
    return None, ()


def _effort(request: Request, found: Host | None) -> tuple[str | None, tuple[Warning, ...]]:
    asked = request.reasoning_effort
    if asked is None or found is None:
        return asked, ()
    taken = clamp(asked, found.efforts)
    if taken == asked:
        return asked, ()
    text = f"{found.id} does not take reasoning effort {asked}; {taken} is used."
    return taken, (Warning(code="REASONING_CLAMPED", field="reasoningEffort", normalized_to=taken, message=text),)


def _no_transparency(request: Request) -> Iterator[Warning]:
    if request.background == "transparent":
        text = "The Responses route gives no transparency; the background is left to the model."
        yield Warning(code="FIELD_IGNORED", field="background", message=text)


def _left_out(request: Request, wanted: dict[str, str]) -> Iterator[Warning]:
    """What the images route has no field for."""
    unheard = {
        "moderation": request.moderation and f"moderation {request.moderation}",
        "format": request.format not in (None, "png") and f"format {request.format} (it gives PNG)",
        "compression": request.compression is not None and f"compression {request.compression}",
    }
    for field, words in {**wanted, **unheard}.items():
        if words:
            text = f"The images route does not take {words}; it was left out."
            yield Warning(code="FIELD_IGNORED", field=field, message=text)


def _no_host(request: Request) -> Unsupported:
    text = f"{request.model} has no image tool on this ChatGPT account."
    return Unsupported(text, code="IMAGE_MODEL_UNSUPPORTED", field="model", hint="ima2 models --provider oauth")
