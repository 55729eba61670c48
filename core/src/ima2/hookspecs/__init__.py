"""The contract between ima2 and its plugins.

A plugin imports this, ``ima2.models``, ``ima2.errors`` and ``ima2.upstream``, and nothing else of the core.
"""

from __future__ import annotations

from ima2.hookspecs.auth import Ask, Auth, LoginEvent, LoginMethod, LoginSession, OpenUrl, ShowCode, SignedIn
from ima2.hookspecs.collected import CollectedSpecs
from ima2.hookspecs.context import Clock, Context, Credentials, Spool
from ima2.hookspecs.descriptors import (
    Capabilities,
    ClipMode,
    Command,
    DoctorCheck,
    ModelInfo,
    Problem,
    ProviderInfo,
    QuotaWindow,
    Route,
    Service,
    Setting,
    SizeRule,
    Status,
)
from ima2.hookspecs.dispatched import DispatchedSpecs
from ima2.hookspecs.markers import PROJECT, hookimpl, hookspec

__all__ = [
    "PROJECT",
    "Ask",
    "Auth",
    "Capabilities",
    "ClipMode",
    "Clock",
    "CollectedSpecs",
    "Command",
    "Context",
    "Credentials",
    "DispatchedSpecs",
    "DoctorCheck",
    "LoginEvent",
    "LoginMethod",
    "LoginSession",
    "ModelInfo",
    "OpenUrl",
    "Problem",
    "ProviderInfo",
    "QuotaWindow",
    "Route",
    "Service",
    "Setting",
    "ShowCode",
    "SignedIn",
    "SizeRule",
    "Spool",
    "Status",
    "hookimpl",
    "hookspec",
]
