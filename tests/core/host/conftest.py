"""Hosts with plugins given as objects, and nothing that happens to be installed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ima2.hookspecs import ProviderInfo, hookimpl
from ima2.kernel.plugins.dispatch import Dispatcher
from ima2.kernel.plugins.host import PluginHost

Make = Callable[..., Dispatcher]


class Provider:
    """A provider by id, with further hooks given as functions."""

    def __init__(self, provider_id: str = "acme", **info: Any) -> None:
        self.info = ProviderInfo(provider_id, provider_id.title(), **info)

    @hookimpl
    def ima2_provider(self) -> ProviderInfo:
        return self.info


@pytest.fixture
def provider() -> type[Provider]:
    return Provider


@pytest.fixture
def make() -> Make:
    """A dispatcher over plugin objects by name."""

    def build(**plugins: object) -> Dispatcher:
        return Dispatcher(PluginHost.load({"IMA2_PLUGINS": "off"}, extra=plugins))

    return build
