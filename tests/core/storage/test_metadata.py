"""Metadata inside pictures: read what existing programs wrote, add without touching a pixel."""

from __future__ import annotations

import io
import json
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ima2.errors import InvalidRequest
from ima2.storage.containers import MAX_TEXT, comments_of
from ima2.storage.metadata import MAX_PROMPT, embedded, export, metadata_from, read_metadata
from ima2_kit.conformance.pictures import chunk, clip, picture

FORMATS = ["PNG", "JPEG", "WEBP"]
SIDECAR = {
    "prompt": "a \"fox\" & <b>여우</b> '🦊'\n\u2028",
    "model": "m",
    "refsCount": 2,
    "kind": "classic",
    "size": None,
}
FOREIGN = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" dc:title="mine"/></rdf:RDF></x:xmpmeta>'
)
VALUE = '{"schema":"ima2.generation.v1","app":"ima2-gen","prompt":"a &amp; b &lt;c&gt;"}'.replace('"', "&quot;")
PACKET = (
    '<rdf:RDF><rdf:Description xmlns:ima2="https://github.com/lidge-jun/ima2-gen/ns/1.0/"'
    f' ima2:GenerationMetadata="{VALUE}"/></rdf:RDF>'
)


def pixels(data: bytes) -> tuple[Any, ...]:
    from PIL import Image

    with Image.open(io.BytesIO(data)) as image:
        image.load()
        return image.mode, image.size, image.tobytes()


def noise(file_format: str, mode: str = "RGB", **options: Any) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.effect_noise((37, 23), 90).convert(mode).save(out, file_format, **options)
    return out.getvalue()


def found(data: bytes) -> dict[str, Any] | None:
    embedded_in = read_metadata(data)
    return embedded_in.metadata if embedded_in is not None else None


@pytest.mark.parametrize("file_format", FORMATS)
def test_what_was_embedded_is_read_again(file_format: str) -> None:
    metadata = metadata_from(SIDECAR)
    result = read_metadata(embedded(noise(file_format), metadata))
    assert result is not None
    assert (result.metadata, result.source) == (metadata, "xmp")
    assert metadata["prompt"] == SIDECAR["prompt"]
    assert "size" not in metadata


@pytest.mark.parametrize(
    "data",
    [
        noise("PNG"),
        noise("PNG", "RGBA"),
        noise("PNG", "P"),
        noise("JPEG"),
        noise("JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0"),
        noise("JPEG", progressive=True),
        noise("WEBP"),
        noise("WEBP", lossless=True),
        noise("WEBP", "RGBA", lossless=True),
        noise("WEBP", "RGBA"),
        noise("WEBP", exif=b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0"),
    ],
)
def test_the_pixels_are_the_same(data: bytes) -> None:
    once = embedded(data, metadata_from(SIDECAR))
    assert pixels(once) == pixels(data)
    assert embedded(once, metadata_from(SIDECAR)) == once
    assert found(embedded(once, metadata_from({"prompt": "other"}))) == metadata_from({"prompt": "other"})


def test_the_compressed_picture_is_copied_byte_for_byte() -> None:
    data = noise("PNG")
    start = data.index(b"IDAT")
    end = data.index(b"IEND")
    result = embedded(data, metadata_from(SIDECAR))
    assert data[start:end] in result
    assert result.index(b"iTXt") < result.index(b"IDAT")
    assert result.startswith(data[:33])
    jpeg = noise("JPEG")
    scan = jpeg[jpeg.index(b"\xff\xda") :]
    assert embedded(jpeg, metadata_from(SIDECAR)).endswith(scan)


@pytest.mark.parametrize("file_format", FORMATS)
def test_pillow_finds_the_packet_too(file_format: str) -> None:
    from PIL import Image

    with Image.open(io.BytesIO(embedded(noise(file_format), metadata_from(SIDECAR)))) as image:
        image.load()
        packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp")
    text = packet if isinstance(packet, str) else packet.decode()
    assert "ima2:GenerationMetadata" in text


@pytest.mark.parametrize("file_format", FORMATS)
def test_other_facts_of_the_packet_stay(file_format: str) -> None:
    from ima2.storage.containers import with_xmp, xmp_of

    data = with_xmp(noise(file_format), FOREIGN)
    assert read_metadata(data) is None
    result = embedded(embedded(data, metadata_from(SIDECAR)), metadata_from({"prompt": "second"}))
    packet = xmp_of(result)
    assert packet is not None
    assert 'dc:title="mine"' in packet
    assert packet.count("ima2:GenerationMetadata") == 1
    assert found(result) == metadata_from({"prompt": "second"})


@pytest.mark.parametrize("file_format", FORMATS)
def test_what_existing_programs_wrote_is_read(file_format: str) -> None:
    from PIL import Image

    out = io.BytesIO()
    if file_format == "PNG":
        data = picture()
        out.write(data[:33] + chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + PACKET.encode()) + data[33:])
    else:
        Image.new("RGB", (9, 9)).save(out, file_format, xmp=PACKET.encode())
    assert found(out.getvalue()) == {"schema": "ima2.generation.v1", "app": "ima2-gen", "prompt": "a & b <c>"}


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (b"tEXt", b"Comment\0" + PACKET.encode()),
        (b"tEXt", b'Description\0{"schema":"ima2.generation.v1","app":"ima2-gen","prompt":"x"}'),
        (b"zTXt", b"Comment\0\0" + zlib.compress(PACKET.encode())),
        (b"iTXt", b"Comment\0\0\0\0\0" + PACKET.encode()),
        (b"iTXt", b"Comment\0\1\0en\0Kommentar\0" + zlib.compress(PACKET.encode())),
    ],
)
def test_png_comments_are_read_when_there_is_no_packet(kind: bytes, content: bytes) -> None:
    data = picture()
    result = read_metadata(data[:33] + chunk(kind, content) + data[33:])
    assert result is not None
    assert result.source == "png-comment"
    assert result.metadata["app"] == "ima2-gen"


@pytest.mark.parametrize(
    "text",
    [
        b"not json",
        b"[]",
        b'{"schema":"ima2.generation.v1"}',
        b'{"schema":"other","app":"ima2-gen"}',
        b"[" * 60_000,
        b'{"schema":"ima2.generation.v1","app":"ima2-gen","prompt":"' + b"x" * 70_000 + b'"}',
        b' ima2:GenerationMetadata="',
        b' ima2:GenerationMetadata="{&quot;app&quot;"',
    ],
)
def test_other_texts_are_no_metadata(text: bytes) -> None:
    data = picture()
    assert read_metadata(data[:33] + chunk(b"tEXt", b"Comment\0" + text) + data[33:]) is None


def test_a_packed_bomb_is_unpacked_in_part_only() -> None:
    data = picture()
    text = b"Comment\0\0" + zlib.compress(bytes(300_000_000), 9)
    bomb = data[:33] + chunk(b"zTXt", text) + data[33:]
    assert read_metadata(bomb) is None
    assert [len(comment) for comment in comments_of(bomb)] == [MAX_TEXT]


@pytest.mark.parametrize(
    "data", [b"", b"text", clip(), picture("GIF"), picture()[:50], picture("JPEG")[:30], b"\xff\xd8"]
)
def test_other_files_are_refused(data: bytes) -> None:
    for attempt in (lambda: read_metadata(data), lambda: embedded(data, metadata_from(SIDECAR))):
        with pytest.raises(InvalidRequest) as caught:
            attempt()
        assert caught.value.code == "IMAGE_METADATA_UNSUPPORTED_FORMAT"


def test_prompts_are_cut_and_too_much_is_refused() -> None:
    metadata = metadata_from({"prompt": "여" * 9_000, "userPrompt": "x" * 9_000, "revisedPrompt": "half \ud83e"})
    assert len(metadata["prompt"]) == len(metadata["userPrompt"]) == MAX_PROMPT
    for file_format in FORMATS:
        assert found(embedded(noise(file_format), metadata)) == metadata
        with pytest.raises(InvalidRequest) as caught:
            embedded(noise(file_format), {**metadata, "extra": "x" * 70_000})
        assert caught.value.code == "IMAGE_METADATA_TOO_LARGE"
    with pytest.raises(InvalidRequest) as caught:
        embedded(noise("JPEG"), {**metadata, "extra": "<" * 40_000})
    assert caught.value.code == "IMAGE_METADATA_TOO_LARGE"


def test_only_known_keys_leave_the_house() -> None:
    sidecar = {**SIDECAR, "account": "me@x", "providerUrl": "https://x/secret", "callKey": "k", "path": "/home/me"}
    text = json.dumps(metadata_from(sidecar))
    assert not any(word in text for word in ("me@x", "secret", "callKey", "/home"))


def test_export_writes_a_copy(tmp_path: Path) -> None:
    source, into = tmp_path / "a.png", tmp_path / "b.png"
    source.write_bytes(data := picture())
    export(source, into, metadata_from(SIDECAR))
    assert source.read_bytes() == data
    assert found(into.read_bytes()) == metadata_from(SIDECAR)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "b.png"]


@given(st.sampled_from(FORMATS), st.data())
def test_no_bytes_do_harm(file_format: str, data: st.DataObject) -> None:
    good = bytearray(embedded(picture(file_format), metadata_from(SIDECAR)))
    for _ in range(data.draw(st.integers(0, 6))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(good[: data.draw(st.integers(0, len(good)))])
    for attempt in (lambda: read_metadata(cut), lambda: embedded(cut, metadata_from(SIDECAR))):
        try:
            attempt()
        except InvalidRequest:
            continue


def test_a_file_behind_the_picture_is_kept() -> None:
    data = picture() + b"<html>" + struct.pack(">I", 7)
    assert embedded(data, metadata_from(SIDECAR)).endswith(b"<html>\0\0\0\7")
