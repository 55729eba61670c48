"""What every artifact store must keep of input images."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import pytest
from ima2.errors import InvalidRequest
from ima2.storage.protocols import ArtifactStore

from ima2_kit.conformance.bench import StoreBench
from ima2_kit.conformance.pictures import bomb, clip, picture

NO_REFERENCES = [
    (b"", "REF_EMPTY"),
    (b"just text", "REF_UNSUPPORTED_FORMAT"),
    (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "REF_UNSUPPORTED_FORMAT"),
    (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(400), "REF_UNSUPPORTED_FORMAT"),
    (b"\0\0\0\x18ftypavif\0\0\0\0mif1avif" + bytes(400), "REF_UNSUPPORTED_FORMAT"),
    (picture("GIF"), "REF_UNSUPPORTED_FORMAT"),
    (picture("BMP"), "REF_UNSUPPORTED_FORMAT"),
    (picture("TIFF"), "REF_UNSUPPORTED_FORMAT"),
    (clip(), "REF_UNSUPPORTED_FORMAT"),
    (bytes(5000), "REF_UNSUPPORTED_FORMAT"),
    (picture(width=300, height=300)[:-60], "REF_UNREADABLE"),
    (picture("JPEG", width=300, height=300)[:500], "REF_UNREADABLE"),
    (picture("WEBP", width=300, height=300)[:-20], "REF_UNREADABLE"),
    (b"\x89PNG\r\n\x1a\n" + bytes(200), "REF_UNREADABLE"),
    (b"\xff\xd8\xff\xe0" + bytes(200), "REF_UNREADABLE"),
    (bomb(12_000), "REF_TOO_MANY_PIXELS"),
    (bomb(20_000), "REF_TOO_MANY_PIXELS"),
]


class References(StoreBench):
    """``add_reference``, ``reference_path``."""

    @pytest.mark.parametrize("as_path", [False, True])
    @pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP"])
    def test_a_reference_is_kept_by_its_hash(self, tmp_path: Path, file_format: str, *, as_path: bool) -> None:
        data = picture(file_format)
        given = tmp_path / "holiday photo.txt"
        given.write_bytes(data)

        async def scenario(store: ArtifactStore) -> None:
            reference = await store.add_reference(given if as_path else data, role="source", field="image")
            assert reference.sha256 == hashlib.sha256(data).hexdigest()
            assert (reference.width, reference.height, reference.size) == (24, 16, len(data))
            assert (reference.media_type, reference.role) == (f"image/{file_format.lower()}", "source")
            assert store.reference_path(reference).read_bytes() == data
            assert await store.add_reference(data, role="source") == reference

        self.run(tmp_path, scenario)

    def test_transparency_is_seen(self, tmp_path: Path) -> None:
        async def scenario(store: ArtifactStore) -> None:
            mask = await store.add_reference(picture(mode="RGBA", colour="#0000"), role="mask")
            assert mask.has_alpha
            assert not (await store.add_reference(picture())).has_alpha

        self.run(tmp_path, scenario)

    @pytest.mark.parametrize(
        ("data", "code"), NO_REFERENCES, ids=[f"{n}-{bad[1]}" for n, bad in enumerate(NO_REFERENCES)]
    )
    def test_a_bad_reference_is_refused_by_its_field(self, tmp_path: Path, data: bytes, code: str) -> None:
        given = tmp_path / "innocent.png"
        given.write_bytes(data)

        async def scenario(store: ArtifactStore) -> None:
            for source in (data, given):
                with pytest.raises(InvalidRequest) as caught:
                    await store.add_reference(source, field="references[2]")
                assert (caught.value.code, caught.value.field) == (code, "references[2]")
                assert "references[2]" in caught.value.message
            good = await store.add_reference(picture())
            assert [path.name for path in store.reference_path(good).parent.iterdir()] == [
                store.reference_path(good).name
            ]

        self.run(tmp_path, scenario)

    def test_what_is_no_file_is_no_reference(self, tmp_path: Path) -> None:
        async def scenario(store: ArtifactStore) -> None:
            for path in (tmp_path, tmp_path / "missing.png", tmp_path / "a\0b.png", Path("x" * 5000)):
                with pytest.raises(InvalidRequest) as caught:
                    await store.add_reference(path)
                assert caught.value.code == "REF_NOT_A_FILE"

        self.run(tmp_path, scenario)

    def test_many_references_at_once(self, tmp_path: Path) -> None:
        async def scenario(store: ArtifactStore) -> None:
            sources = [picture(width=8 + n % 4) for n in range(24)]
            references = await asyncio.gather(*map(store.add_reference, sources))
            assert [reference.width for reference in references] == [8 + n % 4 for n in range(24)]
            assert len({store.reference_path(reference) for reference in references}) == 4

        self.run(tmp_path, scenario)
