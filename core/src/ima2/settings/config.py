"""``config.json``: what the user has set, kept as the user wrote it."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ima2.errors import Conflict, InvalidRequest
from ima2.settings.atomic import write_atomic

LOCK_SECONDS = 10.0
"""How long a writer waits for another one."""

_logger = logging.getLogger(__name__)
_Stamp = tuple[int, int, int, int] | None


class ConfigFile:
    """A JSON object in groups (``{"server": {"port": 3333}}``), addressed by dotted keys (``server.port``).

    Reads follow the file: an edit by hand or by another process counts at once. Writes keep every key they don't know.
    """

    def __init__(self, path: Path, *, lock_seconds: float = LOCK_SECONDS) -> None:
        self.path = path
        self._lock_seconds = lock_seconds
        self._seen: tuple[_Stamp, dict[str, Any]] = (None, {})

    def values(self) -> Mapping[str, Any]:
        """The whole content; don't change it.

        A file that can't be understood leaves the last good content in force (at the start: nothing), with one warning
        for each state of the file.
        """
        stamp, content = self._seen
        current = self._stamp()
        if current != stamp:
            try:
                content = self.read()
            except InvalidRequest as error:
                _logger.warning("%s Ignored.", error.message)
            self._seen = (current, content)
        return content

    def read(self) -> dict[str, Any]:
        """The content from the disk, ``{}`` when there is no file.

        :raises InvalidRequest: ``CONFIG_MALFORMED`` or ``CONFIG_UNREADABLE``, naming the file and the line.
        """
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise InvalidRequest(
                f"{self.path} can't be read: {error.strerror or error}.", code="CONFIG_UNREADABLE"
            ) from error
        return _parse(self.path, data)

    def get(self, key: str) -> Any:
        """The value at a dotted key; None when it is not set."""
        return lookup(self.values(), key)

    def set(self, key: str, value: Any) -> None:
        """Set one key; on disk before this returns.

        :raises InvalidRequest: ``CONFIG_MALFORMED`` (nothing is overwritten), ``INVALID_SETTING`` when a part of
            the key holds a plain value already.
        :raises Conflict: ``CONFIG_LOCKED``.
        """

        def change(content: dict[str, Any]) -> bool:
            *groups, last = _parts(key)
            _group(content, groups, key)[last] = value
            return True

        self._rewrite(change)

    def remove(self, key: str) -> bool:
        """Forget one key, and the groups that this leaves empty; whether it was set. Raises like :meth:`set`."""
        return self._rewrite(lambda content: _remove(content, _parts(key)))

    def _rewrite(self, change: Callable[[dict[str, Any]], bool]) -> bool:
        with self._locked():
            content = self.read()
            changed = change(content)
            if changed:
                text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
                write_atomic(self.path, text.encode(), mode=0o600)
        return changed

    @contextmanager
    def _locked(self) -> Iterator[None]:
        # filelock brings asyncio along; reading settings needs neither.
        import filelock

        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = filelock.FileLock(self.path.with_name(self.path.name + ".lock"), timeout=self._lock_seconds)
        try:
            lock.acquire()
        except filelock.Timeout as error:
            raise Conflict(
                f"{self.path} is being changed by another process; nothing was written.",
                code="CONFIG_LOCKED",
                retryable=True,
            ) from error
        try:
            yield
        finally:
            lock.release()

    def _stamp(self) -> _Stamp:
        try:
            stat = self.path.stat()
        except OSError:
            return None
        return stat.st_mtime_ns, stat.st_size, stat.st_ino, stat.st_dev


def lookup(content: Mapping[str, Any], key: str) -> Any:
    """The value at a dotted key; None when any part of the way is missing."""
    value: Any = content
    for part in key.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    return value


def _parts(key: str) -> list[str]:
    parts = key.split(".")
    if not all(parts):
        raise InvalidRequest(f"{key!r} is not a key such as server.port.", code="INVALID_SETTING")
    return parts


def _group(content: dict[str, Any], names: list[str], key: str) -> dict[str, Any]:
    """The group that ``names`` lead to; missing ones are made."""
    group = content
    for name in names:
        inner = group.setdefault(name, {})
        if not isinstance(inner, dict):
            raise InvalidRequest(
                f"{key} can't be set: {name} holds a plain value in the file, not a group.", code="INVALID_SETTING"
            )
        group = inner
    return group


def _remove(content: dict[str, Any], parts: list[str]) -> bool:
    head, *rest = parts
    if not rest:
        return content.pop(head, None) is not None
    inner = content.get(head)
    removed = isinstance(inner, dict) and _remove(inner, rest)
    if removed and not inner:
        del content[head]
    return removed


def _parse(path: Path, data: bytes) -> dict[str, Any]:
    if not data.strip():
        return {}
    try:
        # Editors on Windows like to begin a file with a byte-order mark.
        content = json.loads(data.decode("utf-8-sig"), parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise _malformed(path, f"line {error.lineno}, column {error.colno}: {error.msg}") from error
    except RecursionError as error:
        raise _malformed(path, "nested too deeply") from error
    except ValueError as error:
        raise _malformed(path, str(error)) from error
    if not isinstance(content, dict):
        raise _malformed(path, "line 1: not a JSON object")
    return content


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _malformed(path: Path, why: str) -> InvalidRequest:
    return InvalidRequest(
        f"{path} is not valid JSON ({why}).",
        code="CONFIG_MALFORMED",
        hint=f"Correct {path.name}, or move it away to begin anew.",
    )
