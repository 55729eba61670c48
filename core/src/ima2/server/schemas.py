"""What bodies hold, for the documentation. The kernel's intake is the parser; a test holds the two together."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from ima2.models.request import MAX_COUNT, MAX_PROMPT, Preferences


class Wire(BaseModel):
    """camelCase on the wire."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", defer_build=True)


class GenerateBody(Wire):
    """A request for pictures. Only ``prompt`` is needed; what is not said, settings and the model decide."""

    kind: ClassVar[str] = "image"

    prompt: str = Field(min_length=1, max_length=MAX_PROMPT)
    provider: str = Field(default="auto", description="auto, or the id of an installed provider")
    model: str | None = None
    n: int = Field(default=1, ge=1, le=MAX_COUNT)
    quality: str | None = Field(default=None, description="low, medium, high; anything else becomes medium")
    size: str | None = Field(default=None, description="auto or WIDTHxHEIGHT in pixels")
    format: str | None = Field(default=None, description="png, jpeg or webp")
    compression: int | None = Field(default=None, ge=0, le=100)
    background: str | None = None
    moderation: Literal["auto", "low"] | None = None
    mode: Literal["auto", "direct"] = "auto"
    reasoning_effort: str | None = None
    web_search_enabled: bool | None = None
    prefer: Preferences | None = Field(default=None, description="used where it can be chosen, else left out")
    partial_images: int | None = Field(default=None, ge=0, le=3)
    seed: int | None = None
    duration: float | None = Field(default=None, description="seconds")
    resolution: str | None = None
    aspect_ratio: str | None = None
    timeout: float | None = Field(default=None, gt=0, description="seconds for the whole job")
    references: list[str] | None = Field(default=None, description="data URLs or base64")
    request_id: str | None = Field(default=None, pattern=r"^[A-Za-z0-9._:-]{1,128}$")
    session_id: str | None = None
    parent_node_id: str | None = None
    client_node_id: str | None = None
    composer_prompt: str | None = None
    composer_inserted_prompts: list[dict[str, Any]] | None = None
    preset_ids: list[str] | None = None
    storyboard: bool | None = Field(default=None, description="a picture of panels")
    run_async: bool = Field(default=False, alias="async", description="answer 202 at once; follow /api/events")
    inline: bool = Field(default=True, description="false: path, URL and hash instead of data URLs")


class EditBody(GenerateBody):
    """A request to change a picture."""

    image: str = Field(description="data URL or base64")
    mask: str | None = Field(default=None, description="PNG as large as the image; transparent where to change")


class VideoBody(Wire):
    """A request for a clip. Without images it is made from text, with one it goes on from it, more guide it."""

    kind: ClassVar[str] = "video"

    prompt: str = Field(min_length=1, max_length=MAX_PROMPT)
    provider: str = Field(default="auto", description="auto, or the id of an installed provider that makes videos")
    model: str | None = None
    n: int = Field(default=1, ge=1, le=MAX_COUNT, description="clips of the same prompt, each paid for")
    web_search_enabled: bool | None = None
    operation: Literal["generate", "edit", "extend", "analyze"] = "generate"
    duration: float | None = Field(default=None, description="seconds; with extend those to add")
    resolution: str | None = Field(default=None, description="480p, 720p, 1080p; see the model's capabilities")
    aspect_ratio: str | None = Field(default=None, description="as 16:9; auto is the model's choice")
    seed: int | None = None
    source_image: str | None = Field(default=None, description="data URL or base64")
    source_filename: str | None = Field(default=None, description="a picture of the gallery")
    reference_images: list[str] | None = Field(default=None, description="data URLs or base64")
    reference_filenames: list[str] | None = Field(default=None, description="pictures of the gallery")
    continue_from_video: str | None = Field(
        default=None, description="a clip of the gallery; begin with its last frame"
    )
    continuity_lineage: dict[str, Any] | None = Field(default=None, description="as videoContinuity of an answer")
    provider_url: str | None = Field(default=None, description="https address of an image that the service fetches")
    video_url: str | None = Field(
        default=None, description="with edit and extend: a clip of the gallery, a data URL, an address or a file id"
    )
    mode: Literal["auto", "direct"] = "auto"
    timeout: float | None = Field(default=None, gt=0, description="seconds for the whole job")
    request_id: str | None = Field(default=None, pattern=r"^[A-Za-z0-9._:-]{1,128}$")
    client_request_id: str | None = Field(default=None, description="the same, under an older name")
    session_id: str | None = None
    client_node_id: str | None = None
    preset_ids: list[str] | None = None
    storyboard: bool | None = Field(default=None, description="the image is a storyboard of panels")
    topic: str | None = Field(default=None, description="the planner is told of the latest clips of the same topic")
    run_async: bool = Field(default=False, alias="async", description="answer 202 at once; follow /api/events")


class ClipBody(VideoBody):
    """A request to change a clip or let it go on."""

    video_url: str = Field(description="a clip of the gallery, a data URL, an address or a file id")


class AnalyzeBody(Wire):
    """A question about a clip."""

    kind: ClassVar[str] = "text"

    video_url: str = Field(description="a clip of the gallery, or a data URL")
    prompt: str | None = Field(default=None, max_length=MAX_PROMPT, description="the question; else a description")
    provider: str = Field(default="auto", description="auto, or the id of an installed provider that answers in words")
    model: str | None = None
    timeout: float | None = Field(default=None, gt=0, description="seconds for the whole job")
    request_id: str | None = Field(default=None, pattern=r"^[A-Za-z0-9._:-]{1,128}$")
    client_request_id: str | None = Field(default=None, description="the same, under an older name")
    session_id: str | None = None
    run_async: bool = Field(default=False, alias="async", description="answer 202 at once; follow /api/events")


class Picture(Wire):
    """A stored file. ``image`` is a data URL, absent with ``inline: false``."""

    model_config = ConfigDict(extra="allow")

    filename: str
    url: str
    path: str
    sha256: str
    media_type: str
    width: int
    height: int
    bytes: int
    image: str | None = None
    revised_prompt: str | None = None
    created_at: int = Field(description="epoch milliseconds")


class Answer(Wire):
    """A finished job. With ``n`` 1 the picture's fields stand at the top too."""

    model_config = ConfigDict(extra="allow")

    request_id: str
    images: list[Picture]
    count: int
    requested: int
    elapsed: float = Field(description="seconds")
    provider: str
    requested_provider: str
    model: str | None
    quality: str | None
    size: str | None = Field(description="the real one, in pixels")
    requested_size: str | None
    usage: dict[str, Any] | None
    cost_usd: float | None
    warnings: list[dict[str, Any]]


class KeyBody(Wire):
    """A key to keep."""

    api_key: str = Field(min_length=1, max_length=512)


class FavoriteBody(Wire):
    """A file to mark or unmark."""

    filename: str


class RestoreBody(Wire):
    """Which deletion to undo."""

    trash_id: str


class MetadataBody(Wire):
    """A picture whose embedded facts are wanted."""

    data_url: str
