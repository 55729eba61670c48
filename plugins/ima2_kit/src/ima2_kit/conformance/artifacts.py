"""What every artifact store must keep."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import Any

import pytest
from ima2.errors import Ima2Error, InvalidRequest, NoImage, NotFound
from ima2.storage.protocols import ArtifactStore

from ima2_kit.conformance.pictures import clip, picture
from ima2_kit.conformance.references import References

HOSTILE_NAMES = [
    "",
    ".",
    "..",
    "../secret.png",
    "a/../../secret.png",
    "/etc/passwd",
    "C:\\secret.png",
    "c:secret.png",
    "a\\b.png",
    "a\0b.png",
    "a\nb.png",
    "a\x7fb.png",
    "CON",
    "nul.png",
    "folder/LPT1.png",
    "trailing.",
    "trailing ",
    "a//b.png",
    "a/",
    ".trash/x.png",
    ".hidden.png",
    "a:stream.png",
    "half\ud800.png",
    "x" * 300,
]


class ArtifactStoreConformance(References):
    """Subclass it, name the subclass ``Test…``, and implement :meth:`open`."""

    @pytest.mark.parametrize(
        ("data", "suffix", "media_type"),
        [
            (picture("PNG"), ".png", "image/png"),
            (picture("JPEG"), ".jpeg", "image/jpeg"),
            (picture("WEBP"), ".webp", "image/webp"),
            (clip(width=24, height=16), ".mp4", "video/mp4"),
        ],
    )
    def test_the_bytes_are_stored_unchanged_and_measured(
        self, tmp_path: Path, data: bytes, suffix: str, media_type: str
    ) -> None:
        facts = {"job_id": "j", "call_key": "j.0", "session_id": "s", "provider": "one", "model": "m"}

        async def scenario(store: ArtifactStore) -> None:
            artifact = await self.put(store, tmp_path, "1000_ab_0", data=data, **facts)
            assert artifact.filename == f"1000_ab_0{suffix}"
            assert (store.folder / artifact.filename).read_bytes() == data
            assert (artifact.width, artifact.height, artifact.size) == (24, 16, len(data))
            assert (artifact.media_type, artifact.sha256) == (media_type, hashlib.sha256(data).hexdigest())
            assert artifact.kind == media_type.partition("/")[0]
            assert artifact.duration == (2.5 if suffix == ".mp4" else None)
            assert {name: getattr(artifact, name) for name in facts} == facts
            assert artifact.sidecar["sha256"] == artifact.sha256
            assert (artifact.sidecar["prompt"], artifact.sidecar["width"]) == ("a fox", 24)
            assert await store.artifact(artifact.filename) == artifact

        self.run(tmp_path, scenario)

    def test_the_sidecar_lies_beside_the_file(self, tmp_path: Path) -> None:
        import json

        async def scenario(store: ArtifactStore) -> None:
            artifact = await self.put(store, tmp_path, "1000_ab_0")
            text = (store.folder / f"{artifact.filename}.json").read_text("utf-8")
            assert json.loads(text) == artifact.sidecar

        self.run(tmp_path, scenario)

    def test_storing_again_is_storing_once(self, tmp_path: Path) -> None:
        async def scenario(store: ArtifactStore) -> None:
            first = await self.put(store, tmp_path, "1000_ab_0")
            assert await self.put(store, tmp_path, "1000_ab_0") == first
            assert not list((tmp_path / "spool").iterdir())
            gone = tmp_path / "spool" / "gone"
            again = await store.store(gone, "1000_ab_0", facts={"created_at": 1000}, sidecar={})
            assert again == first
            assert await store.count() == 1

        self.run(tmp_path, scenario)

    def test_storing_in_parallel_is_storing_once(self, tmp_path: Path) -> None:
        async def main() -> None:
            (tmp_path / "spool").mkdir()
            async with self.open(tmp_path) as one, self.open(tmp_path) as two:
                spooled = [tmp_path / "spool" / str(n) for n in range(8)]
                for path in spooled:
                    path.write_bytes(picture())
                facts = {"created_at": 1000}
                tasks = [
                    (one, two)[n % 2].store(path, "1000_ab_0", facts=facts, sidecar={})
                    for n, path in enumerate(spooled)
                ]
                assert len({artifact.id for artifact in await asyncio.gather(*tasks)}) == 1
                assert await one.count() == await two.count() == 1

        asyncio.run(main())

    def test_another_picture_is_never_overwritten(self, tmp_path: Path) -> None:
        async def scenario(store: ArtifactStore) -> None:
            first = await self.put(store, tmp_path, "1000_ab_0")
            with pytest.raises(Ima2Error) as caught:
                await self.put(store, tmp_path, "1000_ab_0", data=picture(colour="blue"))
            assert (store.folder / first.filename).read_bytes() == picture()
            [kept] = (tmp_path / "spool").iterdir()
            assert kept.read_bytes() == picture(colour="blue")
            assert str(kept) in caught.value.kept

        self.run(tmp_path, scenario)

    @pytest.mark.parametrize("data", [b"", b"no picture", picture(width=300, height=300)[:-60], clip()[:-20]])
    def test_what_is_no_picture_is_refused_and_stays_in_the_spool(self, tmp_path: Path, data: bytes) -> None:
        async def scenario(store: ArtifactStore) -> None:
            with pytest.raises(NoImage) as caught:
                await self.put(store, tmp_path, "1000_ab_0", data=data)
            assert caught.value.code == "RESULT_UNREADABLE"
            [kept] = (tmp_path / "spool").iterdir()
            assert kept.read_bytes() == data
            assert await store.count() == 0

        self.run(tmp_path, scenario)

    @pytest.mark.parametrize("name", HOSTILE_NAMES, ids=ascii)
    def test_a_hostile_name_is_refused_everywhere(self, tmp_path: Path, name: str) -> None:
        async def scenario(store: ArtifactStore) -> None:
            (tmp_path / "spooled").write_bytes(picture())
            for attempt in (
                store.store(tmp_path / "spooled", name, facts={"created_at": 1}, sidecar={}),
                store.artifact(name),
                store.trash(name),
                store.restore(name),
                store.delete(name),
                store.set_favorite("me", name),
                store.favorites("me", [name]),
            ):
                with pytest.raises(InvalidRequest) as caught:
                    await attempt
                assert (caught.value.code, caught.value.status) == ("INVALID_FILENAME", 400)
            assert (tmp_path / "spooled").read_bytes() == picture()

        self.run(tmp_path, scenario)

    def test_a_name_nobody_stored_is_not_found(self, tmp_path: Path) -> None:
        async def scenario(store: ArtifactStore) -> None:
            assert await store.artifact("1_a.png") is None
            for attempt in (
                store.trash("1_a.png"),
                store.restore("1_a.png"),
                store.delete("1_a.png"),
                store.set_favorite("me", "1_a.png"),
            ):
                with pytest.raises(NotFound) as caught:
                    await attempt
                assert caught.value.code == "ASSET_NOT_FOUND"

        self.run(tmp_path, scenario)

    def test_pages_come_newest_first_without_a_gap(self, tmp_path: Path) -> None:
        async def scenario(store: ArtifactStore) -> None:
            for n in range(7):
                await self.put(store, tmp_path, f"1_{n}", data=picture(width=8 + n), created_at=1000 + n // 3)
            pages: list[list[str]] = []
            cursor: tuple[int, str] | None = None
            while page := await store.artifacts(limit=2, before=cursor):
                pages.append([artifact.filename for artifact in page])
                cursor = (page[-1].created_at, page[-1].filename)
            assert pages == [["1_6.png", "1_5.png"], ["1_4.png", "1_3.png"], ["1_2.png", "1_1.png"], ["1_0.png"]]
            assert len(await store.artifacts(since=1001)) == 4

        self.run(tmp_path, scenario)

    def test_lists_are_narrowed(self, tmp_path: Path) -> None:
        async def scenario(store: ArtifactStore) -> None:
            await self.put(store, tmp_path, "1_a", session_id="s1", job_id="j1")
            await self.put(store, tmp_path, "1_b", session_id="s2", job_id="j1")
            await self.put(store, tmp_path, "sub/1_c", session_id="s1")
            await store.set_favorite("me", "1_b.png")

            async def names(**query: Any) -> list[str]:
                return [artifact.filename for artifact in await store.artifacts(**query)]

            assert await names() == ["sub/1_c.png", "1_b.png", "1_a.png"]
            assert await names(session_id="s1") == ["sub/1_c.png", "1_a.png"]
            assert await names(job_id="j1") == ["1_b.png", "1_a.png"]
            assert await names(job_id="j1", session_id="s1") == ["1_a.png"]
            assert await names(favorites_of="me") == ["1_b.png"]
            assert await names(favorites_of="you") == []
            await store.annotate("1_a.png", {"videoSeries": {"topic": "kites", "chainIndex": 1}})
            assert await names(topic="kites") == ["1_a.png"]
            assert await names(topic="kites", job_id="j2") == await names(topic="boats") == []
            await store.trash("1_b.png")
            assert await names(favorites_of="me") == []
            assert await names(trashed=True) == ["1_b.png"]
            assert await store.count() == 2

        self.run(tmp_path, scenario)

    def test_the_trash_gives_back(self, tmp_path: Path) -> None:
        async def scenario(store: ArtifactStore) -> None:
            artifact = await self.put(store, tmp_path, "sub/1_a")
            path = store.folder / artifact.filename
            trash_id = await store.trash(artifact.filename)
            assert not path.exists()
            assert await store.artifact(artifact.filename) is None
            trashed = await store.artifact(artifact.filename, trashed=True)
            assert trashed is not None
            assert trashed.trashed_at is not None
            with pytest.raises(NotFound):
                await store.trash(artifact.filename)
            assert await store.restore(artifact.filename, trash_id) == artifact
            assert path.read_bytes() == picture()
            with pytest.raises(NotFound):
                await store.restore(artifact.filename, trash_id)
            await store.trash(artifact.filename)
            assert await store.restore(artifact.filename) == artifact

        self.run(tmp_path, scenario)

    @pytest.mark.parametrize("trash_id", ["..", "../..", "x", "", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "/etc"])
    def test_a_wrong_trash_id_gives_nothing_back(self, tmp_path: Path, trash_id: str) -> None:
        async def scenario(store: ArtifactStore) -> None:
            artifact = await self.put(store, tmp_path, "1_a")
            await store.trash(artifact.filename)
            with pytest.raises((NotFound, InvalidRequest)):
                await store.restore(artifact.filename, trash_id)
            assert await store.restore(artifact.filename) == artifact

        self.run(tmp_path, scenario)

    def test_a_trash_id_is_no_way_to_other_files(self, tmp_path: Path) -> None:
        async def scenario(store: ArtifactStore) -> None:
            await self.put(store, tmp_path, "sub/1_a", data=picture(colour="blue"))
            artifact = await self.put(store, tmp_path, "1_a")
            await store.trash(artifact.filename)
            for trash_id in ("../sub", str(store.folder / "sub")):
                with pytest.raises((NotFound, InvalidRequest)):
                    await store.restore(artifact.filename, trash_id)
            assert (store.folder / "sub/1_a.png").read_bytes() == picture(colour="blue")

        self.run(tmp_path, scenario)

    @pytest.mark.parametrize("trashed_first", [False, True])
    def test_deleting_leaves_nothing(self, tmp_path: Path, *, trashed_first: bool) -> None:
        async def scenario(store: ArtifactStore) -> None:
            artifact = await self.put(store, tmp_path, "1_a")
            await store.set_favorite("me", artifact.filename)
            if trashed_first:
                await store.trash(artifact.filename)
            await store.delete(artifact.filename)
            assert await store.artifact(artifact.filename) is None
            assert await store.artifact(artifact.filename, trashed=True) is None
            assert not [path for path in store.folder.rglob("*1_a*") if path.is_file()]
            again = await self.put(store, tmp_path, "1_a", data=picture(colour="blue"))
            assert await store.favorites("me", [again.filename]) == set()

        self.run(tmp_path, scenario)

    def test_favorites_are_kept_per_identity(self, tmp_path: Path) -> None:
        async def scenario(store: ArtifactStore) -> None:
            for stem in ("1_a", "1_b"):
                await self.put(store, tmp_path, stem)
            names = ["1_a.png", "1_b.png", "1_z.png"]
            assert await store.set_favorite("me", "1_a.png") is True
            assert await store.set_favorite("me", "1_b.png", True) is True
            assert await store.set_favorite("me", "1_b.png", True) is True
            assert await store.favorites("me", names) == {"1_a.png", "1_b.png"}
            assert await store.favorites("you", names) == set()
            assert await store.set_favorite("me", "1_a.png") is False
            assert await store.set_favorite("me", "1_b.png", False) is False
            assert await store.favorites("me", names) == set()
            assert await store.favorites("me", [f"{n}.png" for n in range(40_000)]) == set()

        self.run(tmp_path, scenario)
