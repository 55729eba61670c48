"""The colours of one picture, chosen from the meanings in its prompt."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ima2_sketch.drawing.colour import Colour, mix, oklch

# Hues in degrees of OKLCH.
COLOUR_HUES = {
    "red": 25.0,
    "orange": 55.0,
    "yellow": 92.0,
    "green": 148.0,
    "teal": 195.0,
    "blue": 255.0,
    "purple": 300.0,
    "pink": 355.0,
    "grey": 260.0,
}
SUBJECT_HUES = {
    "sea": 225.0,
    "mountain": 255.0,
    "city": 275.0,
    "forest": 155.0,
    "meadow": 130.0,
    "dunes": 65.0,
    "planet": 290.0,
    "person": 20.0,
    "snow": 240.0,
    "rain": 245.0,
    "night": 275.0,
    "dusk": 35.0,
    "day": 230.0,
}
COATS = {
    "cat": (0.36, 0.03, 280.0),
    "fox": (0.66, 0.15, 50.0),
    "bear": (0.45, 0.07, 55.0),
    "rabbit": (0.86, 0.03, 60.0),
}
"""Animal → lightness, chroma and hue when the prompt names no colour."""


@dataclass(frozen=True, slots=True)
class Tone:
    """A time of day: lightness (0–1) of the sky's top and foot, of the farthest and the nearest layer; chroma."""

    high: float
    low: float
    far: float
    near: float
    chroma: float


TONES = {
    "day": Tone(0.78, 0.95, 0.80, 0.42, 0.085),
    "dusk": Tone(0.50, 0.86, 0.66, 0.26, 0.115),
    "night": Tone(0.20, 0.46, 0.40, 0.15, 0.08),
}
DUSK_TOP, DUSK_FOOT, NIGHT_TOP = 310.0, 60.0, 278.0
"""Hues of the sky. Warm hues turn to mud when they darken, so only cool ones tint a dark sky."""


@dataclass(frozen=True, slots=True)
class Palette:
    """``high`` and ``low`` colour the sky, ``far`` and ``near`` the layers, ``light`` sun, moon and windows."""

    high: Colour
    low: Colour
    far: Colour
    near: Colour
    light: Colour
    accent: Colour
    second: Colour
    coat: Colour
    paper: Colour
    ink: Colour
    dark: bool

    def layer(self, depth: float) -> Colour:
        """The colour at ``depth``, 0 far to 1 near."""
        return mix(self.far, self.near, depth)


def choose(found: Sequence[str], rng: random.Random) -> Palette:
    """Known colour words rule, then subjects; what is left open is the seed's."""
    time = _time(found, rng)
    tone, chroma, lift = TONES[time], TONES[time].chroma * _strength(found), 0.35 if "pale" in found else 0.0
    hue, turn = _hue(found, rng), rng.random()
    partner = hue + (28 + 24 * turn) * (1 if rng.random() < 0.5 else -1)
    contrast = hue + 150 + 60 * turn
    top, foot = _sky_hues(time, hue, partner)

    def shade(lightness: float, strength: float, of: float) -> Colour:
        return oklch(lightness + lift * (1 - lightness) * (time != "night"), strength, of)

    return Palette(
        high=shade(tone.high, chroma, top),
        low=shade(tone.low, chroma * 0.9, foot),
        far=shade(tone.far, chroma, partner),
        near=shade(tone.near, chroma * 0.8, hue),
        light=oklch(0.95, 0.06, 80 if time == "dusk" else 95),
        accent=oklch(0.68, 0.17, contrast),
        second=oklch(0.80, 0.12, contrast + 45),
        coat=_coat(found),
        paper=oklch(0.965, 0.012, 85),
        ink=oklch(0.28, 0.03, hue),
        dark=time == "night",
    )


def _time(found: Collection[str], rng: random.Random) -> str:
    drawn = ("day", "day", "dusk")[int(rng.random() * 3)]
    if "planet" in found:
        return "night"
    return next((name for name in found if name in TONES), "day" if "snow" in found else drawn)


def _strength(found: Collection[str]) -> float:
    for name, factor in (("grey", 0.12), ("vivid", 1.8), ("pale", 0.6)):
        if name in found and not (name == "grey" and _animal(found)):
            return factor
    return 1.0


def _hue(found: Sequence[str], rng: random.Random) -> float:
    """A colour beside an animal is that of its coat; else it colours everything."""
    drift = rng.random()
    for hues, spread in (({} if _animal(found) else COLOUR_HUES, 10), (SUBJECT_HUES, 36)):
        if hue := next((hues[name] for name in found if name in hues), None):
            return hue + (drift - 0.5) * spread
    return drift * 360


def _sky_hues(time: str, hue: float, partner: float) -> tuple[float, float]:
    cool = 170 < hue % 360 < 340
    if time == "dusk":
        return (hue if cool else DUSK_TOP), DUSK_FOOT
    if time == "night":
        return (hue if cool else NIGHT_TOP), partner
    return hue, partner


def _coat(found: Collection[str]) -> Colour:
    named = next((name for name in found if name in COLOUR_HUES), None)
    if named == "grey":
        return oklch(0.55, 0.01, 260)
    if named:
        return oklch(0.66, 0.15, COLOUR_HUES[named])
    return oklch(*COATS[_animal(found) or "cat"])


def _animal(found: Collection[str]) -> str | None:
    return next((name for name in found if name in COATS), None)
