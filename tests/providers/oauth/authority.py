"""OpenAI's sign-in service and the ChatGPT service behind it, on a real socket: refresh tokens are good for one use."""

from __future__ import annotations

import base64
import hashlib
import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from aiohttp import web
from ima2_kit.context import QuickClock
from xai_auth import jwt

NOW = QuickClock().now()
EMAIL = "ann@example.com"
ACCOUNT = "11111111-2222-3333-4444-555555555555"
CODE = "code-0123456789"
DAYS = 10 * 86400
TOKEN = "/oauth/token"
USAGE = "/backend-api/wham/usage"
CODEX = "/backend-api/codex"
DEVICE = "/api/accounts/deviceauth"


def access(number: int, *, begin: float = NOW, lives: float = DAYS, **more: Any) -> str:
    """An access token."""
    auth = {"chatgpt_account_id": ACCOUNT, "chatgpt_plan_type": "plus"}
    return jwt(
        **{"https://api.openai.com/auth": auth, "iat": int(begin), "exp": int(begin + lives), "n": number, **more}
    )


def identity(**more: Any) -> str:
    auth = {"chatgpt_account_id": ACCOUNT, "chatgpt_plan_type": "plus"}
    return jwt(**{"https://api.openai.com/auth": auth, "email": EMAIL, **more})


def reused() -> dict[str, Any]:
    said = "Your refresh token has already been used to generate a new access token. Please try signing in again."
    return {"error": {"message": said, "type": "invalid_request_error", "param": None, "code": "refresh_token_reused"}}


@dataclass
class Seen:
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Authority:
    """Answers as the services do, or what ``say`` has put before that.

    :ivar valid: the refresh token that works; using it makes the next one.
    :ivar pending: how often the code was not typed yet.
    :ivar agreed: the query of the page where the user agreed.
    :ivar leaves_out: fields missing from token answers.
    :ivar meanwhile: happens while a question about tokens is under way.
    """

    valid: str = "refresh-0"
    pending: int = 0
    agreed: Mapping[str, str] = field(default_factory=dict)
    leaves_out: tuple[str, ...] = ()
    usage: Any = None
    meanwhile: Callable[[], object] = lambda: None
    seen: list[Seen] = field(default_factory=list)
    url: str = ""
    _said: dict[str, deque[Any]] = field(default_factory=dict)
    _made: int = 0

    def say(self, path: str, status: int, body: Any = None, *, times: int = 1, **headers: str) -> None:
        """Answer the next requests to ``path`` with this; text is sent as HTML. Status 0 drops the connection."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._said.setdefault(path, deque()).extend([(status, body, named)] * times)

    def requests(self, path: str) -> list[Seen]:
        return [each for each in self.seen if each.path == path]

    @property
    def refreshes(self) -> list[Any]:
        return [each.json for each in self.requests(TOKEN) if each.headers["content-type"] == "application/json"]

    async def __aenter__(self) -> Self:
        self._runner = web.ServerRunner(web.Server(self._answer, access_log=None), shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        seen = Seen(request.method, request.path, dict(request.query), headers, await request.read())
        self.seen.append(seen)
        if request.path == TOKEN:
            self.meanwhile()
        if queue := self._said.get(request.path):
            status, body, said = queue.popleft()
            if status == 0:
                assert request.transport is not None
                request.transport.abort()
                return web.Response()
            if isinstance(body, str):
                return web.Response(status=status, text=body, content_type="text/html", headers=said)
            return web.json_response(body, status=status, headers=said)
        return await self._as_the_service(request, seen)

    async def _as_the_service(self, request: web.BaseRequest, seen: Seen) -> web.StreamResponse:
        if request.path == TOKEN:
            return self._tokens_for(seen, {name: str(value) for name, value in (await request.post()).items()})
        if request.path == f"{DEVICE}/usercode":
            return web.json_response({"device_auth_id": "device-1", "user_code": "ABCD-EFGHI", "interval": "5"})
        if request.path == f"{DEVICE}/token":
            return self._typed(seen.json)
        if request.path == USAGE:
            return web.json_response(self.usage or {"plan_type": "plus", "rate_limit": None})
        return web.Response(status=200 if request.path in ("/", "/oauth/revoke") else 404)

    def _typed(self, body: Any) -> web.Response:
        if self.pending:
            self.pending -= 1
            return web.json_response({"error": {"code": "deviceauth_authorization_pending"}}, status=403)
        if body != {"device_auth_id": "device-1", "user_code": "ABCD-EFGHI"}:
            return web.json_response({"error": "invalid_request"}, status=400)
        verifier = "made-by-the-service-0123456789012345678901234567890"
        self.agreed = {"redirect_uri": f"{self.url}/deviceauth/callback", "code_challenge": _challenge(verifier)}
        return web.json_response({"authorization_code": CODE, "code_challenge": "c", "code_verifier": verifier})

    def _tokens_for(self, seen: Seen, form: Mapping[str, str]) -> web.Response:
        if not form:
            if seen.json["refresh_token"] != self.valid:
                return web.json_response(reused(), status=401)
            return self._tokens()
        right = form["code"] == CODE and form["redirect_uri"] == self.agreed["redirect_uri"]
        if not right or _challenge(form["code_verifier"]) != self.agreed["code_challenge"]:
            return web.json_response({"error": "invalid_grant", "error_description": "Not that code."}, status=400)
        return self._tokens()

    def _tokens(self) -> web.Response:
        self._made += 1
        self.valid = f"refresh-{self._made}"
        answer = {"access_token": access(self._made), "refresh_token": self.valid, "id_token": identity()}
        return web.json_response({name: value for name, value in answer.items() if name not in self.leaves_out})


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
