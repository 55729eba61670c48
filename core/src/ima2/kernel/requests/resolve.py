"""Who runs a request: decided once, before anything is spent, and explained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ima2.errors import Ima2Error, NotReady, Unsupported
from ima2.hookspecs import ModelInfo, Problem, ProviderInfo, Status
from ima2.kernel.jobs.context import Contexts
from ima2.kernel.plugins.dispatch import Dispatcher
from ima2.kernel.requests.catalogue import Catalogues
from ima2.kernel.requests.check import check_table
from ima2.kernel.requests.clip_check import fitted
from ima2.kernel.requests.fill import fill
from ima2.kernel.requests.readiness import fix_for, not_ready
from ima2.models import Request, Resolution, Skipped, Warning
from ima2.settings.values import SettingsView

DEFAULT_QUALITY = "medium"
_WANTED = {"image": "images", "video": "videos", "text": "answers in words"}
"""What a request of a kind wants."""
_BILLING_RANK = {"subscription": 0, "metered": 1, "free": 2}


@dataclass(frozen=True, slots=True)
class Resolved:
    """A request made ready for one provider."""

    info: ProviderInfo
    model: ModelInfo
    request: Request
    resolution: Resolution
    warnings: tuple[Warning, ...]
    status: Status


class Resolver:
    """Turns ``provider: auto`` or a name into a provider that can, and is ready."""

    def __init__(self, dispatcher: Dispatcher, catalogues: Catalogues, view: SettingsView, contexts: Contexts) -> None:
        self._dispatcher = dispatcher
        self._catalogues = catalogues
        self._view = view
        self._contexts = contexts

    async def resolve(self, request: Request, *, must_be_ready: bool = True) -> Resolved:
        """Choose, fill and check.

        :raises Unsupported: ``UNKNOWN_PROVIDER``, ``UNKNOWN_MODEL``, a check's own code.
        :raises NotReady: the named provider's code, or ``NO_PROVIDER_READY``.
        """
        if request.provider != "auto":
            return await self._named(request, must_be_ready)
        return await self._auto(request, must_be_ready)

    async def _named(self, request: Request, must_be_ready: bool) -> Resolved:
        info = self._dispatcher.host.provider(request.provider)
        self._refuse_kind(request, info)
        resolved = await self._prepare(request, info)
        status = await self.status(info)
        if must_be_ready and not status.ready:
            raise not_ready(info, status)
        reason = f"{info.title} was asked for"
        return replace(resolved, resolution=Resolution(provider=info.id, reason=reason), status=status)

    async def _auto(self, request: Request, must_be_ready: bool) -> Resolved:
        able: dict[str, Resolved] = {}
        skipped: list[Skipped] = []
        refused: list[Ima2Error] = []
        for info in self.in_order(self._auto_for(request.kind)):
            try:
                able[info.id] = await self._prepare(request, info)
            except Ima2Error as error:
                refused.append(error)
                skipped.append(Skipped(provider=info.id, why=error.message, fix=error.hint))
        if not able and len({error.code for error in refused}) == 1:
            # Signing in would not help: whoever was asked had the same to say.
            raise refused[0]
        first = await self._dispatcher.resolve_provider(request, tuple(each.info for each in able.values()))
        chosen_by = first if first and first.provider in able else None
        order = [chosen_by.provider] if chosen_by else list(able)
        for name in order:
            status = await self.status(able[name].info)
            if status.ready or not must_be_ready:
                return self._chosen(able[name], status, chosen_by, tuple(skipped))
            fix = fix_for(able[name].info, status)
            skipped.append(Skipped(provider=name, why=status.why or "not ready", fix=fix))
        raise self._nothing_ready(request, skipped)

    def _chosen(
        self, resolved: Resolved, status: Status, chosen_by: Resolution | None, skipped: tuple[Skipped, ...]
    ) -> Resolved:
        reason = chosen_by.reason if chosen_by else f"first ready of your providers ({resolved.info.billing})"
        resolution = Resolution(provider=resolved.info.id, reason=reason, skipped=skipped)
        return replace(resolved, resolution=resolution, status=status)

    def _auto_for(self, kind: str) -> Sequence[ProviderInfo]:
        return [info for info in self._dispatcher.host.providers if info.auto and kind in info.kinds]

    def in_order(self, candidates: Sequence[ProviderInfo]) -> Sequence[ProviderInfo]:
        """As the user wants them, else those that are paid already first."""
        wanted = self._view.providers_order()
        position = {name: index for index, name in enumerate(wanted)}
        return sorted(
            candidates,
            key=lambda info: (position.get(info.id, len(wanted)), _BILLING_RANK[info.billing], info.priority, info.id),
        )

    async def _prepare(self, request: Request, info: ProviderInfo) -> Resolved:
        filled, option_warnings = fill(request, info, self._view)
        model, model_warnings = self._catalogues.find(info, request.kind, filled.model)
        filled = filled.model_copy(update={"model": model.id, **_preferred(filled, model)})
        filled, fitting_warnings = fitted(filled, model)
        checked = check_table(filled, info, model)
        filled = filled.model_copy(update=checked.left_out)
        if model.capabilities.web_search == "always":
            filled = filled.model_copy(update={"web_search": True})
        problems = checked.problems or await self._dispatcher.check(info.id, filled)
        if problems:
            raise as_error(problems[0])
        warnings = (*option_warnings, *model_warnings, *fitting_warnings, *checked.warnings)
        resolution = Resolution(provider=info.id, reason="")
        return Resolved(info, model, filled, resolution, warnings, Status(ready=False))

    async def status(self, info: ProviderInfo) -> Status:
        """Ready or not, from local reads."""
        async with self._contexts.outside_job(info) as context:
            return await self._dispatcher.status(info.id, context)

    def _refuse_kind(self, request: Request, info: ProviderInfo) -> None:
        if request.kind in info.kinds:
            return
        able = [each.id for each in self._dispatcher.host.providers if request.kind in each.kinds]
        wanted = _WANTED[request.kind]
        raise Unsupported(
            f"{info.title} offers no {wanted}; installed providers that do: {', '.join(able) or 'none'}.",
            code="VIDEO_PROVIDER_UNSUPPORTED" if request.surface == "video" else "KIND_UNSUPPORTED",
            field="provider",
            step="check",
        )

    def _nothing_ready(self, request: Request, skipped: Sequence[Skipped]) -> NotReady:
        lines = [f"{each.provider}: {each.why}" for each in skipped]
        fixes = [each.fix for each in skipped if each.fix]
        named = [each.id for each in self._dispatcher.host.providers if request.kind in each.kinds and not each.auto]
        wanted = _WANTED[request.kind]
        unasked = f"; when named, these offer {wanted}: {', '.join(named)}" if named else ""
        what = "; ".join(lines) if lines else f"no installed provider offers itself for {wanted}"
        return NotReady(
            f"No provider is ready ({what}{unasked}).",
            code="NO_PROVIDER_READY",
            hint="  or  ".join(dict.fromkeys(fixes)) or "ima2 providers",
            step="check",
            details={"skipped": [each.model_dump() for each in skipped]},
        )


def _preferred(request: Request, model: ModelInfo) -> dict[str, str]:
    """What nobody asked for and somebody would like, where the model lets it be chosen."""
    wishes = {
        "quality": (request.prefer.quality or DEFAULT_QUALITY, model.capabilities.qualities),
        "format": (request.prefer.format, model.capabilities.formats),
    }
    return {
        field: wish
        for field, (wish, offered) in wishes.items()
        if wish is not None and wish in offered and getattr(request, field) is None
    }


def as_error(problem: Problem) -> Unsupported:
    """A problem found before spending, as the error that refuses the request."""
    return Unsupported(
        problem.message,
        code=problem.code,
        status=problem.status,
        field=problem.field,
        hint=problem.hint,
        step="check",
    )
