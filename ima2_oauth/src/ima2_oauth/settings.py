"""The provider's settings: names, environment variables and places in ``config.json`` that existing set-ups use.

The service is undocumented and may move any day, so its addresses and names are settings, not constants.
"""

from __future__ import annotations

from ima2.hookspecs import Setting

from ima2_oauth import __version__

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

SETTINGS = (*SIGN_IN, *BRIDGE)
