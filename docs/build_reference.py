"""Write the generated parts of the documentation again; with ``--check``, only tell which are out of date.

A page is written by hand but for what stands between ``<!-- begin: NAME -->`` and ``<!-- end: NAME -->``.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from tables import clips, commands, errors, hooks, routes, settings

DOCS = Path(__file__).parent
PAGES = (*sorted((DOCS / "reference").glob("*.md")), DOCS / "how-to" / "video.md")
TABLES: Mapping[str, Callable[[], str]] = {
    "hooks": hooks.all_hooks,
    "descriptors": hooks.all_descriptors,
    "events": hooks.all_events,
    "context": hooks.all_lent,
    "settings": settings.all_settings,
    "errors": errors.all_errors,
    "warnings": errors.all_warnings,
    "clips": clips.all_clips,
    "commands": commands.all_commands,
    "routes": routes.all_routes,
    "clipfields": routes.all_clip_fields,
    "questionfields": routes.all_question_fields,
}
_BLOCK = re.compile(r"(<!-- begin: (?P<name>[a-z]+) -->\n).*?(<!-- end: (?P=name) -->)", re.DOTALL)


def rebuilt(page: str) -> str:
    """The page with its generated parts made anew."""
    return _BLOCK.sub(lambda block: f"{block[1]}\n{TABLES[block['name']]()}\n\n{block[3]}", page)


def outdated() -> Iterable[tuple[Path, str]]:
    """Pages that differ from what they should be, and what they should be."""
    for path in PAGES:
        page = path.read_text(encoding="utf-8")
        if (fresh := rebuilt(page)) != page:
            yield path, fresh


def main(arguments: list[str]) -> int:
    """Write, or check."""
    check = "--check" in arguments
    pages = list(outdated())
    for path, fresh in pages:
        print(f"{'Out of date' if check else 'Written'}: {path.name}")
        if not check:
            path.write_text(fresh, encoding="utf-8", newline="\n")
    return 1 if check and pages else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
