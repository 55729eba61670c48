"""The server as a process: bound, advertised, alone, stopped with grace."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from ima2.errors import Conflict, InvalidRequest
from ima2.server.listen import bind
from serving import Env

CHILD = Path(__file__).with_name("serve_child.py")
BODY = {"prompt": "a kite", "provider": "fake"}
posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM to catch")


@contextmanager
def child(env: Env, port: int = 0, host: str = "127.0.0.1", grace: float = 20) -> Iterator[subprocess.Popen[str]]:
    own = {**os.environ, **env, "PYTHONPATH": str(CHILD.parents[1])}
    arguments = [sys.executable, str(CHILD), str(port), host, str(grace)]
    with subprocess.Popen(arguments, env=own, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def address(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    assert url, process.communicate()[1]
    return url


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, errors = process.communicate(timeout=40)
    return process.returncode, errors


def server_file(env: Env) -> Path:
    return Path(env["IMA2_CONFIG_DIR"]) / "server.json"


def client(url: str) -> httpx.Client:
    return httpx.Client(base_url=url, trust_env=False, timeout=30)


@posix
def test_it_is_advertised_while_it_runs_and_not_after(env: Env) -> None:
    with child(env) as process:
        url = address(process)
        said = json.loads(server_file(env).read_text())
        assert said.keys() >= {"port", "url", "pid", "startedAt", "version", "backend"}
        assert (said["url"], said["pid"], said["port"]) == (url, process.pid, said["backend"]["actualPort"])
        assert server_file(env).stat().st_mode & 0o077 == 0
        with client(url) as http:
            assert http.get("/api/health").json()["pid"] == process.pid
        process.terminate()
        assert ended(process) == (0, "")
    assert not server_file(env).exists()


@posix
def test_an_advertisement_that_became_another_servers_stays(env: Env) -> None:
    with child(env) as process:
        address(process)
        server_file(env).write_text('{"pid": 1, "url": "http://127.0.0.1:1"}')
        process.send_signal(signal.SIGINT)
        assert ended(process)[0] == 0
    assert json.loads(server_file(env).read_text())["pid"] == 1


def test_a_second_server_is_told_where_the_first_is(env: Env) -> None:
    with child(env) as first:
        url = address(first)
        with child(env) as second:
            code, errors = ended(second)
        assert code == 5
        assert errors.startswith("SERVER_RUNNING")
        assert url in errors
        with client(url) as http:
            assert http.get("/api/health").status_code == 200
        first.kill()
        first.wait()
        with child(env) as third:
            assert address(third)


@posix
def test_a_running_job_may_end_and_no_new_one_begins(env: Env) -> None:
    with child(env) as process:
        url = address(process)
        with client(url) as http:
            begun = http.post("/api/generate", json={**BODY, "prompt": "slow", "async": True, "requestId": "last"})
            assert begun.status_code == 202
            process.terminate()
            while (answer := http.post("/api/generate", json=BODY)).status_code == 200:
                pass
            assert (answer.status_code, answer.json()["code"]) == (503, "SHUTTING_DOWN")
            assert ended(process)[0] == 0
    with child(env) as process, client(address(process)) as http:
        job = http.get("/api/jobs/last").json()
        assert job["state"] == "done"
        assert job["filenames"]


@posix
def test_a_second_signal_ends_at_once_and_the_paid_job_is_asked_about(env: Env) -> None:
    with child(env, grace=3600) as process:
        url = address(process)
        with client(url) as http:
            http.post("/api/generate", json={**BODY, "prompt": "hang", "async": True, "requestId": "hangs"})
            while [call["state"] for call in http.get("/api/jobs/hangs").json()["calls"]] != ["sending"]:
                pass
            process.terminate()
            while http.post("/api/generate", json=BODY).json().get("code") != "SHUTTING_DOWN":
                pass
        process.terminate()
        assert ended(process)[0] == 0
    with child(env) as process, client(address(process)) as http:
        while (job := http.get("/api/jobs/hangs").json())["state"] in ("queued", "running"):
            pass
        assert (job["state"], job["error"]["paid"]) == ("unknown", "maybe")


def test_a_taken_port_leads_to_the_next(env: Env) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with child(env, port) as process:
            url = address(process)
            said = json.loads(server_file(env).read_text())["backend"]
            assert said["configuredPort"] == port
            assert port < said["actualPort"] < port + 20
            assert url.endswith(f":{said['actualPort']}")


def test_only_so_many_ports_are_tried() -> None:
    with bind("127.0.0.1", 0) as taken:
        taken.listen()
        with pytest.raises(Conflict) as caught:
            bind("127.0.0.1", taken.getsockname()[1], tries=1)
        assert caught.value.code == "PORTS_TAKEN"
    with pytest.raises(InvalidRequest):
        bind("192.0.2.1", 0)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5"])
def test_off_loopback_it_does_not_start_without_a_token(env: Env, host: str) -> None:
    with child(env, host=host) as process:
        code, errors = ended(process)
    assert (code, errors.split()[0]) == (2, "LAN_TOKEN_REQUIRED")
    assert not server_file(env).exists()


def test_off_loopback_with_a_token_everything_asks_for_it(env: Env) -> None:
    with child({**env, "IMA2_LAN_TOKEN": "tok"}, host="0.0.0.0") as process, client(address(process)) as http:
        assert http.get("/api/health").status_code == 401
        assert http.get("/api/health", headers={"x-ima2-token": "tok"}).status_code == 200
        assert "tok" not in server_file(env).read_text().replace("token", "")


@posix
def test_an_older_folder_of_clients_is_told_too(env: Env, tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / ".ima2").mkdir(parents=True)
    own = {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / "c"),
        "XDG_DATA_HOME": str(home / "d"),
        "IMA2_PLUGINS": "off",
    }
    with child({**own, "IMA2_CONFIG_DIR": ""}) as process:
        url = address(process)
        assert json.loads((home / ".ima2" / "server.json").read_text())["url"] == url
        process.terminate()
        assert ended(process)[0] == 0
    assert list((home / ".ima2").iterdir()) == []
