"""Sketch keeps the contract."""

from __future__ import annotations

from ima2_kit.contract import ProviderContract


class TestSketch(ProviderContract):
    provider = "sketch"
