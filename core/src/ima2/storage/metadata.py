"""How a picture was made, inside the picture: read from any, written into copies only."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from xml.sax.saxutils import escape, unescape

from ima2 import __version__
from ima2.errors import InvalidRequest
from ima2.settings.atomic import write_atomic
from ima2.storage.codec import clean, dump
from ima2.storage.containers import NoContainer, TextTooLong, comments_of, with_xmp, xmp_of

SCHEMA = "ima2.generation.v1"
APP = "ima2-gen"
"""Existing readers ignore metadata of any other name."""
MAX_CHARACTERS = 65_536
MAX_PROMPT = 4_000
_NAMESPACE = "https://github.com/lidge-jun/ima2-gen/ns/1.0/"
_ATTRIBUTE = re.compile(r"""\sima2:GenerationMetadata\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_QUOTE = {'"': "&quot;"}
_PLAIN = {"&quot;": '"', "&apos;": "'", "&#34;": '"', "&#39;": "'"}
_PROMPTS = ("prompt", "userPrompt", "revisedPrompt")
_KEYS = (
    "createdAt",
    "kind",
    "canvasVersion",
    "canvasSourceFilename",
    "canvasEditableFilename",
    "canvasMergedAt",
    "annotationsBaked",
    "annotationSnapshot",
    "annotationOnly",
    "prompt",
    "userPrompt",
    "revisedPrompt",
    "promptMode",
    "quality",
    "size",
    "format",
    "moderation",
    "model",
    "reasoningEffort",
    "elapsed",
    "provider",
    "sessionId",
    "nodeId",
    "parentNodeId",
    "clientNodeId",
    "requestId",
    "refsCount",
    "webSearchCalls",
    "styleSheetApplied",
    "presetIds",
)
_PACKET = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
)
_RDF_END = "</rdf:RDF>"
_OURS = f'<rdf:Description rdf:about="" xmlns:ima2="{_NAMESPACE}"'


@dataclass(frozen=True, slots=True)
class Embedded:
    """What a picture says of itself, and where."""

    metadata: dict[str, Any]
    source: Literal["xmp", "png-comment"]


def read_metadata(data: bytes) -> Embedded | None:
    """Metadata of a PNG, JPEG or WebP; None when there is none of ours.

    :raises InvalidRequest: ``IMAGE_METADATA_UNSUPPORTED_FORMAT``.
    """
    try:
        packet, comments = xmp_of(data), comments_of(data)
    except NoContainer as error:
        raise _unsupported(error) from error
    if packet is not None and (found := _in_attribute(packet)) is not None:
        return Embedded(found, "xmp")
    for comment in comments:
        if (found := _in_attribute(comment) or _parsed(comment)) is not None:
            return Embedded(found, "png-comment")
    return None


def metadata_from(sidecar: Mapping[str, Any]) -> dict[str, Any]:
    """What of a sidecar is embedded: the keys existing readers know, never a path, an account or an upstream id."""
    known = {key: sidecar[key] for key in _KEYS if sidecar.get(key) is not None}
    cut = {key: clean(str(known[key]))[:MAX_PROMPT] for key in _PROMPTS if key in known}
    return {"schema": SCHEMA, "app": APP, "version": __version__, **known, **cut}


def export(path: Path, into: Path, metadata: Mapping[str, Any]) -> None:
    """Write a copy of ``path`` with ``metadata`` in its XMP packet; the pixels are the same bytes.

    :raises InvalidRequest: ``IMAGE_METADATA_UNSUPPORTED_FORMAT``, ``IMAGE_METADATA_TOO_LARGE``.
    :raises OSError: it could not be written.
    """
    write_atomic(into, embedded(path.read_bytes(), metadata), mode=0o666)


def embedded(data: bytes, metadata: Mapping[str, Any]) -> bytes:
    """``data`` with ``metadata`` in it; other XMP facts of the picture stay. Errors as in :func:`export`."""
    value = dump(metadata)
    if len(value) > MAX_CHARACTERS:
        raise _too_large(f"{len(value)} characters")
    try:
        return with_xmp(data, _merged(xmp_of(data), value))
    except NoContainer as error:
        raise _unsupported(error) from error
    except TextTooLong as error:
        raise _too_large(str(error)) from error


def _merged(packet: str | None, value: str) -> str:
    bare = _ATTRIBUTE.sub("", packet).replace(f"{_OURS}/>", "") if packet and _RDF_END in packet else _PACKET
    ours = f'{_OURS} ima2:GenerationMetadata="{escape(value, _QUOTE)}"/>'
    before, end, after = bare.rpartition(_RDF_END)
    return f"{before}{ours}{end}{after}"


def _in_attribute(text: str) -> dict[str, Any] | None:
    match = _ATTRIBUTE.search(text)
    return _parsed(unescape(match[1] or match[2] or "", _PLAIN)) if match else None


def _parsed(text: str) -> dict[str, Any] | None:
    """Metadata of ours, or None: too long, no JSON, no object, another program's."""
    if len(text) > MAX_CHARACTERS:
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    ours = isinstance(value, dict) and value.get("schema") == SCHEMA and value.get("app") == APP
    return value if ours else None


def _unsupported(error: NoContainer) -> InvalidRequest:
    return InvalidRequest(
        f"Metadata is read from and written to whole PNG, JPEG and WebP pictures only ({error}).",
        code="IMAGE_METADATA_UNSUPPORTED_FORMAT",
    )


def _too_large(why: str) -> InvalidRequest:
    return InvalidRequest(f"The metadata is too long: {why}.", code="IMAGE_METADATA_TOO_LARGE", status=413)
