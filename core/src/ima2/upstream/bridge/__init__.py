"""A loopback proxy that adds the user's credential, so that any program of this machine can use a sign-in.

::

    async with Bridge(spec, client) as bridge:
        print(bridge.url)              # http://127.0.0.1:18645

It has no users and no passwords: whoever runs programs on this machine may use it, and no page in a browser can.
"""

from __future__ import annotations

from ima2.upstream.bridge.body import Body, Whole
from ima2.upstream.bridge.forward import Answer, Forwarder, Message, headers_of, pass_on
from ima2.upstream.bridge.guard import Target
from ima2.upstream.bridge.listener import Bridge
from ima2.upstream.bridge.spec import BridgeSpec, Handler

__all__ = [
    "Answer",
    "Body",
    "Bridge",
    "BridgeSpec",
    "Forwarder",
    "Handler",
    "Message",
    "Target",
    "Whole",
    "headers_of",
    "pass_on",
]
