"""The first page."""

from __future__ import annotations

import base64
import hashlib
import re

from fakes import FakeProvider
from serving import Env, Served, run

HOSTILE = "<b>&amp;\"'`{{7*7}}"


def test_the_page_says_what_runs_and_what_to_type(env: Env) -> None:
    async def work(served: Served) -> None:
        made = await served.make(prompt=HOSTILE)
        answer = await served.client.get("/")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
        page = answer.text
        assert "1 of 2 providers ready" in page
        assert "<code>ima2 login locked</code>" in page
        assert made["url"] in page
        assert "&lt;b&gt;&amp;amp;&quot;&#x27;`{{7*7}}" in page
        assert "<b>" not in page
        policy = answer.headers["content-security-policy"]
        style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
        assert style is not None
        assert f"'sha256-{base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()}'" in policy
        assert "<script" not in page
        assert "unsafe" not in policy
        assert not re.search(r"\son\w+=|javascript:|style=", page)

    run(env, work, FakeProvider(), FakeProvider(id="locked", ready=False))


def test_an_empty_house_says_so(env: Env) -> None:
    async def work(served: Served) -> None:
        page = (await served.client.get("/")).text
        assert "None yet" in page
        assert "0 of 1 providers ready" in page

    run(env, work, FakeProvider(ready=False))
