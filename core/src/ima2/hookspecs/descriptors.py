"""What plugins say about themselves: frozen dataclasses, cheap to import, no I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Billing = Literal["subscription", "metered", "free"]
SettingType = Literal["string", "integer", "number", "boolean"]
WebSearch = Literal["never", "optional", "always"]


@dataclass(frozen=True, slots=True)
class Setting:
    """One value a user may set. Precedence: per request, environment, ``config.json``, ``default``.

    :ivar name: snake case. A setting whose name is a field of :class:`~ima2.models.Request` (``model``, ``size``)
        is the default of that field; with a kind before it (``image_model``), only in requests of that kind.
    :ivar env: environment variables, first match wins; an empty one counts as unset.
    :ivar key: dotted path in ``config.json`` (``apiProvider.defaultSize``).
    :ivar secret: never printed, never per request.
    :ivar shared: ``ima2 defaults set model X`` writes every setting that shares the name.
    :ivar per_request: becomes a flag (``--planner-model``) and a field (``plannerModel``) of a request.
    :ivar choices: the only values accepted; empty means any.
    :ivar minimum: the smallest number accepted; None means any. ``maximum`` likewise.
    :ivar kinds: of requests that it has a meaning for; empty means all.
    """

    name: str
    type: SettingType = "string"
    default: str | int | float | bool | None = None
    env: tuple[str, ...] = ()
    key: str | None = None
    secret: bool = False
    shared: Literal["model", "reasoning"] | None = None
    per_request: bool = False
    help: str = ""
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    kinds: tuple[str, ...] = ()

    def serves(self, kind: str) -> bool:
        """Whether a request of this kind may bring it."""
        return self.per_request and (not self.kinds or kind in self.kinds)

    @property
    def field(self) -> str:
        """The name in a request's JSON: ``planner_model`` → ``plannerModel``."""
        head, *tail = self.name.split("_")
        return head + "".join(part.title() for part in tail)


@dataclass(frozen=True, slots=True)
class SizeRule:
    """Which ``WIDTHxHEIGHT`` a model takes: one of ``fixed``, or any that meets the limits (pixels).

    With ``fixed`` and no ``multiple_of``, only the listed sizes pass. ``max_ratio`` is long edge over short edge.
    With ``mapped`` any text passes: the provider turns it into the nearest it has, and warns where that is far.
    """

    fixed: tuple[str, ...] = ()
    auto: bool = True
    multiple_of: int | None = None
    min_edge: int = 1
    max_edge: int | None = None
    min_pixels: int | None = None
    max_pixels: int | None = None
    max_ratio: float | None = None
    mapped: bool = False


@dataclass(frozen=True, slots=True)
class ClipMode:
    """One way a video model works, chosen by the operation and the number of input images.

    Its limits are narrower than the model's own; what is not said here, the model's table says.

    :ivar name: ``text``, ``image``, ``reference``, ``edit``, ``extend``.
    :ivar images: fewest and most input images.
    :ivar duration: shortest and longest in seconds; for ``extend`` what is added. A new clip that is asked to last
        longer is made as long as may be, with a warning; any other breach is refused.
    :ivar clip: shortest and longest input clip in seconds.
    :ivar ignores: what has no effect in this mode (``duration``, ``resolution``, ``aspect_ratio``, ``storyboard``).
        The provider does not get it, and whoever asks for it is warned.
    """

    name: str
    operation: Literal["generate", "edit", "extend"] = "generate"
    images: tuple[int, int] = (0, 0)
    duration: tuple[float, float] | None = None
    resolutions: tuple[str, ...] = ()
    clip: tuple[float, float] | None = None
    ignores: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a model can do, as data: the kernel checks requests against it and the page draws controls from it.

    An empty tuple means "not selectable": a value that was asked for is then ignored with a warning.
    A value outside a non-empty tuple is refused before anything is sent.

    :ivar modes: of a video model; empty means any number of images up to ``max_references``.
    :ivar story: what is heeded of a tale in pictures: ``series`` (earlier clips of a topic), ``storyboard``.
    :ivar remote_sources: the service fetches an input from an address or a file id of its own.
    :ivar codes: general code of such a refusal (``REF_TOO_MANY``) → the one that this provider's clients know.
    """

    operations: tuple[str, ...] = ("generate",)
    sizes: SizeRule | None = None
    qualities: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    moderations: tuple[str, ...] = ()
    reasoning_efforts: tuple[str, ...] = ()
    backgrounds: tuple[str, ...] = ()
    resolutions: tuple[str, ...] = ()
    aspect_ratios: tuple[str, ...] = ()
    duration: tuple[float, float] | None = None
    modes: tuple[ClipMode, ...] = ()
    story: tuple[str, ...] = ()
    remote_sources: bool = False
    max_references: int = 0
    max_count: int = 24
    mask: bool = False
    compression: bool = False
    partial_images: int = 0
    seed: bool = False
    web_search: WebSearch = "never"
    extra: Mapping[str, Any] = field(default_factory=dict)
    codes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model by its upstream id. ``use`` says in one line what it is for. ``successor`` answers for a retired id.

    A model of the kind ``text`` answers in words, through ``ima2_converse``.
    """

    id: str
    kind: Literal["image", "video", "text"] = "image"
    title: str = ""
    use: str = ""
    capabilities: Capabilities = field(default_factory=Capabilities)
    aliases: tuple[str, ...] = ()
    successor: str | None = None


@dataclass(frozen=True, slots=True)
class ProviderInfo:
    """A provider, described without I/O.

    :ivar id: lower case, ``[a-z][a-z0-9-]*``; the plugin's entry-point name is the same.
    :ivar kinds: ``image``, ``video``, and ``text`` for answers in words; each has its hook.
    :ivar auto: may be chosen by ``auto``.
    :ivar priority: lower comes first among providers of the same billing.
    :ivar concurrency: paid calls of this provider that may run at once in a process. A resumable one counts until
        upstream has named it.
    :ivar resumable: kinds whose call can be continued from an upstream id after a crash.
    :ivar live_models: the provider implements ``ima2_models``; without it the static list is complete.
    :ivar login: the one command that makes it ready.
    :ivar upstream_alias: under which further name existing clients look for an upstream id in events and answers.
    :ivar notice: what a user should know before signing in.
    :ivar alias: what existing clients call it in ``/api/quota``, when that is not the id.
    :ivar key_alias: what existing clients call its key in ``/api/keys/<name>``, when that is not the id.
    """

    id: str
    title: str
    kinds: tuple[str, ...] = ("image",)
    auto: bool = True
    billing: Billing = "metered"
    priority: int = 100
    concurrency: int = 2
    settings: tuple[Setting, ...] = ()
    models: tuple[ModelInfo, ...] = ()
    resumable: tuple[str, ...] = ()
    live_models: bool = False
    login: str | None = None
    homepage: str | None = None
    upstream_alias: str | None = None
    notice: str | None = None
    alias: str | None = None
    key_alias: str | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a request can't be done; ``field`` in the API's spelling. ``status`` is that of the HTTP answer."""

    code: str
    field: str | None
    message: str
    hint: str | None = None
    status: int = 400


@dataclass(frozen=True, slots=True)
class QuotaWindow:
    """``label`` by its real length (``5 h``, ``7 d``), ``used_percent`` 0–100, ``resets_at`` epoch seconds."""

    label: str
    used_percent: float
    resets_at: int | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """Whether a provider can work now, from local reads alone.

    :ivar hint: the one command that would make it ready.
    :ivar account: shown to its owner, masked where it is an address or a key.
    :ivar expires_at: epoch seconds.
    :ivar legacy: merged into ``GET /api/<provider>/status`` for existing clients.
    """

    ready: bool
    why: str = ""
    hint: str | None = None
    account: str | None = None
    plan: str | None = None
    expires_at: int | None = None
    source: str | None = None
    quota: tuple[QuotaWindow, ...] = ()
    legacy: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Command:
    """A click command or group named by import string (``ima2_acme.cli:group``), loaded when it is called.

    Its click object (``@click.pass_obj``) lends a context: ``async with open_context("acme") as context``.
    """

    name: str
    target: str
    help: str = ""


@dataclass(frozen=True, slots=True)
class Route:
    """An HTTP route under ``/api/x/<plugin>/``; ``target`` is an import string of an aiohttp handler."""

    method: str
    path: str
    target: str


@dataclass(frozen=True, slots=True)
class Service:
    """A listener that ``ima2 serve`` starts and stops.

    ``start`` is an async context manager factory taking a context; what it yields (a mapping such as
    ``{"url": …}``) is advertised under ``name``.
    """

    name: str
    start: Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class DoctorCheck:
    """``run(context)`` is async, fast, and returns (ok, one line, hint or None)."""

    name: str
    run: Callable[[Any], Any]
