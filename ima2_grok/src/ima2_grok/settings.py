"""The provider's settings: names, environment variables and places in ``config.json`` that existing set-ups use."""

from __future__ import annotations

from ima2.hookspecs import Setting

from ima2_grok.catalogue import BASE, PLANNER
from ima2_grok.video.settings import VIDEO

SIGN_IN = (
    Setting(
        "base_url",
        default="https://api.x.ai/v1",
        env=("IMA2_XAI_BASE_URL",),
        key="grokProvider.baseUrl",
        help="Address of the API, with its /v1.",
    ),
    Setting(
        "auth_url",
        default="https://auth.x.ai",
        env=("IMA2_XAI_AUTH_URL",),
        key="grokProvider.authUrl",
        help="Address of the sign-in, without a path.",
    ),
    Setting(
        "home",
        env=("IMA2_CONFIG_DIR",),
        help="Folder that holds .progrok/auth.json, the sign-in that tools share; else the home folder.",
    ),
    Setting(
        "api_key",
        env=("XAI_API_KEY",),
        key="xaiApiKey",
        secret=True,
        help="An xAI key, used when nobody is signed in. Better: ima2 grok login.",
    ),
)

BRIDGE = (
    Setting(
        "bridge_host",
        default="127.0.0.1",
        env=("IMA2_GROK_PROXY_HOST",),
        key="grokProvider.proxyHost",
        help="Loopback address of the bridge.",
    ),
    Setting(
        "bridge_port",
        "integer",
        default=18645,
        env=("IMA2_GROK_PROXY_PORT",),
        key="grokProvider.proxyPort",
        minimum=0,
        maximum=65535,
        help="Port of the bridge; when it is taken, or 0, any other.",
    ),
    Setting(
        "no_bridge",
        "boolean",
        default=False,
        env=("IMA2_NO_GROK_PROXY",),
        key="grokProvider.disableAutoStart",
        help="Whether ima2 serve leaves the bridge out.",
    ),
)

PIPELINE = (
    Setting(
        "image_model",
        default=BASE,
        env=("IMA2_GROK_IMAGE_MODEL_DEFAULT",),
        key="grokProvider.defaultImageModel",
        shared="model",
        help="The model that draws pictures.",
    ),
    Setting(
        "planner_model",
        default=PLANNER,
        env=("IMA2_GROK_PLANNER_MODEL",),
        key="grokProvider.plannerModel",
        per_request=True,
        kinds=("image", "video"),
        help="The text model that searches the web and writes the final prompt.",
    ),
    Setting(
        "text_model",
        default=PLANNER,
        env=("IMA2_GROK_TEXT_MODEL_DEFAULT",),
        key="grokProvider.defaultTextModel",
        help="The model that looks at clips and answers in words.",
    ),
    Setting(
        "planner_timeout_ms",
        "integer",
        default=60_000,
        env=("IMA2_GROK_PLANNER_TIMEOUT_MS",),
        key="grokProvider.plannerTimeoutMs",
        minimum=1,
        help="Milliseconds for the search, and as many for the planner; a repeat is part of them.",
    ),
    Setting(
        "generation_timeout_ms",
        "integer",
        default=120_000,
        env=("IMA2_GROK_GENERATION_TIMEOUT_MS",),
        key="grokProvider.generationTimeoutMs",
        minimum=1,
        help="Milliseconds for the paid image call.",
    ),
    Setting(
        "download_timeout_ms",
        "integer",
        default=30_000,
        env=("IMA2_GROK_DOWNLOAD_TIMEOUT_MS",),
        key="grokProvider.downloadTimeoutMs",
        minimum=1,
        help="Milliseconds for the download of a picture.",
    ),
)

SETTINGS = (*PIPELINE, *VIDEO, *SIGN_IN, *BRIDGE)
