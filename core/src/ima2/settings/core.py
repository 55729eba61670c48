"""The settings of ima2 itself; a provider's own are in its ``ProviderInfo``."""

from __future__ import annotations

from ima2.hookspecs.descriptors import Setting

PORT = Setting(
    "port",
    "integer",
    3333,
    env=("IMA2_PORT", "PORT"),
    key="server.port",
    minimum=0,
    maximum=65535,
    help="Port of the local server; 0 is any.",
)
HOST = Setting("host", default="127.0.0.1", env=("IMA2_HOST",), key="server.host", help="Address the server binds.")
LAN_TOKEN = Setting(
    "lan_token", env=("IMA2_LAN_TOKEN",), secret=True, help="What clients must show when the server leaves loopback."
)
BODY_LIMIT = Setting(
    "body_limit", default="50mb", env=("IMA2_BODY_LIMIT",), key="server.bodyLimit", help="Largest request body."
)
PUBLIC_ORIGINS = Setting(
    "public_origins",
    env=("IMA2_PUBLIC_ORIGINS",),
    key="server.publicOrigins",
    help="Further origins the server answers to, comma-separated: https://studio.example.",
)
PROVIDERS_ORDER = Setting(
    "providers_order",
    env=("IMA2_PROVIDERS_ORDER",),
    key="providers.order",
    help="Providers that auto prefers, comma-separated, first one first.",
)
MAX_PARALLEL = Setting(
    "max_parallel",
    "integer",
    24,
    env=("IMA2_MAX_PARALLEL",),
    key="limits.maxParallel",
    minimum=1,
    help="Jobs that run at once in a process.",
)
HISTORY_PAGE = Setting(
    "history_page",
    "integer",
    50,
    env=("IMA2_HISTORY_PAGE_SIZE",),
    key="history.defaultPageSize",
    minimum=1,
    help="Entries of a history page.",
)
HISTORY_MAX_PAGE = Setting(
    "history_max_page",
    "integer",
    500,
    env=("IMA2_HISTORY_MAX_PAGE",),
    key="history.maxPageCap",
    minimum=1,
    help="Entries of the largest history page.",
)
LOG_LEVEL = Setting(
    "log_level",
    default="info",
    env=("IMA2_LOG_LEVEL",),
    key="log.level",
    choices=("debug", "info", "warn", "error"),
    help="What the log shows.",
)

CORE: tuple[Setting, ...] = (
    PORT,
    HOST,
    LAN_TOKEN,
    BODY_LIMIT,
    PUBLIC_ORIGINS,
    PROVIDERS_ORDER,
    MAX_PARALLEL,
    HISTORY_PAGE,
    HISTORY_MAX_PAGE,
    LOG_LEVEL,
)
