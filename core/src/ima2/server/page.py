"""The first page as HTML. Every word that is not ours goes through :func:`html.escape`."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from html import escape

import ima2
from ima2.kernel.answers.gallery import file_url, thumb_url
from ima2.kernel.requests.readiness import fix_for
from ima2.kernel.studio import ProviderState
from ima2.models import Artifact

_STYLE = """
:root { color-scheme: light dark; --ink: #1d1d1f; --soft: #5c5c63; --paper: #fbfaf8; --line: #d9d6d0; --good: #1a6b3c; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #f1efec; --soft: #a9a6a0; --paper: #161618; --line: #38383c; --good: #6fcf97; }
}
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 0; }
main { max-width: 60rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.75rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2.5rem 0 .75rem; }
p { margin: .25rem 0; color: var(--soft); } a { color: inherit; }
code { font: .9em ui-monospace, monospace; border: 1px solid var(--line); border-radius: .3rem; padding: .1rem .35rem; }
.providers { list-style: none; margin: 0; padding: 0; border-top: 1px solid var(--line); }
.providers li { display: flex; flex-wrap: wrap; gap: .25rem 1rem; padding: .6rem 0; }
.providers li { border-bottom: 1px solid var(--line); }
.providers strong { min-width: 12rem; } .ready { color: var(--good); }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)); gap: .75rem; padding: 0; }
.pictures li { list-style: none; }
.pictures a { display: block; aspect-ratio: 1; border: 1px solid var(--line); border-radius: .5rem; overflow: hidden; }
.pictures img { width: 100%; height: 100%; object-fit: cover; display: block; }
.pictures p { font-size: .8rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.clip { display: grid; place-items: center; height: 100%; color: var(--soft); }
"""
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; img-src 'self'; style-src 'sha256-{_HASH}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Content policy of the page: its own style by hash, pictures of this server, nothing else."""
_PROMPT = 120


def render(states: Sequence[ProviderState], pictures: Sequence[Artifact], total: int) -> str:
    """The whole page."""
    ready = sum(state.status.ready for state in states)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>ima2</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>ima2 is running</h1>
<p>Version {escape(ima2.__version__)}. {ready} of {len(states)} providers ready.</p>
<h2>Providers</h2>
{_providers(states)}
<h2>Newest pictures</h2>
{_pictures(pictures, total)}
<h2>For programs</h2>
<p><a href="/api/openapi.json">API description (OpenAPI)</a> · <a href="/api/health">health</a> ·
<a href="/api/models">models</a></p>
</main>
</body>
</html>
"""


def _providers(states: Sequence[ProviderState]) -> str:
    if not states:
        return "<p>None is installed. <code>ima2 doctor</code> says how to get one.</p>"
    return f'<ul class="providers">{"".join(map(_provider, states))}</ul>'


def _provider(state: ProviderState) -> str:
    if state.status.ready:
        said = f'<span class="ready">✓ ready</span> <span>{escape(state.status.account or "")}</span>'
    else:
        fix = fix_for(state.info, state.status)
        command = f" To fix it: <code>{escape(fix)}</code>" if fix else ""
        said = f"<span>{escape(state.status.why or 'not ready')}.{command}</span>"
    return f"<li><strong>{escape(state.info.title)}</strong>{said}</li>"


def _pictures(pictures: Sequence[Artifact], total: int) -> str:
    if not pictures:
        return '<p>None yet. <code>ima2 generate "a red kite over the sea"</code> makes the first.</p>'
    listed = "".join(map(_picture, pictures))
    return f'<p>{len(pictures)} of {total}</p><ul class="pictures">{listed}</ul>'


def _picture(artifact: Artifact) -> str:
    prompt = artifact.prompt or artifact.filename
    shown = escape(prompt if len(prompt) <= _PROMPT else prompt[:_PROMPT] + "…")
    link, thumb = escape(file_url(artifact.filename)), thumb_url(artifact)
    inner = f'<img src="{escape(thumb)}" alt="{shown}" loading="lazy">' if thumb else '<span class="clip">clip</span>'
    return f'<li><a href="{link}">{inner}</a><p title="{shown}">{shown}</p></li>'
