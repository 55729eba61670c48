"""Hooks that the kernel asks of one provider: the one that was resolved.

No implementation needs an ``if``: the kernel calls the chosen provider alone. A plugin that is no provider may only
*wrap* these (``@hookimpl(wrapper=True)``); a plain implementation by it is refused when it registers.

A streaming hook is an ``async def`` with ``yield``. A wrapper around one returns its own async generator::

    @hookimpl(wrapper=True)
    def ima2_generate_image(call, context):
        inner = yield

        async def outer():
            async with contextlib.aclosing(inner):
                async for event in inner:
                    yield event

        return outer()
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Sequence
from typing import TYPE_CHECKING

from ima2.hookspecs.markers import hookspec

if TYPE_CHECKING:
    from ima2.hookspecs.auth import Auth
    from ima2.hookspecs.context import Context
    from ima2.hookspecs.descriptors import ModelInfo, Problem, QuotaWindow, Status
    from ima2.models import Call, CallEvent, ConverseEvent, PlanEvent, Request, Step, Turn


class DispatchedSpecs:
    """One provider answers."""

    @hookspec(firstresult=True)
    def ima2_check(self, request: Request) -> Sequence[Problem] | None:
        """What no capability table can say, before anything is spent. Pure; None or ``[]`` means fine.

        ``request`` has the provider's settings applied: ``request.model`` is the model that would run,
        ``request.options`` every other per-request setting by name.

        ::

            @hookimpl
            def ima2_check(request):
                if request.background == "transparent" and request.format == "jpeg":
                    return [Problem("INVALID_BACKGROUND", "background", "JPEG has no transparency.")]
        """

    @hookspec(firstresult=True)
    def ima2_steps(self, request: Request) -> Sequence[Step] | None:
        """What would be sent, for ``--dry-run`` and the page. Pure. None means one paid step for each picture.

        ::

            @hookimpl
            def ima2_steps(request):
                return [Step(name="generate", summary="POST /v1/images", count=request.n, paid=True)]
        """

    @hookspec(firstresult=True)
    def ima2_plan(self, request: Request, context: Context) -> AsyncIterator[PlanEvent] | None:
        """Turn the request into a plan. What is called here may be called again after a crash.

        Ends with :class:`~ima2.models.Planned`. ``Plan.calls`` says which paid calls there will be; the kernel runs
        them in parallel, each with a ledger row of its own. None means one call for each picture, the prompt as it is.
        """

    @hookspec(firstresult=True)
    def ima2_generate_image(self, call: Call, context: Context) -> AsyncIterator[CallEvent] | None:
        """One paid upstream call for pictures.

        Yield ``Sending`` just before the paid request and ``Submitted`` as soon as upstream has named it. Each finished
        picture is a ``Media`` whose file lies whole in ``context.spool``. Never send the paid request twice.
        To be cancelled is to have the task cancelled.

        ::

            @hookimpl
            async def ima2_generate_image(call, context):
                yield Sending()
                response = await context.client.post(url, json={"prompt": call.prompt})
                yield Submitted(upstream_id=response.headers["x-request-id"])
                path = context.spool.new(".png")
                path.write_bytes(base64.b64decode(response.json()["b64"]))
                yield Media(path=path)
        """

    @hookspec(firstresult=True)
    def ima2_generate_video(self, call: Call, context: Context) -> AsyncIterator[CallEvent] | None:
        """One paid upstream call for a clip; goes on from ``context.resume`` without sending anything paid."""

    @hookspec(firstresult=True)
    def ima2_converse(self, turn: Turn, context: Context) -> AsyncIterator[ConverseEvent] | None:
        """A turn of a conversation, answered in words: ``Text`` as they come, last a ``Reply`` with all of them.

        It costs tokens and buys nothing that could be lost, so after a crash it may be asked again.

        ::

            @hookimpl
            async def ima2_converse(turn, context):
                images = [context.open(each) for message in turn.messages for each in message.references]
                yield Reply(text=f"{len(images)} images, and a question: {turn.messages[-1].text}")
        """

    @hookspec(firstresult=True)
    def ima2_cancel(self, call: Call, context: Context) -> Awaitable[bool] | None:
        """Stop a submitted call (``context.resume`` is its upstream id). True when upstream did stop."""

    @hookspec(firstresult=True)
    def ima2_models(self, context: Context) -> Awaitable[Sequence[ModelInfo]] | None:
        """The live catalogue, laid over the static one by id. Fetched on request, never on a job's path."""

    @hookspec(firstresult=True)
    def ima2_auth(self, context: Context) -> Auth | None:
        """How to sign in; None when no credential is needed."""

    @hookspec(firstresult=True)
    def ima2_quota(self, context: Context) -> Awaitable[Sequence[QuotaWindow]] | None:
        """What is left of a plan, asked from the service; it may cost no money. Never called on a job's path.

        None means that :attr:`Status.quota` is all there is to know.

        ::

            @hookimpl
            async def ima2_quota(context):
                used = (await context.client.get(url)).json()["usedPercent"]
                return [QuotaWindow("30 d", used)]
        """

    @hookspec(firstresult=True)
    def ima2_status(self, context: Context) -> Awaitable[Status] | None:
        """Ready or not, from local reads alone, within 500 ms. None means always ready."""
