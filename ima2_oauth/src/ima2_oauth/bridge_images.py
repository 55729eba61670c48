"""``POST /v1/images/generations`` and ``/v1/images/edits`` of the bridge, as OpenAI's libraries send them.

The service takes one JSON body and gives one JSON answer. Here multipart becomes JSON with data URLs, a count becomes
so many requests one after the other, and a stream is the finished pictures as events.
"""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from aiohttp import BodyPartReader, web
from ima2.errors import InvalidRequest, UpstreamError
from ima2.upstream.bridge import Forwarder, Message, Target, Whole
from ima2_openai.pictures import sniff

from ima2_oauth.bridge_body import MOST, bounded, json_object, refused
from ima2_oauth.catalogue import DRAWER, MAX_PICTURES, is_drawer
from ima2_oauth.prompt import with_aspect

MOST_ANSWERED = 96 * 2**20
MAX_COUNT = 10
BLOCK = 2**16
_FACTS = ("size", "quality", "background", "output_format", "usage")
_QUALITIES = {"standard": "auto", "hd": "high", "xhigh": "high", "max": "high"}


async def images(route: str, request: web.BaseRequest, forwarder: Forwarder) -> web.StreamResponse:
    """Pictures; those that came before a failure are kept and answered.

    :raises InvalidRequest: what the service has no way to do, told before anything is sent.
    """
    multipart = request.content_type.startswith("multipart/")
    asked = await _form(request) if multipart else await json_object(request)
    content = Whole(json.dumps(fitted(asked)).encode())
    headers = (("Content-Type", "application/json"), ("Accept", "application/json"))
    message = Message("POST", forwarder.address(Target(route)), headers, content)
    made: list[Mapping[str, Any]] = []
    for _ in range(_count(asked)):
        async with forwarder.exchange(message) as answer:
            if answer.response.is_success:
                made.append(_document(await answer.read(MOST_ANSWERED)))
                continue
            if not made:
                return await refused(answer)
            break
    if asked.get("stream") in (True, "true"):
        return await _streamed(request, "image_edit" if route.endswith("edits") else "image_generation", made)
    return web.json_response(merged(made), headers={"Server": "ima2"})


def fitted(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The request as the service takes it; what it has no field for is left out."""
    if asked.get("mask") is not None:
        raise InvalidRequest("The service's images route takes no mask.", code="MASK_UNSUPPORTED", field="mask")
    prompt, size = asked.get("prompt"), str(asked.get("size") or "auto")
    if not isinstance(prompt, str) or not prompt.strip():
        raise InvalidRequest("A prompt is needed.", code="INVALID_PROMPT", field="prompt")
    pictures = asked.get("images") or []
    if not isinstance(pictures, Sequence) or len(pictures) > MAX_PICTURES:
        text = f"At most {MAX_PICTURES} input images are taken."
        raise InvalidRequest(text, code="REF_TOO_MANY", field="image")
    model, quality = str(asked.get("model") or ""), str(asked.get("quality") or "auto")
    background = asked.get("background")
    return {
        "prompt": with_aspect(prompt, size),
        "model": model if is_drawer(model) else DRAWER,
        "size": size,
        "quality": _QUALITIES.get(quality, quality),
        "n": 1,
        **({"background": background} if background else {}),
        **({"images": list(pictures)} if pictures else {}),
    }


def merged(documents: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Several answers as one: their pictures in order, their usage added up."""
    usage = [document["usage"] for document in documents if isinstance(document.get("usage"), Mapping)]
    total = {"usage": _added(usage)} if usage else {}
    return {**documents[-1], "data": [each for document in documents for each in _data(document)], **total}


def _added(counts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    names = dict.fromkeys(name for count in counts for name in count)
    return {name: _sum([count.get(name) for count in counts]) for name in names}


def _sum(values: Sequence[Any]) -> Any:
    inner = [value for value in values if isinstance(value, Mapping)]
    return _added(inner) if inner else sum(value for value in values if isinstance(value, int))


def _count(asked: Mapping[str, Any]) -> int:
    given = asked.get("n") or 1
    if isinstance(given, str) and given.isdigit():
        given = int(given)
    if not isinstance(given, int) or not 1 <= given <= MAX_COUNT:
        raise InvalidRequest(f"n is 1 to {MAX_COUNT}.", code="INVALID_COUNT", field="n")
    return given


def _document(body: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, Mapping):
        text = "ChatGPT's answer could not be read; it may have been charged."
        raise UpstreamError(text, code="STREAM_PARSE_FAILED", step="bridge", paid="maybe")
    return value


def _data(document: Mapping[str, Any]) -> list[Any]:
    listed = document.get("data")
    return listed if isinstance(listed, list) else []


async def _streamed(request: web.BaseRequest, kind: str, documents: Sequence[Mapping[str, Any]]) -> web.StreamResponse:
    """One ``completed`` event for each picture."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Server": "ima2"})
    await response.prepare(request)
    for document in documents:
        facts = {name: document[name] for name in _FACTS if name in document}
        for entry in _data(document):
            shown = {"created_at": document.get("created", 0), "b64_json": entry.get("b64_json"), **facts}
            event = {"type": f"{kind}.completed", **shown}
            await response.write(f"event: {kind}.completed\ndata: {json.dumps(event)}\n\n".encode())
    await response.write_eof()
    return response


async def _form(request: web.BaseRequest) -> dict[str, Any]:
    """The fields of a multipart body; files named ``image``, ``image[]`` or ``image[0]`` become data URLs."""
    fields: dict[str, Any] = {"images": []}
    room = MOST
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader) or not part.name:
            continue
        data = await _part(part, room)
        room -= len(data)
        name = part.name.partition("[")[0]
        if name == "image":
            fields["images"].append({"image_url": _url(data)})
        else:
            fields[name] = True if name == "mask" else data.decode("utf-8", "replace")
    return fields


async def _part(part: BodyPartReader, room: int) -> bytes:
    async def chunks() -> AsyncIterator[bytes]:
        while chunk := await part.read_chunk(BLOCK):
            yield bytes(chunk)

    return b"".join([chunk async for chunk in bounded(chunks(), room)])


def _url(data: bytes) -> str:
    kind = sniff(data[:16])
    if kind not in ("image/png", "image/jpeg", "image/webp"):
        text = "An input image is no PNG, JPEG or WebP."
        raise InvalidRequest(text, code="REF_UNSUPPORTED_FORMAT", field="image")
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"
