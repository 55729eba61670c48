"""The provider's settings: names, environment variables and places in ``config.json`` that existing set-ups use.

The service is undocumented and may move any day, so its addresses and names are settings, not constants.
"""

from __future__ import annotations

from ima2.hookspecs import Setting

from ima2_oauth import __version__
from ima2_oauth.catalogue import DEFAULT_HOST, EFFORTS

SIGN_IN = (
    Setting(
        "base_url",
        default="https://chatgpt.com/backend-api/codex",
        env=("IMA2_CODEX_BASE_URL",),
        key="oauth.baseUrl",
        help="Address of the service, with its /backend-api/codex.",
    ),
    Setting(
        "auth_url",
        default="https://auth.openai.com",
        env=("IMA2_OPENAI_AUTH_URL",),
        key="oauth.authUrl",
        help="Address of the sign-in, without a path.",
    ),
    Setting(
        "usage_url",
        env=("IMA2_CODEX_USAGE_URL",),
        key="oauth.usageUrl",
        help="Address of the quota; else wham/usage beside the service.",
    ),
    Setting(
        "client_id",
        default="app_EMoamEEZ73f0CkXaXp7hrann",
        env=("IMA2_OPENAI_CLIENT_ID",),
        key="oauth.clientId",
        help="The public id that signs in with ChatGPT; it has no secret.",
    ),
    Setting(
        "scope",
        default="openid profile email offline_access",
        env=("IMA2_OPENAI_SCOPE",),
        key="oauth.scope",
        help="What the browser sign-in asks for.",
    ),
    Setting(
        "login_ports",
        default="1455,1457",
        env=("IMA2_OPENAI_LOGIN_PORTS",),
        key="oauth.loginPorts",
        help="Where the browser may come back to; OpenAI has registered these two.",
    ),
    Setting(
        "originator",
        default="ima2",
        env=("IMA2_CODEX_ORIGINATOR",),
        key="oauth.originator",
        help="Who we say we are; never the name of an official client.",
    ),
    Setting(
        "user_agent",
        default=f"ima2-oauth/{__version__} (+python)",
        env=("IMA2_CODEX_USER_AGENT",),
        key="oauth.userAgent",
        help="The same, in the User-Agent header.",
    ),
    Setting(
        "client_version",
        default="0.169.0",
        env=("IMA2_CODEX_CLIENT_VERSION",),
        key="oauth.clientVersion",
        help="Codex version whose model list is asked for; a low one hides newer models.",
    ),
    Setting(
        "codex_home",
        env=("CODEX_HOME",),
        key="oauth.codexHome",
        help="Folder with Codex's auth.json; else .codex in the home folder.",
    ),
    Setting(
        "use_codex",
        "boolean",
        default=True,
        env=("IMA2_OAUTH_USE_CODEX",),
        key="oauth.useCodex",
        help="Whether Codex's sign-in is used when ima2 has none of its own.",
    ),
    Setting(
        "refresh_early",
        "number",
        default=300.0,
        env=("IMA2_OAUTH_REFRESH_EARLY",),
        key="oauth.refreshEarlySeconds",
        minimum=0,
        help="Seconds before its end at which ima2's own sign-in is renewed.",
    ),
    Setting(
        "auth_timeout",
        "number",
        default=30.0,
        env=("IMA2_OPENAI_AUTH_TIMEOUT",),
        key="oauth.authTimeoutSeconds",
        minimum=0.05,
        help="Seconds the sign-in service may take for an answer.",
    ),
    Setting(
        "login_timeout",
        "number",
        default=300.0,
        env=("IMA2_OAUTH_LOGIN_TIMEOUT",),
        key="oauth.loginTimeoutSeconds",
        minimum=0.05,
        help="Seconds the browser has to come back.",
    ),
    Setting(
        "usage_timeout",
        "number",
        default=8.0,
        env=("IMA2_CODEX_USAGE_TIMEOUT",),
        key="oauth.usageTimeoutSeconds",
        minimum=0.05,
        help="Seconds the quota may take.",
    ),
)

BRIDGE = (
    Setting(
        "bridge_port",
        "integer",
        default=10531,
        env=("IMA2_OAUTH_PROXY_PORT", "OAUTH_PORT"),
        key="oauth.proxyPort",
        minimum=0,
        maximum=65535,
        help="Port of the bridge on 127.0.0.1; when it is taken, or 0, any other.",
    ),
    Setting(
        "no_bridge",
        "boolean",
        default=False,
        env=("IMA2_NO_OAUTH_PROXY",),
        key="oauth.disableAutoStart",
        help="Whether ima2 serve leaves the bridge out.",
    ),
)

IMAGES = (
    Setting(
        "model",
        default=DEFAULT_HOST,
        env=("IMA2_IMAGE_MODEL_DEFAULT",),
        key="imageModels.default",
        shared="model",
        help="The model that reads the prompt and calls the image tool on the Responses route.",
    ),
    Setting(
        "reasoning_effort",
        default="low",
        env=("IMA2_REASONING_EFFORT",),
        key="imageModels.reasoningEffort",
        shared="reasoning",
        choices=EFFORTS,
        help="How long that model thinks; medium and more take the Responses route.",
    ),
    Setting(
        "route",
        default="auto",
        env=("IMA2_OAUTH_ROUTE",),
        key="oauth.route",
        per_request=True,
        choices=("auto", "responses", "images"),
        help="responses: search, reasoning, drafts, masks, a chosen model. images: transparency. auto: what is needed.",
    ),
    Setting(
        "web_search",
        "boolean",
        default=False,
        env=("IMA2_OAUTH_WEB_SEARCH",),
        key="oauth.webSearch",
        help="Whether requests that leave it open may search the web, which takes the Responses route.",
    ),
    Setting(
        "masked_edit",
        "boolean",
        default=False,
        env=("IMA2_OAUTH_MASKED_EDIT_ENABLED",),
        key="oauth.maskedEdit",
        per_request=True,
        help="Whether a mask is sent, though the service may not keep to it.",
    ),
    Setting(
        "force_image_tool",
        "boolean",
        default=True,
        env=("IMA2_OAUTH_FORCE_IMAGE_TOOL_CHOICE",),
        key="oauth.forceImageTool",
        help="When false, a model that may search chooses its tools itself, and may answer without a picture.",
    ),
    Setting(
        "generation_timeout",
        "number",
        default=400_000.0,
        env=("IMA2_OAUTH_GENERATION_TIMEOUT_MS",),
        key="oauth.generationTimeoutMs",
        minimum=50,
        help="Milliseconds a picture may take.",
    ),
)

SETTINGS = (*IMAGES, *SIGN_IN, *BRIDGE)
