"""The entry point of ``ima2``."""

from __future__ import annotations

import errno
import logging
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, NoReturn

import click

from ima2.cli import failure
from ima2.cli.lazy import LazyGroup
from ima2.errors import Ima2Error

if TYPE_CHECKING:
    from ima2.hookspecs import Context

_COMMANDS: Mapping[str, tuple[str, str]] = {
    "generate": ("ima2.cli.generate:generate", "Make pictures from a prompt (alias: gen)."),
    "edit": ("ima2.cli.generate:edit", "Change a picture."),
    "video": ("ima2.cli.video:video", "Make a clip, and work on one."),
    "ls": ("ima2.cli.gallery:ls", "List the gallery, newest first."),
    "show": ("ima2.cli.gallery:show", "Tell all about one picture."),
    "history": ("ima2.cli.gallery:history", "Remove, restore and mark pictures."),
    "metadata": ("ima2.cli.gallery:metadata", "Read the settings a picture carries."),
    "export": ("ima2.cli.exporting:export", "Copy a picture with its settings inside."),
    "ps": ("ima2.cli.jobs:ps", "List the jobs under way."),
    "cancel": ("ima2.cli.jobs:cancel", "Stop a job."),
    "jobs": ("ima2.cli.jobs:jobs", "Look at jobs, and answer for interrupted ones."),
    "repair": ("ima2.cli.jobs:repair", "Rebuild the index from the files."),
    "providers": ("ima2.cli.providers:providers", "List the providers and whether they are ready."),
    "models": ("ima2.cli.providers:models", "List the models and what each is for."),
    "plugins": ("ima2.cli.plugins:plugins", "List the plugins, and why one failed to load."),
    "capabilities": ("ima2.cli.providers:capabilities", "Everything a program may want to know, as JSON."),
    "setup": ("ima2.cli.setup:setup", "Choose how to pay for pictures, and sign in."),
    "login": ("ima2.cli.signin:login", "Sign in to a provider."),
    "logout": ("ima2.cli.signin:logout", "Forget a provider's sign-in."),
    "status": ("ima2.cli.signin:status", "Tell who is signed in where."),
    "quota": ("ima2.cli.quota:quota", "Tell what is left of your plans."),
    "defaults": ("ima2.cli.defaults:defaults", "The model and reasoning used when none is named."),
    "config": ("ima2.cli.settings:config", "Read and change settings."),
    "doctor": ("ima2.cli.doctor:doctor", "Find what is wrong here."),
    "serve": ("ima2.cli.server:serve", "Open the local studio."),
    "open": ("ima2.cli.server:open_", "Open the studio, or a picture."),
    "ping": ("ima2.cli.server:ping", "Ask whether a server is running."),
    "completion": ("ima2.cli.completion:completion", "Print the completion script of a shell."),
}
_ALIASES = {"gen": "generate", "inflight": "jobs"}


def _plugin_commands(context: click.Context) -> Mapping[str, tuple[str, str]]:
    from ima2.cli.plugins import commands

    return commands(context)


root = LazyGroup(
    "ima2",
    help="Make images and videos from the terminal, with the subscription or the key you have.",
    epilog='Begin with:  ima2 generate "a red kite over the sea"',
    lazy=_COMMANDS,
    aliases=_ALIASES,
    extra=_plugin_commands,
)


@asynccontextmanager
async def open_context(provider: str) -> AsyncIterator[Context]:
    """What a plugin's command finds as its click object: a context of a provider, outside a job."""
    from ima2.kernel.opening import open_studio

    async with open_studio() as studio, studio.contexts.outside_job(studio.host.provider(provider)) as context:
        yield context


def run(args: Sequence[str]) -> int:
    """Run one command line and return its exit status; errors are printed."""
    as_json = failure.wants_json(args)
    try:
        return int(root.main(list(args), prog_name="ima2", standalone_mode=False, obj=open_context) or 0)
    except failure.Ending as ending:
        failure.report(ending.error, as_json=as_json)
        return ending.exit_code
    except Ima2Error as error:
        failure.report(error, as_json=as_json)
        return error.exit_code
    except click.ClickException as error:
        return failure.report_click(error, as_json=as_json)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        return failure.INTERRUPTED
    except BrokenPipeError:
        raise
    except Exception as error:
        full = isinstance(error, OSError) and error.errno == errno.ENOSPC
        if full or os.environ.get("IMA2_LOG_LEVEL") == "debug":
            raise
        failure.report(failure.unexpected(error), as_json=as_json)
        return 1


def main() -> NoReturn:
    """Console script ``ima2``."""
    # A plugin that does not load is a line of `ima2 plugins` and `ima2 doctor`, not of every command.
    logging.getLogger("ima2.kernel.plugins.host").setLevel(logging.ERROR)
    for stream in (sys.stdout, sys.stderr):
        # A prompt in Korean must not end a run on a terminal that can't show it.
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="backslashreplace")
    try:
        code = run(sys.argv[1:])
        sys.stdout.flush()
    except OSError as error:
        # The reader has left (`ima2 ls | head`) or the disk behind stdout is full; without this Python complains while
        # it closes stdout. A full disk of our own is a StorageFailed.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            click.echo(f"✗ stdout can't be written: {error.strerror}. What was made is kept: ima2 ls", err=True)
        code = 1
    sys.exit(code)
