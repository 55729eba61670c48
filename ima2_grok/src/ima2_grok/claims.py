"""What xAI's access tokens say of whom they are for."""

from __future__ import annotations

from ima2.upstream.jwt import claims

TIERS = (
    "Free",
    "SuperGrok",
    "X Basic",
    "X Premium",
    "X Premium+",
    "SuperGrok Heavy",
    "SuperGrok Lite",
    "SuperGrok Plus",
)
"""By the number in the claim ``tier`` (xAI's own command line, 2026-08)."""


def plan(access_token: str) -> str | None:
    """The subscription's name; None when the token does not say, or says a new one."""
    tier = claims(access_token).get("tier")
    if isinstance(tier, int) and not isinstance(tier, bool) and 0 <= tier < len(TIERS):
        return TIERS[tier]
    return None


def principal(access_token: str) -> dict[str, str]:
    """The two fields that a team's sign-in sends along when it is renewed; nothing for a person's."""
    said = claims(access_token)
    found = {name: said.get(name) for name in ("principal_type", "principal_id")}
    return {name: value for name, value in found.items() if isinstance(value, str)} if all(found.values()) else {}
