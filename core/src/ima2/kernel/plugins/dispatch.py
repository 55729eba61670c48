"""Asking the one provider that was resolved: a typed method for each dispatched hook.

Whatever a plugin does wrong comes out as :class:`~ima2.errors.PluginFailed` that names it; an ``Ima2Error`` of a
plugin passes as it is, and so does being cancelled.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from ima2.errors import Ima2Error, PluginFailed, Unsupported
from ima2.hookspecs import ModelInfo, Problem, QuotaWindow, Status
from ima2.kernel.plugins.async_deadline import await_within, run_within
from ima2.kernel.plugins.blame import blaming, guarded
from ima2.kernel.plugins.collect import collect, reason
from ima2.kernel.plugins.host import PluginHost
from ima2.kernel.plugins.invocation import Invocation

if TYPE_CHECKING:
    from ima2.hookspecs import Auth, Context, ProviderInfo
    from ima2.models import Call, CallEvent, ConverseEvent, PlanEvent, Request, Resolution, Step, Turn

PURE_SECONDS = 5.0
"""For hooks that only compute."""
STATUS_SECONDS = 0.5
MODELS_SECONDS = 30.0
QUOTA_SECONDS = 45.0
CANCEL_SECONDS = 10.0

T = TypeVar("T")


class Dispatcher:
    """Calls hooks; ``provider`` is always the id of the one that is asked.

    Every method raises ``InvalidRequest("UNKNOWN_PROVIDER")`` for an id that is not installed.
    """

    def __init__(self, host: PluginHost) -> None:
        self.host = host

    def implements(self, provider: str, hook: str) -> bool:
        """Whether the provider itself has the hook."""
        return hook in self.host.plugin_of(provider).plain

    async def check(self, provider: str, request: Request, *, deadline: float = PURE_SECONDS) -> tuple[Problem, ...]:
        """``ima2_check``; empty means fine."""
        invocation = Invocation(self.host, provider, "ima2_check")
        return _items(invocation, await self._computed(invocation, deadline, request=request), Problem)

    async def steps(self, provider: str, request: Request) -> tuple[Step, ...]:
        """``ima2_steps``; empty means one paid step for each picture."""
        from ima2.models import Step

        invocation = Invocation(self.host, provider, "ima2_steps")
        return _items(invocation, await self._computed(invocation, PURE_SECONDS, request=request), Step)

    def plan(
        self, provider: str, request: Request, context: Context, *, raw: bool = False
    ) -> AsyncGenerator[PlanEvent, None] | None:
        """``ima2_plan``; None means one call for each picture."""
        return self.stream(provider, "ima2_plan", raw=raw, request=request, context=context)

    def generate_image(
        self, provider: str, call: Call, context: Context, *, raw: bool = False
    ) -> AsyncGenerator[CallEvent, None]:
        """``ima2_generate_image``. ``raw`` leaves the wrappers out, as when a call is resumed.

        :raises Unsupported: ``NOT_IMPLEMENTED``.
        """
        return self._required(provider, "ima2_generate_image", raw=raw, call=call, context=context)

    def generate_video(
        self, provider: str, call: Call, context: Context, *, raw: bool = False
    ) -> AsyncGenerator[CallEvent, None]:
        """``ima2_generate_video``; like :meth:`generate_image`."""
        return self._required(provider, "ima2_generate_video", raw=raw, call=call, context=context)

    def converse(self, provider: str, turn: Turn, context: Context) -> AsyncGenerator[ConverseEvent, None]:
        """``ima2_converse``.

        :raises Unsupported: ``NOT_IMPLEMENTED``.
        """
        return self._required(provider, "ima2_converse", turn=turn, context=context)

    async def cancel(self, provider: str, call: Call, context: Context) -> bool:
        """``ima2_cancel``; True when upstream did stop."""
        invocation = Invocation(self.host, provider, "ima2_cancel")
        return bool(await self._awaited(invocation, CANCEL_SECONDS, call=call, context=context))

    async def models(self, provider: str, context: Context) -> tuple[ModelInfo, ...]:
        """``ima2_models``: the live list, empty when the provider has none."""
        invocation = Invocation(self.host, provider, "ima2_models")
        found = await self._awaited(invocation, MODELS_SECONDS, context=context)
        return _items(invocation, found, ModelInfo)

    async def auth(self, provider: str, context: Context) -> Auth | None:
        """``ima2_auth``; None when no credential is needed."""
        invocation = Invocation(self.host, provider, "ima2_auth")
        auth: Auth | None = await self._computed(invocation, PURE_SECONDS, context=context)
        if auth is not None and not (hasattr(auth, "login") and hasattr(auth, "logout")):
            raise invocation.wrong(auth, "an object with login and logout")
        return auth

    async def status(self, provider: str, context: Context, *, deadline: float = STATUS_SECONDS) -> Status:
        """``ima2_status``. A plugin that fails or is slow is not ready, and says why."""
        invocation = Invocation(self.host, provider, "ima2_status")
        try:
            status = await self._awaited(invocation, deadline, context=context)
        except Ima2Error as error:
            return Status(ready=False, why=error.message, hint=error.hint)
        if status is None:
            return Status(ready=True)
        if not isinstance(status, Status):
            return Status(ready=False, why=invocation.wrong(status, "a Status").message)
        return status

    async def quota(self, provider: str, context: Context) -> tuple[QuotaWindow, ...] | None:
        """``ima2_quota``; None when the provider can't be asked."""
        invocation = Invocation(self.host, provider, "ima2_quota")
        found = await self._awaited(invocation, QUOTA_SECONDS, context=context)
        return None if found is None else _items(invocation, found, QuotaWindow)

    def collect(self, hook: str, **kwargs: Any) -> list[tuple[str, Any]]:
        """See :func:`ima2.kernel.plugins.collect.collect`."""
        return collect(self.host, hook, **kwargs)

    async def resolve_provider(self, request: Request, candidates: Sequence[ProviderInfo]) -> Resolution | None:
        """``ima2_resolve_provider``: the first choice, by plugin name, that is one of ``candidates``."""
        ids = {info.id for info in candidates}
        for plugin, caller in self.host.answering("ima2_resolve_provider"):
            try:
                call = partial(caller, request=request, candidates=candidates)
                choice = await run_within(PURE_SECONDS, call)
                if choice is not None:
                    return _choice(choice, ids)
            except (Exception, SystemExit) as error:
                self.host.note_failure(plugin.name, "ima2_resolve_provider", reason(error))
        return None

    def stream(
        self, provider: str, hook: str, /, *, raw: bool = False, **kwargs: Any
    ) -> AsyncGenerator[Any, None] | None:
        """A streaming hook's events; None when nobody answers. Hold it in ``contextlib.aclosing``.

        When it ends or is closed, everything that the provider and the wrappers opened is closed too.
        """
        invocation = Invocation(self.host, provider, hook, raw=raw)
        with blaming(invocation):
            stream = invocation.call(**kwargs)
        if stream is None:
            return None
        if not isinstance(stream, AsyncIterator):
            raise invocation.wrong(stream, "an async iterator")
        return guarded(invocation, stream)

    def _required(self, provider: str, hook: str, *, raw: bool = False, **kwargs: Any) -> AsyncGenerator[Any, None]:
        stream = self.stream(provider, hook, raw=raw, **kwargs) if self.implements(provider, hook) else None
        if stream is None:
            title = self.host.provider(provider).title
            raise Unsupported(f"{title} does not implement {hook}.", code="NOT_IMPLEMENTED", field="provider")
        return stream

    async def _computed(self, invocation: Invocation, seconds: float, **kwargs: Any) -> Any:
        """The answer of a hook that is no coroutine. In a thread, so that one that hangs does not stop the house."""
        with blaming(invocation):
            return await run_within(seconds, partial(invocation.call, **kwargs))

    async def _awaited(self, invocation: Invocation, seconds: float, **kwargs: Any) -> Any:
        """The answer of an async hook; None when nobody implements it."""
        try:
            with blaming(invocation):
                answer = invocation.call(**kwargs)
                if answer is None:
                    return None
                if not inspect.isawaitable(answer):
                    raise invocation.wrong(answer, "an awaitable")
                return await await_within(seconds, answer)
        finally:
            invocation.drop_unawaited()


def _items(invocation: Invocation, answer: Any, element: type[T]) -> tuple[T, ...]:
    if answer is None:
        return ()
    if not isinstance(answer, list | tuple):
        raise invocation.wrong(answer, f"a list of {element.__name__}")
    wrong = [item for item in answer if not isinstance(item, element)]
    if wrong:
        raise invocation.wrong(wrong[0], f"a list of {element.__name__}")
    return tuple(answer)


def _choice(choice: Any, ids: set[str]) -> Resolution:
    from ima2.models import Resolution

    if not isinstance(choice, Resolution):
        raise PluginFailed(f"it must answer with a Resolution, not with {type(choice).__name__}")
    if choice.provider not in ids:
        raise PluginFailed(f"it chose {choice.provider!r}, which is not among the candidates")
    return choice
