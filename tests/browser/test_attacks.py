"""What a web page of a stranger can do to the server, with a real browser.

Every attack is made twice. Without the guard it must succeed, or the test proves nothing; with it, it must fail.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from browser.browsing import attacker, browsing, eventually, watched
from fakes import FakeProvider, png
from playwright.async_api import BrowserContext, Page
from playwright.async_api import Error as BrowserError
from serving import Env, Served, serving

pytestmark = pytest.mark.browser
BODY = '{"prompt":"drive-by","provider":"fake"}'
GUARDED = pytest.mark.parametrize("guard", [False, True], ids=["unguarded", "guarded"])


def scene(
    env: Env, guard: bool, act: Callable[[Served, BrowserContext], Awaitable[Any]], provider: FakeProvider
) -> Any:
    async def main() -> Any:
        async with serving(env, provider, guard=guard) as served, browsing() as context:
            return await act(served, context)

    return asyncio.run(main())


async def called(provider: FakeProvider) -> bool:
    async def any_call() -> bool:
        return bool(provider.calls)

    return await eventually(any_call)


@GUARDED
@pytest.mark.parametrize("host", ["evil.test", "127.0.0.1"], ids=["another-site", "another-port"])
def test_a_page_posts_by_fetch(env: Env, guard: bool, host: str) -> None:
    provider = FakeProvider()

    async def act(served: Served, context: BrowserContext) -> bool:
        async with attacker({"/": "<p>hello"}) as port:
            page = await context.new_page()
            await page.goto(f"http://{host}:{port}/")
            for kind in ("text/plain", "application/x-www-form-urlencoded"):
                script = """([url, body, kind]) =>
                    fetch(url, {method: 'POST', mode: 'no-cors', body, headers: {'Content-Type': kind}})
                        .catch(() => 0)"""
                await page.evaluate(script, [f"{served.url}/api/generate", BODY, kind])
            await page.evaluate(
                "([url, body]) => navigator.sendBeacon(url, body)", [f"{served.url}/api/generate", BODY]
            )
            return await called(provider)

    assert scene(env, guard, act, provider) is not guard


@GUARDED
def test_a_page_posts_a_form(env: Env, guard: bool) -> None:
    """``text/plain`` forms write ``name=value``; the equals sign lands in a label."""
    provider = FakeProvider()
    name = '{"prompt":"drive-by","provider":"fake","composerPrompt":"'
    form = f"""<form method=post enctype=text/plain action=TARGET><input name='{name}' value='"}}'></form>
    <script>document.forms[0].submit()</script>"""

    async def act(served: Served, context: BrowserContext) -> bool:
        async with attacker({"/": form.replace("TARGET", f"{served.url}/api/generate")}) as port:
            page = await context.new_page()
            await page.goto(f"http://evil.test:{port}/", wait_until="commit")
            return await called(provider)

    assert scene(env, guard, act, provider) is not guard


@GUARDED
def test_a_rebound_name_reads_the_gallery(env: Env, guard: bool) -> None:
    """The page came from the attacker's machine; then its name and port lead here, as after a change of DNS."""
    provider = FakeProvider()

    async def main() -> dict[str, Any]:
        async with browsing() as context:
            page = await context.new_page()
            async with attacker({"/": "<p>hello"}) as port:
                await page.goto(f"http://rebind.test:{port}/")
            async with serving(env, provider, guard=guard, port=port) as served:
                await served.make(prompt="my private prompt")
                return await steal(page)

    stolen = asyncio.run(main())
    if guard:
        assert stolen["history"]["status"] == stolen["file"]["status"] == stolen["spend"]["status"] == 403
        assert "my private prompt" not in str(stolen)
        assert len(provider.calls) == 1
    else:
        assert stolen["history"]["status"] == stolen["file"]["status"] == stolen["spend"]["status"] == 200
        assert "my private prompt" in stolen["history"]["text"]
        assert len(provider.calls) == 2


async def steal(page: Page) -> dict[str, Any]:
    ask = """async ([url, options]) => {
        const answer = await fetch(url, options)
        return {status: answer.status, text: await answer.text()}
    }"""
    history = await page.evaluate(ask, ["/api/history", {}])
    name = history["text"].split('"url": "')[1].split('"')[0] if history["status"] == 200 else "/generated/x.png"
    json_post = {"method": "POST", "body": BODY, "headers": {"Content-Type": "application/json"}}
    return {
        "history": history,
        "file": await page.evaluate(ask, [name, {}]),
        "spend": await page.evaluate(ask, ["/api/generate", json_post]),
    }


@GUARDED
def test_a_page_deletes_by_a_guessed_name(env: Env, guard: bool) -> None:
    """A preflight is never granted, guard or not: the browser itself stops this one."""
    provider = FakeProvider()

    async def act(served: Served, context: BrowserContext) -> int:
        filename = (await served.make())["filename"]
        async with attacker({"/": "<p>hello"}) as port:
            page = await context.new_page()
            await page.goto(f"http://evil.test:{port}/")
            script = "url => fetch(url, {method: 'DELETE'}).then(r => r.status, () => 0)"
            await page.evaluate(script, f"{served.url}/api/history/{filename}")
        return await served.studio.store.count()

    assert scene(env, guard, act, provider) == 1


HACK = b"<html><body><script>alert('hacked')</script><svg onload=alert('hacked')></body></html>"
SVG = b"<svg xmlns='http://www.w3.org/2000/svg' onload=\"alert('hacked')\"><script>alert('hacked')</script></svg>"


def test_files_hold_no_scripts_that_run(env: Env) -> None:
    async def act(served: Served, context: BrowserContext) -> None:
        page, seen = await watched(context)
        async with attacker({"/": HACK.decode()}) as port:
            await page.goto(f"http://evil.test:{port}/")
        assert seen, "the script does run where nothing forbids it"
        seen.clear()
        folder = served.studio.store.folder
        files = {
            "page.png": HACK,
            "both.png": png() + HACK,
            "svg.png": SVG,
            "clip.mp4": HACK,
            "drawing.svg": SVG,
            "page.html": HACK,
        }
        for name, content in files.items():
            (folder / name).write_bytes(content)
            with contextlib.suppress(BrowserError):  # a broken clip ends the navigation
                await page.goto(f"{served.url}/generated/{name}")
            await page.wait_for_timeout(100)
        assert seen == []

    scene(env, True, act, FakeProvider())


PROMPTS = (
    "<script>alert('hacked')</script>",
    "<img src=x onerror=alert('hacked')>",
    "\"><svg onload=alert('hacked')>",
    "' onmouseover='alert(1)' autofocus onfocus='alert(1)",
    "</style><script>alert('hacked')</script>",
    "</title></head><body onload=alert('hacked')>",
    "javascript:alert('hacked')",
    "<iframe srcdoc='<script>parent.alert(1)</script>'>",
)


def test_prompts_and_account_names_stay_text(env: Env) -> None:
    async def act(served: Served, context: BrowserContext) -> None:
        for prompt in PROMPTS:
            await served.make(prompt=prompt, inline=False)
        page, seen = await watched(context)
        problems: list[str] = []
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        await page.goto(served.url)
        await page.wait_for_load_state("networkidle")
        shown = await page.locator(".pictures li p").all_text_contents()
        assert sorted(shown) == sorted(PROMPTS)
        assert await page.locator("script, iframe, svg, [onload], [onerror], [onfocus]").count() == 0
        loaded = await page.eval_on_selector_all(".pictures img", "all => all.map(img => img.naturalWidth)")
        assert len(loaded) == len(PROMPTS)
        assert all(loaded)
        assert (seen, problems) == ([], [])

    scene(env, True, act, FakeProvider())


def test_no_other_page_frames_this_one(env: Env) -> None:
    async def act(served: Served, context: BrowserContext) -> None:
        async with attacker({"/": f"<iframe src='{served.url}/'></iframe>"}) as port:
            page = await context.new_page()
            await page.goto(f"http://evil.test:{port}/")
            await page.wait_for_load_state("networkidle")
            framed = [await frame.content() for frame in page.frames[1:]]
            assert framed
            assert not any("ima2 is running" in content for content in framed)

    for guard in (True, False):
        scene(env, guard, act, FakeProvider())


def test_no_other_page_shows_a_picture_of_the_gallery(env: Env) -> None:
    """Without the guard the header that keeps a file to its own origin still stands."""
    load = """url => new Promise(done => {
        const picture = new Image()
        picture.onload = () => done(true)
        picture.onerror = () => done(false)
        picture.src = url
    })"""

    async def act(served: Served, context: BrowserContext) -> None:
        url = f"{served.url}{(await served.make())['url']}"
        page = await context.new_page()
        async with attacker({"/": "<p>hello"}) as port:
            await page.goto(f"http://evil.test:{port}/")
            assert await page.evaluate(load, url) is False
        await page.goto(served.url)
        assert await page.evaluate(load, url) is True

    for guard in (True, False):
        scene(env, guard, act, FakeProvider())


def test_the_first_page_in_light_and_dark(env: Env, tmp_path: Any) -> None:
    async def act(served: Served, context: BrowserContext) -> None:
        for shade in range(8):
            await served.make(prompt=f"a red kite over the sea, number {shade}")
        page, seen = await watched(context)
        for scheme in ("light", "dark"):
            await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            await page.goto(served.url)
            await page.wait_for_load_state("networkidle")
            await page.screenshot(path=tmp_path / f"index-{scheme}.png", full_page=True)
            ink = await page.evaluate("getComputedStyle(document.body).color")
            assert ink == {"light": "rgb(29, 29, 31)", "dark": "rgb(241, 239, 236)"}[scheme]
        await page.set_viewport_size({"width": 360, "height": 740})
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert seen == []

    async def main() -> None:
        locked = FakeProvider(id="locked", ready=False)
        async with serving(env, FakeProvider(), locked) as served, browsing() as context:
            await act(served, context)

    asyncio.run(main())
