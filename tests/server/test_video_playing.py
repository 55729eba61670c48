"""A stored clip in a real browser: it plays, and it can be sought in."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from browser.browsing import browsing
from fakes import FakeProvider
from ima2_sketch import plugin as sketch
from serving import Env, serving

pytestmark = pytest.mark.browser
LOOK = """async () => {
    const video = document.querySelector('video');
    if (!video.canPlayType('video/mp4; codecs="avc1.64001e"')) return null;
    video.muted = true;
    const shown = () => {
        const canvas = document.createElement('canvas');
        [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
        canvas.getContext('2d').drawImage(video, 0, 0);
        return canvas.toDataURL();
    };
    const soon = () => new Promise(resolve => setTimeout(resolve, 50));
    const sought = async (time, unlike) => {
        await new Promise((resolve, reject) => {
            video.onseeked = resolve;
            video.onerror = () => reject(new Error(video.error.message));
            video.currentTime = time;
        });
        // A busy machine says "seeked" a moment before it paints.
        for (let tries = 0; tries < 200 && shown() === unlike; tries++) await soon();
        return shown();
    };
    while (video.readyState < 2) await soon();
    video.pause();
    const start = shown(), late = await sought(2.5, start), early = await sought(0.1, late);
    return {duration: video.duration, size: [video.videoWidth, video.videoHeight], differ: late !== early};
}"""


def test_a_clip_plays_and_can_be_sought_in(env: Env) -> None:
    async def main() -> Any:
        async with serving(env, FakeProvider(), plugins={"sketch": sketch}) as served, browsing() as context:
            body = {"prompt": "a red kite", "provider": "sketch", "duration": 3, "aspectRatio": "1:1"}
            accepted = await served.studio.submit(body, surface="video")
            answer = await served.studio.answer(await served.studio.wait(accepted.job.id))
            page = await context.new_page()
            await page.goto(f"{served.url}{answer['url']}")
            return await page.evaluate(LOOK)

    seen = asyncio.run(main())
    if seen is None:
        pytest.skip("this Chromium was built without H.264")
    assert seen["duration"] == pytest.approx(3, abs=0.1)
    assert (seen["size"], seen["differ"]) == ([480, 480], True)
