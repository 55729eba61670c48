"""The gallery's files over HTTP: the bytes, ranges, and nothing else of this machine."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from urllib.parse import quote

import pytest
from fakes import FakeProvider, png
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ima2.models import Sending
from serving import Env, Served, run, serving

SECRET = b"the secret outside"


def test_a_picture_whole_and_in_ranges(env: Env) -> None:
    content = png(96, 64)

    async def work(served: Served) -> None:
        url = (await served.make())["url"]
        whole = await served.client.get(url)
        assert (whole.status_code, whole.content, whole.headers["content-type"]) == (200, content, "image/png")
        assert "immutable" in whole.headers["cache-control"]
        assert whole.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
        assert "content-disposition" not in whole.headers

        async def part(value: str) -> tuple[int, bytes]:
            answer = await served.client.get(url, headers={"Range": value})
            return answer.status_code, answer.content

        size = len(content)
        assert await part("bytes=0-3") == (206, content[:4])
        assert await part("bytes=10-") == (206, content[10:])
        assert await part("bytes=-5") == (206, content[-5:])
        assert (await part(f"bytes={size}-"))[0] == 416
        assert await part("bytes=9-2") == (200, content)
        assert (await part(f"bytes=0-{size * 10}")) == (206, content)
        head = await served.client.head(url)
        assert (head.status_code, head.headers["content-length"], head.content) == (200, str(size), b"")
        again = await served.client.get(url, headers={"If-None-Match": whole.headers["etag"]})
        assert again.status_code == 304

    run(env, work, FakeProvider([Sending(), content]))


def test_thumbnails_are_made_when_looked_at(env: Env) -> None:
    async def work(served: Served) -> None:
        await served.make()
        row = (await served.client.get("/api/history")).json()["items"][0]
        answer = await served.client.get(row["thumb"])
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
        assert answer.content.startswith(b"\xff\xd8")
        assert (await served.client.get("/generated/nothing.thumb.jpg")).status_code == 404

    run(env, work, FakeProvider([Sending(), png(1024, 768)]))


def test_sidecars_hidden_files_and_strangers_are_not_served(env: Env) -> None:
    async def work(served: Served) -> None:
        filename = (await served.make())["filename"]
        folder = served.studio.store.folder
        outside = served.studio.paths.data / "secret.png"
        outside.write_bytes(SECRET)
        for name in (".env", ".hidden.png", "notes.txt", "page.html", "drawing.svg", "noext", "x.PNG.exe"):
            (folder / name).write_bytes(SECRET)
        (folder / "folder.png").mkdir()
        names = [
            f"{filename}.json",
            ".env",
            ".hidden.png",
            "notes.txt",
            "page.html",
            "drawing.svg",
            "noext",
            "x.PNG.exe",
        ]
        names += ["folder.png", "", ".spool/x.png", ".trash/x.png", "a/../../secret.png", "//etc/passwd"]
        for name in [*names, *map(quote, names), "%2e%2e/secret.png", "..%2fsecret.png", "..%5csecret.png", "%00.png"]:
            answer = await served.client.get(f"/generated/{name}")
            assert answer.status_code == 404, name
            assert SECRET not in answer.content
            assert not answer.headers["content-type"].startswith("application/json") or not name.endswith(".json")

    run(env, work)


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_links_lead_nowhere(env: Env) -> None:
    async def work(served: Served) -> None:
        folder, outside = served.studio.store.folder, served.studio.paths.data / "outside"
        outside.mkdir()
        (outside / "secret.png").write_bytes(SECRET)
        (folder / "link.png").symlink_to(outside / "secret.png")
        (folder / "linked").symlink_to(outside)
        (folder / "real.png").write_bytes(png())
        (folder / "real.png.gz").symlink_to(outside / "secret.png")
        for name in ("link.png", "linked/secret.png"):
            assert (await served.client.get(f"/generated/{name}")).status_code == 404
        assert (await served.client.get("/generated/real.png")).content == png()

    run(env, work)


NASTY = st.sampled_from(
    [
        "..",
        "%2e%2e",
        "%2E.",
        "/",
        "%2f",
        "\\",
        "%5c",
        "%00",
        "C:",
        "~",
        "secret.png",
        "x.png",
        ".",
        "%252e",
        "\u202e",
        "con",
        ":",
        "$DATA",
    ]
)


def test_no_path_reaches_outside(env: Env) -> None:
    """One server, many paths: raw request lines, so that no client tidies them up."""

    async def main() -> None:
        async with serving(env, FakeProvider()) as served:
            outside = served.studio.paths.data / "secret.png"
            outside.write_bytes(SECRET)
            loop = asyncio.get_running_loop()

            def ask(path: str) -> bytes:
                target = f"/generated/{path}".encode("utf-8", "replace").replace(b" ", b"%20")
                asked = served.raw(b"GET " + target + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
                return asyncio.run_coroutine_threadsafe(asked, loop).result(30)

            await asyncio.to_thread(property_over_paths, ask)

    asyncio.run(main())


def property_over_paths(ask: object) -> None:
    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(
        st.lists(
            NASTY | st.text(st.characters(exclude_characters="\r\n\x00 ", exclude_categories=["Cs"]), max_size=6),
            max_size=8,
        )
    )
    def check(parts: list[str]) -> None:
        answer = ask("".join(parts))  # type: ignore[operator]
        assert SECRET not in answer
        assert answer.startswith((b"HTTP/1.1 404", b"HTTP/1.0 400", b"HTTP/1.1 400")), answer[:80]

    check()


def test_files_of_a_subfolder(env: Env) -> None:
    async def work(served: Served) -> None:
        folder: Path = served.studio.store.folder / "2026"
        folder.mkdir()
        (folder / "연 날리기 #1.png").write_bytes(png())
        answer = await served.client.get(f"/generated/2026/{quote('연 날리기 #1.png')}")
        assert (answer.status_code, answer.content) == (200, png())

    run(env, work)
