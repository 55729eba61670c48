"""What a web page can do to a bridge, with a real browser.

Every attack is made twice. On the service itself, which has no guard, it must succeed, or the test proves nothing; on
the bridge in front of it, it must fail.
"""

from __future__ import annotations

import asyncio

import pytest
from browser.browsing import attacker, browsing, eventually
from core.bridge.crossing import crossing, fine
from playwright.async_api import Error as BrowserError
from playwright.async_api import Page

pytestmark = pytest.mark.browser
BODY = '{"model":"m","input":"spend"}'
FETCH = """([url, body]) => fetch(url, {method: 'POST', mode: 'no-cors', body}).catch(() => 0)"""
BEACON = """([url, body]) => navigator.sendBeacon(url, body)"""
FORM = """([url, body]) => {
    const form = document.createElement('form');
    form.method = 'POST'; form.enctype = 'text/plain'; form.action = url;
    document.body.append(form); form.submit();
}"""
IMAGE = """([url]) => { new Image().src = url; }"""
READ = """([url]) => fetch(url).then(answer => answer.text()).catch(() => '')"""


async def go_to(page: Page, url: str) -> None:
    """An address typed, or a link followed."""
    try:
        await page.goto(url)
    except BrowserError:
        return


@pytest.mark.parametrize("host", ["evil.test", "127.0.0.1"], ids=["another-site", "another-port"])
@pytest.mark.parametrize("way", [FETCH, BEACON, FORM, IMAGE], ids=["fetch", "beacon", "form", "image"])
def test_a_page_spends_nothing(host: str, way: str) -> None:
    async def main() -> None:
        async with crossing(fine) as both, browsing() as context, attacker({"/": "<p>hello"}) as port:

            async def hit(base: str) -> bool:
                both.seen.clear()
                page = await context.new_page()
                await page.goto(f"http://{host}:{port}/")
                await page.evaluate(way, [f"{base}/v1/responses", BODY])

                async def more() -> bool:
                    return any(path == "/v1/responses" for _, path, _ in both.seen)

                return await eventually(more)

            assert await hit(both.upstream), "the attack works where nothing stands in front"
            assert not await hit(both.bridge.url)

    asyncio.run(main())


@pytest.mark.parametrize("path", ["/v1/models", "/health"])
def test_a_name_that_leads_here_reads_nothing(path: str) -> None:
    """DNS rebinding: the page's own name has become an address of this machine."""

    async def main() -> None:
        async with crossing(fine) as both, browsing() as context:
            for base, readable in ((both.upstream, True), (both.bridge.url, False)):
                page = await context.new_page()
                rebound = base.replace("127.0.0.1", "rebind.test")
                await go_to(page, f"{rebound}/")
                said = await page.evaluate(READ, [f"{rebound}{path}"])
                assert (path in said) is readable
            assert [seen for _, seen, sent in both.seen if sent.get("authorization")] == []

    asyncio.run(main())


def test_not_even_its_own_address_in_the_address_bar() -> None:
    """A page there would be of the bridge's own origin."""

    async def main() -> None:
        async with crossing(fine) as both, browsing() as context:
            page = await context.new_page()
            answer = await page.goto(f"{both.bridge.url}/v1/models")
            assert answer is not None
            assert answer.status == 403
            assert both.seen == []

    asyncio.run(main())
