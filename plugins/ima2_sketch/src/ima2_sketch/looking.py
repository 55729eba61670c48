"""From a turn to words: what can be measured in its images. Sketch understands nothing, and says so."""

from __future__ import annotations

import asyncio
import colorsys
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ima2.models import ConverseEvent, Phase, Reply, Request, Step, Text, Turn
from PIL import Image, ImageChops

from ima2_sketch.trouble import fail, hang

if TYPE_CHECKING:
    from ima2.hookspecs import Context

SAMPLE = (64, 64)
"""Pixels that are looked at: enough for colours, and the same for every size."""
PALE, DARK, LIGHT = 0.18, 0.16, 0.85
"""Below this saturation there is no colour; below or above these values no light or no dark."""
CHANGED = 24
"""Of 255: a smaller difference of a pixel is compression."""
_HUES = (
    (15, "red"),
    (45, "orange"),
    (70, "yellow"),
    (165, "green"),
    (200, "turquoise"),
    (255, "blue"),
    (290, "violet"),
    (340, "pink"),
    (361, "red"),
)
_LIGHT = ((64, "dark"), (112, "rather dark"), (152, "of middle light"), (200, "bright"), (256, "very bright"))


@dataclass(frozen=True, slots=True)
class Look:
    """A measured image: pixels, mean light 0-255, the two colours that fill most of it."""

    width: int
    height: int
    light: float
    colours: tuple[str, ...]

    def __str__(self) -> str:
        word = next(word for limit, word in _LIGHT if self.light < limit)
        return f"{self.width}x{self.height}, {word}, mostly {' and '.join(self.colours)}"


def looking_steps(request: Request) -> Sequence[Step]:
    """The one line of a dry run."""
    return [Step(name="reply", summary=f"measure {len(request.references)} image(s) on this computer", paid=False)]


async def look(turn: Turn, context: Context) -> AsyncGenerator[ConverseEvent, None]:
    """Measure the images of the turn. Heeds the settings ``delay`` and ``fail``."""
    paths = [context.open(reference) for message in turn.messages for reference in message.references]
    yield Phase(name="reply")
    fail(context.settings, "before")
    fail(context.settings, "refuse")
    sentences = await asyncio.to_thread(_sentences, paths)
    said: list[str] = []
    for place, sentence in enumerate(sentences):
        await context.clock.sleep(float(context.settings.get("delay") or 0) / len(sentences))
        said.append(sentence)
        yield Text(delta=sentence if place == 0 else f" {sentence}")
        if place == 0:
            fail(context.settings, "middle")
            await hang(context.settings)
    yield Reply(text="" if context.settings.get("fail") == "empty" else " ".join(said))


def _sentences(paths: Sequence[Path]) -> list[str]:
    about = "Sketch measures pictures and understands nothing of them."
    if not paths:
        return [about, "There is no picture here."]
    names = ["The first picture", *["The next"] * (len(paths) - 2), "The last"] if len(paths) > 1 else ["The picture"]
    looks = [f"{name} is {measured(path)}." for name, path in zip(names, paths, strict=True)]
    return [about, *looks, *([_difference(paths[0], paths[-1])] if len(paths) > 1 else [])]


def measured(path: Path) -> Look:
    """What one image is like."""
    with Image.open(path) as image:
        small = image.convert("RGB").resize(SAMPLE)
        light = _mean(small.convert("L"))
        counted = Counter(name_of(pixel) for pixel in _pixels(small))
        return Look(image.width, image.height, light, tuple(name for name, _ in counted.most_common(2)))


def name_of(pixel: tuple[int, int, int]) -> str:
    """The everyday name of a colour."""
    hue, saturation, value = colorsys.rgb_to_hsv(*(channel / 255 for channel in pixel))
    if value < DARK:
        return "black"
    if saturation < PALE:
        return "white" if value > LIGHT else "grey"
    return next(name for limit, name in _HUES if hue * 360 < limit)


def _difference(first: Path, last: Path) -> str:
    with Image.open(first) as one, Image.open(last) as other:
        before, after = one.convert("L").resize(SAMPLE), other.convert("L").resize(SAMPLE)
    changed = sum(ImageChops.difference(before, after).histogram()[CHANGED:]) / (SAMPLE[0] * SAMPLE[1])
    gain = _mean(after) - _mean(before)
    light = "as bright as it was" if abs(gain) < 2 else "brighter" if gain > 0 else "darker"
    return f"From the first to the last {changed:.0%} of it changed, and it is {light}."


def _mean(grey: Image.Image) -> float:
    histogram = grey.histogram()
    return sum(value * count for value, count in enumerate(histogram)) / sum(histogram)


def _pixels(image: Image.Image) -> Sequence[tuple[int, int, int]]:
    data = image.tobytes()
    return [(data[at], data[at + 1], data[at + 2]) for at in range(0, len(data), 3)]
