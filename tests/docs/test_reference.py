"""The documentation against the sources: what it says exists, and what exists it says."""

from __future__ import annotations

import inspect
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import click
import pytest
from distributions import PROVIDERS, ROOT
from ima2.cli.main import root
from ima2.hookspecs import CollectedSpecs, DispatchedSpecs

DOCS = ROOT / "docs"
PAGES = sorted({*DOCS.rglob("*.md"), *ROOT.glob("*.md"), *ROOT.glob("*/README.md"), *ROOT.glob("plugins/*/README.md")})
COMMAND = re.compile(r"^(?:\$ )?(?:[A-Z0-9_]+=\S+ )*(?:\.venv/bin/)?ima2 (?P<line>[^|>#\n]*)", re.MULTILINE)
INLINE = re.compile(r"`(?:\.venv/bin/)?ima2 (?P<line>[^`]*)`")
BLOCK = re.compile(r"^```[a-z]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")


def relative(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


every_page = pytest.mark.parametrize("page", PAGES, ids=relative)


def test_the_generated_reference_is_up_to_date() -> None:
    """Red? Run `make docs`."""
    script = [sys.executable, str(DOCS / "build_reference.py"), "--check"]
    done = subprocess.run(script, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("specs", [CollectedSpecs, DispatchedSpecs])
def test_each_hook_has_a_heading_and_its_arguments(specs: type) -> None:
    """By another way than the generator's: the arguments' names in the text below the heading."""
    page = (DOCS / "reference" / "hooks.md").read_text(encoding="utf-8")
    for name in (name for name in vars(specs) if name.startswith("ima2_")):
        _, found, below = page.partition(f"\n#### {name}\n")
        assert found, f"{name} has no heading"
        arguments = [
            parameter for parameter in inspect.signature(getattr(specs, name)).parameters if parameter != "self"
        ]
        line = next(line for line in below.splitlines() if f"def {name}(" in line)
        assert re.findall(r"[(,] ?(\w+):", line) == arguments


def test_each_setting_of_a_provider_is_listed() -> None:
    """Names of environment variables, taken from the sources as text."""
    page = (DOCS / "reference" / "settings.md").read_text(encoding="utf-8")
    for provider in PROVIDERS:
        sources = "\n".join(module.path.read_text(encoding="utf-8") for module in provider.modules())
        variables = set(re.findall(r'"(IMA2_[A-Z0-9_]+)"', sources))
        assert [name for name in sorted(variables) if f"`{name}`" not in page] == []


@every_page
def test_commands_in_the_text_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for line in commands_in(text):
        resolve(shlex.split(line), line)


@every_page
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in LINK.findall(text):
        parts = urlsplit(target)
        if parts.scheme:
            continue
        aim = (page.parent / parts.path) if parts.path else page
        assert aim.exists(), f"{target} is not there"
        if parts.fragment:
            assert parts.fragment in anchors(aim), f"{target}: no such heading"


def commands_in(text: str) -> Iterator[str]:
    for block in BLOCK.findall(text):
        yield from (match["line"].strip() for match in COMMAND.finditer(block))
    yield from (match["line"].strip() for match in INLINE.finditer(BLOCK.sub("", text)))


def resolve(words: list[str], line: str) -> None:
    """Follow the words through groups to a command, and see that it knows each option."""
    command: click.Command = root
    context = click.Context(root, info_name="ima2")
    while words and isinstance(command, click.Group) and not words[0].startswith("-"):
        word = words.pop(0)
        found = command.get_command(context, word)
        assert found, f"ima2 {line}: no command {word}"
        command, context = found, click.Context(found, parent=context, info_name=word)
    known = {
        option for parameter in command.get_params(context) for option in (*parameter.opts, *parameter.secondary_opts)
    }
    for word in words:
        option = word.partition("=")[0]
        if re.fullmatch(r"--?[a-z][a-z-]*", option):
            assert option in known, f"ima2 {line}: no option {option}"


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
