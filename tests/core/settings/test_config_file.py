"""``config.json``: read, followed, rewritten, never ruined."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import filelock
import pytest
from ima2.errors import Conflict, InvalidRequest
from ima2.settings.config import ConfigFile


@pytest.fixture
def file(tmp_path: Path) -> ConfigFile:
    return ConfigFile(tmp_path / "config.json")


def test_a_missing_file_is_empty_and_stays_missing(file: ConfigFile) -> None:
    assert file.values() == {}
    assert file.get("server.port") is None
    assert file.remove("server.port") is False
    assert not file.path.exists()


def test_set_get_remove_keep_what_they_do_not_know(file: ConfigFile) -> None:
    file.path.write_text(json.dumps({"apiKey": "k", "server": {"port": 1, "odd": [1]}, "plugins": {"x": None}}))
    file.set("server.port", 8080)
    file.set("grokProvider.plannerModel", "grok-é")
    assert file.get("server.port") == 8080
    assert file.remove("grokProvider.plannerModel") is True
    assert file.remove("grokProvider.plannerModel") is False
    assert json.loads(file.path.read_text("utf-8")) == {
        "apiKey": "k",
        "server": {"port": 8080, "odd": [1]},
        "plugins": {"x": None},
    }


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_the_file_is_the_users_alone(file: ConfigFile) -> None:
    file.path.write_text("{}")
    file.path.chmod(0o644)
    file.set("apiKey", "secret")
    assert file.path.stat().st_mode & 0o777 == 0o600


def test_an_edit_by_hand_counts_at_once(file: ConfigFile) -> None:
    file.set("server.port", 1)
    assert file.get("server.port") == 1
    file.path.write_text('{"server": {"port": 20}}')
    assert [file.get("server.port"), file.get("server.port")] == [20, 20]
    ConfigFile(file.path).set("server.port", 30)
    assert file.get("server.port") == 30
    file.path.unlink()
    assert file.get("server.port") is None


@pytest.mark.parametrize(
    ("text", "part"),
    [
        (b'{"a": 1,\n "b": }', "line 2"),
        (b'{"a": 1', "line 1"),
        (b"[1, 2]", "not a JSON object"),
        (b'"text"', "not a JSON object"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": "\xff"}', "utf-8"),
        (b'{"a": ' + b"9" * 5000 + b"}", "digits"),
        (b"[" * 100_000, "deep"),
    ],
)
def test_a_malformed_file_is_reported_ignored_and_never_overwritten(
    file: ConfigFile, text: bytes, part: str, caplog: pytest.LogCaptureFixture
) -> None:
    file.path.write_bytes(text)
    assert file.values() == {}
    assert file.values() == {}
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    for act in (file.read, lambda: file.set("a", 1), lambda: file.remove("a")):
        with pytest.raises(InvalidRequest) as caught:
            act()
        assert caught.value.code == "CONFIG_MALFORMED"
        assert str(file.path) in caught.value.message
        assert part in caught.value.message
    assert file.path.read_bytes() == text


def test_the_last_good_content_outlives_a_bad_edit(file: ConfigFile, caplog: pytest.LogCaptureFixture) -> None:
    file.set("server.port", 5)
    assert file.get("server.port") == 5
    file.path.write_text("{")
    assert file.get("server.port") == 5
    file.path.write_text('{"server": {"port": 6}}')
    assert file.get("server.port") == 6


def test_an_empty_file_and_a_byte_order_mark_are_fine(file: ConfigFile) -> None:
    file.path.write_bytes(b" \n")
    assert file.values() == {}
    file.path.write_bytes(b'\xef\xbb\xbf{"server": {"port": 7}}')
    assert file.get("server.port") == 7


def test_a_folder_in_its_place_is_said_so(file: ConfigFile) -> None:
    file.path.mkdir()
    with pytest.raises(InvalidRequest) as caught:
        file.read()
    assert caught.value.code == "CONFIG_UNREADABLE"
    assert file.values() == {}


@pytest.mark.parametrize("key", ["", ".", "server.", ".port", "a..b"])
def test_a_key_with_holes_is_refused(file: ConfigFile, key: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        file.set(key, 1)
    assert caught.value.code == "INVALID_SETTING"


def test_a_value_in_the_way_of_a_group_is_kept(file: ConfigFile) -> None:
    file.set("server", "mine")
    with pytest.raises(InvalidRequest, match="server holds a plain value"):
        file.set("server.port", 1)
    assert file.remove("server.port") is False
    assert file.get("server") == "mine"


def test_removing_the_last_key_of_a_group_removes_the_group(file: ConfigFile) -> None:
    file.set("a.b.c", 1)
    file.set("d", False)
    assert file.remove("a.b.c") is True
    assert file.read() == {"d": False}


def test_a_value_that_is_no_json_changes_nothing(file: ConfigFile) -> None:
    file.set("a", 1)
    for value in (float("inf"), object()):
        with pytest.raises((TypeError, ValueError)):
            file.set("b", value)
    assert file.read() == {"a": 1}


def test_writers_in_threads_and_processes_lose_nothing(file: ConfigFile) -> None:
    code = (
        "import sys; from pathlib import Path; from ima2.settings.config import ConfigFile\n"
        "f = ConfigFile(Path(sys.argv[1]))\n"
        "for i in range(15): f.set(f'{sys.argv[2]}.k{i}', i)"
    )
    children = [subprocess.Popen([sys.executable, "-c", code, str(file.path), name]) for name in ("p", "q")]
    threads = [
        threading.Thread(target=lambda n=n: [ConfigFile(file.path).set(f"t{n}.k{i}", i) for i in range(15)])
        for n in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [child.wait() for child in children] == [0, 0]
    expected = {f"k{i}": i for i in range(15)}
    assert file.read() == dict.fromkeys(("p", "q", "t0", "t1", "t2"), expected)


def test_a_lock_held_elsewhere_is_named(file: ConfigFile) -> None:
    impatient = ConfigFile(file.path, lock_seconds=0.05)
    with filelock.FileLock(file.path.with_name("config.json.lock")), pytest.raises(Conflict) as caught:
        impatient.set("a", 1)
    assert caught.value.code == "CONFIG_LOCKED"
    assert not file.path.exists()
    impatient.set("a", 1)
    assert file.get("a") == 1
