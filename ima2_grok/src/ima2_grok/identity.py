"""Who we are to xAI.

The client id is the public one of xAI's own Grok command line, which every tool that shares the sign-in uses; it has no
secret. Requests say in their ``User-Agent`` that they come from ima2.
"""

from __future__ import annotations

from ima2_grok import __version__

CLIENT_ID = "b1a00492-073a-47ea-816f-4c329264a828"
SCOPES = "openid profile email offline_access grok-cli:access api:access"
USER_AGENT = f"ima2-grok/{__version__} (+python)"
LOGIN = "ima2 grok login"
