"""Fixtures for authors of providers. Loaded by every pytest run where the kit is installed, so it imports little."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ima2_kit.context import KitContext

pytest.register_assert_rewrite("ima2_kit.contract")


@pytest.fixture
def ima2_context(tmp_path: Path) -> Callable[..., AbstractAsyncContextManager[KitContext]]:
    """Contexts in the folder of the test.

    Arguments as for :func:`ima2_kit.context.open_context`, without the folder::

        async with ima2_context(info, settings={"base_url": url}) as context: ...
    """
    from ima2_kit.context import open_context

    return partial(open_context, folder=tmp_path)
