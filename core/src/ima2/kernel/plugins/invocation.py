"""One call of a dispatched hook: whose code is running, and what is left open behind it."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Generator
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ima2.errors import PluginFailed
from ima2.hookspecs import DispatchedSpecs, hookimpl

if TYPE_CHECKING:
    from ima2.kernel.plugins.host import PluginHost

_current: ContextVar[Invocation] = ContextVar("ima2_invocation")


class Invocation:
    """The provider that is asked and the plugins around it.

    :ivar inside: True while the provider's own code runs, and after an error in it.
    :ivar opened: what the provider returned and what stands around it, outermost last.
    """

    def __init__(self, host: PluginHost, provider: str, hook: str, *, raw: bool = False) -> None:
        plugin = host.plugin_of(provider)
        self.hook = hook
        self.inside = False
        self.opened: list[Any] = []
        self._host = host
        self._plugin = plugin.name
        self._caller = host.asking(hook, plugin, raw=raw)
        self._wrappers = () if raw else host.wrappers(hook)

    def call(self, **kwargs: Any) -> Any:
        """Call the hook; :func:`innermost` finds this invocation."""
        token = _current.set(self)
        try:
            return self._caller(**kwargs)
        finally:
            _current.reset(token)

    def failed(self, what: str) -> PluginFailed:
        """The error that names who is to blame, noted with the host; ``what`` follows the name.

        To blame is the provider, or, outside its code, one of those that wrap it.
        """
        culprits = (self._plugin,) if self.inside or not self._wrappers else self._wrappers
        for name in culprits:
            self._host.note_failure(name, self.hook, what)
        details = {"plugin": culprits[0], "hook": self.hook}
        return PluginFailed(f"The plugin {' or '.join(culprits)} failed in {self.hook}: {what}.", details=details)

    def wrong(self, value: object, expected: str) -> PluginFailed:
        """The error for an answer of another kind."""
        self.opened.append(value)
        self.drop_unawaited()
        return self.failed(f"it must answer with {expected}, not with {type(value).__name__}")

    def drop_unawaited(self) -> None:
        """Close the coroutines that nobody awaited, rather than leave them to the collector's complaint."""
        for each in reversed(self.opened):
            if inspect.iscoroutine(each) and inspect.getcoroutinestate(each) == inspect.CORO_CREATED:
                each.close()

    def watched(self, value: Any) -> Any:
        """What the provider returned, in a cover that notes when the provider's code runs."""
        if isinstance(value, AsyncIterator):
            cover: Any = self._iterate(value)
        elif inspect.isawaitable(value):
            cover = self._await(value)
        else:
            return value
        self.opened += [value, cover]
        return cover

    async def _iterate(self, inner: AsyncIterator[Any]) -> AsyncGenerator[Any, None]:
        while True:
            self.inside = True
            try:
                event = await anext(inner)
            except StopAsyncIteration:
                self.inside = False
                return
            self.inside = False
            yield event

    async def _await(self, inner: Awaitable[Any]) -> Any:
        self.inside = True
        value = await inner
        self.inside = False
        return value


def innermost() -> object:
    """The kernel's own plugin: a wrapper nearest to the provider, which notes what the provider itself returns.

    So a failure is blamed on whoever caused it, and a stream that a wrapper drops can still be closed.
    """
    mark = hookimpl(wrapper=True, trylast=True)
    hooks = [name for name in vars(DispatchedSpecs) if name.startswith("ima2_")]
    return type("Innermost", (), {name: staticmethod(mark(_watch)) for name in hooks})


def _watch() -> Generator[None, Any, Any]:
    invocation = _current.get()
    invocation.inside = True
    value = yield
    invocation.inside = False
    return invocation.watched(value)


def describe(error: BaseException) -> str:
    """An exception by kind and place. Its text stays out: it may hold a prompt or a key."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    place = f" ({Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno})" if trace else ""
    return f"{type(error).__name__}{place}"
