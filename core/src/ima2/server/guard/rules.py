"""The guard's decisions on a request head, in their order. Each raises or lets pass.

Everything is decided on the raw ``Host`` header and the raw target, never on ``request.url``: that is put together
from what the client wrote, and can be made to say another host or another path.
"""

from __future__ import annotations

import hmac

from aiohttp import web

from ima2.errors import Forbidden, Ima2Error, InvalidRequest
from ima2.server.guard.hosts import allows
from ima2.server.guard.policy import Policy

READS = frozenset({"GET", "HEAD"})
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_OWN_SITES = frozenset({"same-origin", "none"})
RAW_IMAGES = frozenset({"image/png", "image/jpeg", "image/webp"})
"""Bodies of an import. A page of another site can't send these types without a preflight, which is never granted."""


def judge(request: web.BaseRequest, policy: Policy, *, raw_image: bool = False) -> None:
    """Run all rules.

    :param raw_image: the route takes the bytes of a picture.
    :raises Ima2Error: 400, 401, 403, 405 or 415.
    """
    _target(request)
    _method(request)
    host = _host(request, policy)
    _origin(request, policy, host)
    _token(request, policy)
    _content_type(request, raw_image)


def _target(request: web.BaseRequest) -> None:
    if not request.raw_path.startswith("/"):
        raise InvalidRequest("The request target is no path.", code="INVALID_TARGET")


def _method(request: web.BaseRequest) -> None:
    if request.method not in READS | WRITES:
        raise InvalidRequest(f"{request.method[:20]} is not served.", code="METHOD_NOT_ALLOWED", status=405)


def _host(request: web.BaseRequest, policy: Policy) -> str:
    values = request.headers.getall("Host", [])
    if len(values) != 1 or not allows(policy.bind_host, policy.public_hosts, values[0]):
        raise Forbidden(
            "This host name is not served.",
            code="LOCAL_HOST_REJECTED",
            hint="use http://localhost or 127.0.0.1, or name the origin in IMA2_PUBLIC_ORIGINS",
        )
    return values[0].lower()


def _origin(request: web.BaseRequest, policy: Policy, host: str) -> None:
    origins = request.headers.getall("Origin", [])
    sites = request.headers.getall("Sec-Fetch-Site", [])
    foreign_site = any(site not in _OWN_SITES for site in sites)
    allowed = {f"http://{host.removesuffix(':80')}", *policy.public_origins}
    if foreign_site or len(origins) > 1 or any(origin not in allowed for origin in origins):
        raise Forbidden("Pages of another origin are not served.", code="LOCAL_ORIGIN_REJECTED")


def _token(request: web.BaseRequest, policy: Policy) -> None:
    if policy.token is None:
        return
    shown = request.headers.get("x-ima2-token") or request.query.get("token") or ""
    if not hmac.compare_digest(shown.encode("utf-8", "replace"), policy.token.encode()):
        raise Ima2Error(
            "This server asks for its token.",
            code="LAN_TOKEN_REQUIRED",
            status=401,
            hint="send it as the header x-ima2-token; its owner set it as IMA2_LAN_TOKEN",
        )


def _content_type(request: web.BaseRequest, raw_image: bool) -> None:
    if request.method not in WRITES or (request.method == "DELETE" and not request.can_read_body):
        return
    given = request.headers.getall("Content-Type", [])
    kind = given[0].partition(";")[0].strip().lower() if len(given) == 1 else ""
    if kind != "application/json" and not (raw_image and kind in RAW_IMAGES):
        raise Ima2Error(
            "Changes are made with Content-Type: application/json" + (" or an image type." if raw_image else "."),
            code="JSON_REQUIRED",
            status=415,
        )
