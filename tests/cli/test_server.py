"""With a server and without one: the same commands, the same results."""

from __future__ import annotations

import http.server
import json
import re
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

VOLATILE = {"requestId", "elapsed", "createdAt", "filename", "path", "url", "stored"}


def _steady(value: Any) -> Any:
    """What must be equal: everything but ids, times and places."""
    if isinstance(value, dict):
        return {name: _steady(each) for name, each in value.items() if name not in VOLATILE}
    if isinstance(value, str):
        return re.sub(r"req_\w+", "req", value)
    return [_steady(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    "args",
    [
        ("-n", "1"),
        ("-n", "3", "--seed", "5"),
        ("-f", "webp", "--background", "transparent", "--reasoning-effort", "low"),
        ("--ref", "a.png"),
        ("-n", "2", "-o", "out.png", "--force"),
        ("--no-save",),
        ("--dry-run", "-n", "4"),
        ("--fail", "refuse"),
        ("--fail", "middle"),
        ("--fail", "empty"),
        ("--fail", "hang", "--timeout", "1"),
        ("--size", "1x1"),
        ("--provider", "nobody"),
        ("--model", "nothing"),
    ],
)
def test_the_same_result(cli: Any, server: str, args: tuple[str, ...]) -> None:
    Image.new("RGB", (32, 32), "red").save(cli.home / "a.png")
    here, there = cli.sketch("kite", "--local", "--json", *args), cli.sketch("kite", "--json", *args)
    assert here.code == there.code
    if "--dry-run" in args:
        here.json["request"].pop("id"), there.json["request"].pop("id")
        assert here.json.keys() == there.json.keys()
        assert here.json["steps"] == there.json["steps"]
    else:
        assert _steady(here.json) == _steady(there.json)
        assert here.json.keys() == there.json.keys()
    assert _steady(here.err) == _steady(there.err)
    assert here.json["requestId" if "requestId" in here.json else "ok"] != there.json.get("requestId", "")


def test_edit_is_the_same(cli: Any, server: str) -> None:
    Image.new("RGB", (64, 64), "red").save(cli.home / "a.png")
    Image.new("RGBA", (64, 64), (0, 0, 0, 0)).save(cli.home / "mask.png")
    line = ("edit", "a.png", "-p", "blue", "--provider", "sketch", "--mask", "mask.png", "--json")
    here, there = cli(*line, "--local"), cli(*line)
    assert (here.code, there.code) == (0, 0), (here.err, there.err)
    assert _steady(here.json) == _steady(there.json)


LISTS = (
    "ls --json",
    "ls --session s1 --json",
    "ls --favorites --json",
    "ps --terminal --json",
    "jobs ls --json",
    "jobs ls --state failed --json",
    "show {file} --json",
    "show {id} --metadata --json",
    "jobs show {id} --json",
    "jobs show nobody --json",
    "jobs drop {id} --json",
    "jobs retry {id} --json",
    "jobs resume {id} --json",
    "cancel {id} --json",
    "cancel nobody --json",
    "history rm nothing.png --json",
    "history rm ../../secret --json",
    "ls",
    "ps",
    "jobs ls",
    "providers",
    "models",
)


def test_lists_are_the_same(cli: Any, serve: Any) -> None:
    made = cli.sketch("kite", "--session", "s1", "--json").json
    cli.sketch("kite", "--fail", "before")
    filename = made["images"][0]["filename"]
    assert cli("history", "favorite", filename, "--json").json == {"isFavorite": True}
    asked = [line.format(id=made["requestId"], file=filename).split() for line in LISTS]
    here = [cli(*words) for words in asked]
    with serve():
        there = [cli(*words) for words in asked]
    for line, one, other in zip(LISTS, here, there, strict=True):
        assert (line, one.code, one.out, one.err) == (line, other.code, other.out, other.err)


@pytest.mark.parametrize("question", ["models", "providers"])
def test_what_there_is_is_the_same(cli: Any, serve: Any, question: str) -> None:
    here = cli(question, "--json").json[question]
    with serve():
        assert cli(question, "--json").json[question] == here


def test_a_running_server_does_the_work(cli: Any, server: str) -> None:
    answer = cli.sketch("kite", "--json").json
    assert answer["images"][0]["url"].startswith(server)
    assert Path(answer["images"][0]["path"]) == cli.gallery[0]
    assert cli.sketch("kite", "--local", "--json").json["images"][0]["url"].startswith("/generated/")


def test_a_server_elsewhere_sends_the_bytes(cli: Any, server: str) -> None:
    elsewhere = {"IMA2_CONFIG_DIR": str(cli.home / "other")}
    made = cli.sketch("kite", "--server", server, "-o", "out.png", "--json", env=elsewhere)
    assert made.code == 0, made.err
    assert (cli.home / "out.png").read_bytes() == cli.gallery[0].read_bytes()
    only_there = cli.sketch("kite", "--server", server, "--json", env=elsewhere).json["images"][0]
    assert only_there["path"] is None
    assert only_there["url"].startswith(server)
    assert not (cli.home / "other" / "generated").exists()


def test_ima2_server_names_one_too(cli: Any, server: str) -> None:
    elsewhere = {"IMA2_CONFIG_DIR": str(cli.home / "other"), "IMA2_SERVER": server}
    assert cli("ping", "--json", env=elsewhere).json["base"] == server
    assert cli("ls", "--json", env=elsewhere).json["items"] == []
    silent = cli.sketch("kite", "--json", env={**elsewhere, "IMA2_SERVER": "http://127.0.0.1:1"})
    assert silent.code == 0
    assert "IMA2_SERVER" in silent.err


def test_ping(cli: Any, serve: Any) -> None:
    refused = cli("ping", "--json")
    assert refused.code == 3
    assert refused.json.keys() == {"ok", "error"}
    with serve() as url:
        pong = cli("ping", "--json")
        assert pong.code == 0
        assert pong.json["ok"] is True
        assert pong.json["base"] == url
        assert pong.json["pid"]
    assert cli("ping").code == 3


def test_a_stale_advertisement_is_not_believed(cli: Any) -> None:
    with _stranger(json.dumps({"ok": True, "pid": 1}).encode()) as (url, seen):
        (cli.home / "ima2").mkdir()
        (cli.home / "ima2" / "server.json").write_text(json.dumps({"url": url, "pid": 2, "port": "x", "backend": 7}))
        assert cli.sketch("kite", env={"IMA2_LAN_TOKEN": "secret-token"}).code == 0
    assert {path for path, _ in seen} == {"/api/health"}
    assert not any("secret-token" in str(headers) for _, headers in seen)


def test_a_named_server_gets_the_token(cli: Any) -> None:
    with _stranger(json.dumps({"ok": True, "pid": 1}).encode()) as (url, seen):
        cli("ping", "--server", url, env={"IMA2_LAN_TOKEN": "secret-token"})
    assert [headers["x-ima2-token"] for _, headers in seen] == ["secret-token"]


def test_redirects_are_not_followed(cli: Any) -> None:
    with _stranger(b"", redirect="http://127.0.0.1:1/") as (url, seen):
        assert cli("ls", "--server", url, "--json").json["code"] == "SERVER_UNREACHABLE"
    assert [path for path, _ in seen] == ["/api/health"]


@pytest.mark.parametrize("body", [b"", b"[]", b"nonsense", b'{"ok": false}'])
def test_not_every_server_is_ours(cli: Any, body: bytes) -> None:
    with _stranger(body) as (url, _):
        assert cli("ping", "--server", url).code == 3


def test_capabilities(cli: Any, serve: Any) -> None:
    assert cli("capabilities", "--require-server").code == 3
    here = cli("capabilities").json
    assert here["source"] == "local"
    assert "generate" in here["commands"]
    with serve():
        there = cli("capabilities", "--require-server").json
    assert there["source"] == "server"
    assert there["server"].startswith("http://127.0.0.1:")
    assert {**there, "source": "local", "server": None} == here


def test_two_servers_of_one_house(cli: Any, server: str) -> None:
    second = cli("serve", "--port", "0", "--json")
    assert second.json["code"] == "SERVER_RUNNING"
    assert server in second.json["error"]


def test_a_bind_address_without_a_token_is_refused(cli: Any) -> None:
    refused = cli("serve", "--host", "0.0.0.0", "--port", "0", "--json")
    assert refused.json["code"] == "LAN_TOKEN_REQUIRED"
    assert refused.code != 0


@contextmanager
def _stranger(health: bytes, redirect: str | None = None) -> Iterator[tuple[str, list[tuple[str, dict[str, str]]]]]:
    """Another program that answers at an address."""
    seen: list[tuple[str, dict[str, str]]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
            self.send_response(302 if redirect else 200)
            if redirect:
                self.send_header("Location", redirect)
            self.end_headers()
            self.wfile.write(health)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        threading.Thread(target=listener.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listener.server_port}", seen
        listener.shutdown()


def test_the_key_of_openai_goes_by_the_name_existing_clients_use(server: str) -> None:
    with urllib.request.urlopen(f"{server}/api/keys/status") as answer:
        assert json.load(answer)["openai"] == {"configured": False, "source": "none", "valid": False, "maskedKey": None}
    body = json.dumps({"apiKey": "no-such-prefix"}).encode()
    request = urllib.request.Request(
        f"{server}/api/keys/openai", body, {"Content-Type": "application/json"}, method="PUT"
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)
    with refused.value as answer:
        assert json.load(answer)["code"] == "INVALID_KEY_FORMAT"
