"""From a setting to its value: request, environment, ``config.json``, default, in this order."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ima2.errors import InvalidRequest
from ima2.hookspecs.descriptors import ProviderInfo, Setting
from ima2.settings.config import ConfigFile, lookup
from ima2.settings.core import MAX_PARALLEL, PROVIDERS_ORDER

Origin = Literal["request", "env", "config", "default"]

_TRUE = frozenset({"1", "true", "yes"})
_FALSE = frozenset({"0", "false", "no"})
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Value:
    """A setting's value and where it comes from: ``source`` is the variable, the key or the field."""

    value: Any
    origin: Origin
    source: str


def resolve(setting: Setting, *, env: Mapping[str, str], config: Mapping[str, Any], override: Any = None) -> Value:
    """The value in force. Nothing (None, an empty string) in one place leaves it to the next.

    :raises InvalidRequest: ``INVALID_SETTING``, naming the place and what would be right.
    """
    if not _unset(override):
        return Value(convert(setting, override, setting.field), "request", setting.field)
    for variable in setting.env:
        if text := env.get(variable):
            return Value(_from_env(setting, text, variable), "env", variable)
    if setting.key and not _unset(found := lookup(config, setting.key)):
        return Value(convert(setting, found, setting.key), "config", setting.key)
    return Value(setting.default, "default", setting.field)


def convert(setting: Setting, raw: Any, source: str) -> Any:
    """``raw``, text or JSON, as the setting's type. A list of strings becomes ``a,b``.

    :raises InvalidRequest: ``INVALID_SETTING``; the message names ``source``, and the value unless it is secret.
    """
    value: Any = _CONVERTERS[setting.type](raw)
    if value is None:
        raise _invalid(setting, raw, source, _EXPECTED[setting.type])
    if setting.choices and value not in setting.choices:
        raise _invalid(setting, raw, source, "one of " + ", ".join(setting.choices))
    if setting.minimum is not None and value < setting.minimum:
        raise _invalid(setting, raw, source, f"{setting.minimum} or more")
    if setting.maximum is not None and value > setting.maximum:
        raise _invalid(setting, raw, source, f"{setting.maximum} or less")
    return value


def effective(
    settings: Iterable[Setting],
    *,
    env: Mapping[str, str],
    config: Mapping[str, Any],
    overrides: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Values by setting name.

    :raises InvalidRequest: ``INVALID_SETTING``; ``UNKNOWN_FIELD`` for an override of what a request may not change.
    """
    given, known = dict(overrides or {}), tuple(settings)
    changeable = {setting.name for setting in known if setting.per_request and not setting.secret}
    if refused := sorted(given.keys() - changeable):
        raise InvalidRequest(
            f"A request can't set {', '.join(refused)}; it can set: {', '.join(sorted(changeable)) or 'nothing'}.",
            code="UNKNOWN_FIELD",
            field=refused[0],
        )
    return {
        setting.name: resolve(setting, env=env, config=config, override=given.get(setting.name)).value
        for setting in known
    }


class SettingsView:
    """Settings as they are now: the file is followed, the environment is the one given."""

    def __init__(self, config: ConfigFile, env: Mapping[str, str] = os.environ) -> None:
        self.config = config
        self.env = env

    def resolve(self, setting: Setting) -> Value:
        """One value with its origin. Raises like :func:`resolve`."""
        return resolve(setting, env=self.env, config=self.config.values())

    def for_provider(self, info: ProviderInfo, overrides: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """A provider's settings by name, with a request's own values over them. Raises like :func:`effective`."""
        return effective(info.settings, env=self.env, config=self.config.values(), overrides=overrides)

    def providers_order(self) -> tuple[str, ...]:
        """Provider ids in the order the user prefers."""
        names = str(self.resolve(PROVIDERS_ORDER).value or "").split(",")
        return tuple(name.strip() for name in names if name.strip())

    def limit_parallel(self) -> int:
        """How many jobs may run at once in this process."""
        return int(self.resolve(MAX_PARALLEL).value)


def _unset(value: Any) -> bool:
    return value is None or value == ""


def _from_env(setting: Setting, text: str, variable: str) -> Any:
    # Existing clients take every unknown word in a variable for false.
    if setting.type == "boolean":
        return text.strip().lower() in _TRUE
    return convert(setting, text, variable)


def _boolean(raw: Any) -> bool | None:
    if isinstance(raw, bool):
        return raw
    word = str(raw).strip().lower()
    return True if word in _TRUE else False if word in _FALSE else None


def _integer(raw: Any) -> int | None:
    if isinstance(raw, bool):
        return None
    if isinstance(raw, float):
        return int(raw) if raw.is_integer() else None
    text = str(raw).strip()
    return int(text) if _INTEGER.fullmatch(text) else None


def _number(raw: Any) -> float | None:
    if isinstance(raw, bool) or not isinstance(raw, int | float | str):
        return None
    try:
        number = float(raw)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _string(raw: Any) -> str | None:
    if isinstance(raw, list) and all(isinstance(part, str) for part in raw):
        return ",".join(raw)
    if isinstance(raw, bool) or not isinstance(raw, str | int | float):
        return None
    return str(raw)


_CONVERTERS = {"string": _string, "integer": _integer, "number": _number, "boolean": _boolean}
_EXPECTED = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false (1, yes, 0, no)",
}


def _invalid(setting: Setting, raw: Any, source: str, expected: str) -> InvalidRequest:
    shown = "the value" if setting.secret else repr(raw)[:80]
    return InvalidRequest(f"{source}: {shown} is not {expected}.", code="INVALID_SETTING", field=source)
