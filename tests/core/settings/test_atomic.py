from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from ima2.settings.atomic import sync_folder, write_atomic


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_writes_and_replaces_and_leaves_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "config.json"
    write_atomic(target, b"one")
    write_atomic(target, b"two")
    assert target.read_bytes() == b"two"
    assert names(tmp_path) == ["config.json"]


def test_makes_the_folder_private(tmp_path: Path) -> None:
    write_atomic(tmp_path / "credentials" / "key.json", b"{}")
    assert mode_of(tmp_path / "credentials") == 0o700


@pytest.mark.parametrize("umask", [0o000, 0o022])
def test_mode_is_private_under_any_umask(tmp_path: Path, umask: int) -> None:
    target = tmp_path / "key.json"
    before = os.umask(umask)
    try:
        write_atomic(target, b"{}")
    finally:
        os.umask(before)
    assert mode_of(target) == 0o600


def test_a_wider_old_mode_is_not_kept(tmp_path: Path) -> None:
    target = tmp_path / "key.json"
    target.write_bytes(b"old")
    target.chmod(0o644)
    write_atomic(target, b"new")
    assert mode_of(target) == 0o600


def test_a_symlink_stays_and_its_target_changes(tmp_path: Path) -> None:
    real = tmp_path / "dotfiles" / "real.json"
    real.parent.mkdir()
    real.write_bytes(b"old")
    link = tmp_path / "link.json"
    link.symlink_to(real)
    write_atomic(link, b"new")
    assert link.is_symlink()
    assert real.read_bytes() == b"new"


def test_a_target_that_cannot_be_replaced_leaves_no_temporary_file(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError, match="taken"):
        write_atomic(tmp_path / "taken", b"x")
    assert names(tmp_path) == ["taken"]


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from ima2.settings.atomic import write_atomic
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    write_atomic(Path(sys.argv[1]), b"x" * 100_000)
except OSError as error:
    sys.exit(7)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="POSIX limits")
def test_a_write_that_does_not_fit_keeps_the_old_content(tmp_path: Path) -> None:
    target = tmp_path / "config.json"
    write_atomic(target, b"old")
    ended = subprocess.run([sys.executable, "-c", FULL_DISK, str(target)], check=False)
    assert ended.returncode == 7
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == ["config.json"]


def test_parallel_writers_leave_one_whole_content(tmp_path: Path) -> None:
    target = tmp_path / "config.json"
    contents = [bytes([letter]) * 50_000 for letter in b"abcdefgh"]
    threads = [threading.Thread(target=write_atomic, args=(target, content)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert target.read_bytes() in contents
    assert names(tmp_path) == ["config.json"]


def test_syncing_a_folder_that_is_gone_is_no_error(tmp_path: Path) -> None:
    sync_folder(tmp_path / "gone")
