"""What comes out: the right size and format, the same each time, and marked as a sketch."""

from __future__ import annotations

import io
import random

import pytest
from ima2_kit.conformance.pictures import picture
from ima2_sketch.drawing.sheet import Sheet
from PIL import Image, ImageChops

SMALL = "256x192"


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def test_the_default_is_a_square_png(sketch) -> None:
    drawn = sketch()
    assert (opened(drawn.bytes).format, opened(drawn.bytes).size) == ("PNG", (1024, 1024))
    assert drawn.media.claimed == {"size": "1024x1024", "format": "png", "seed": 0}


@pytest.mark.parametrize("size", ["64x64", "64x4096", "4096x64", "65x65", "199x4096", "1537x1023", "4096x4096"])
def test_any_size_from_64_to_4096(sketch, size: str) -> None:
    assert opened(sketch(size=size).bytes).size == tuple(map(int, size.split("x")))


@pytest.mark.parametrize("format_name", ["png", "jpeg", "webp"])
def test_each_format_says_that_it_is_a_sketch_and_not_of_what(sketch, format_name: str) -> None:
    drawn = sketch("a prompt-that-must-not-be-embedded", size=SMALL, format=format_name)
    image = opened(drawn.bytes)
    assert image.format == format_name.upper()
    assert drawn.media.media_type == f"image/{format_name}"
    assert "ima2 sketch" in {image.info.get("Software"), image.getexif().get(0x0131)}
    assert b"must-not-be-embedded" not in drawn.bytes


def test_compression_is_quality(sketch) -> None:
    worst, usual, best = (len(sketch(size=SMALL, format="jpeg", compression=level).bytes) for level in (0, None, 100))
    assert worst < usual < best


def test_the_same_words_and_seed_give_the_same_bytes(sketch) -> None:
    assert sketch("바다 sea", seed=9, size=SMALL).bytes == sketch("바다 sea", seed=9, size=SMALL).bytes


def test_another_seed_prompt_or_place_gives_another_picture(sketch) -> None:
    made = [
        sketch(size=SMALL),
        sketch(size=SMALL, seed=1),
        sketch("a red fox in the rain", size=SMALL),
        sketch(size=SMALL, index=2),
        sketch(size="192x256"),
    ]
    assert len({drawn.bytes for drawn in made}) == len(made)


def test_several_pictures_count_their_seeds_up(sketch) -> None:
    """So that the third of a row can be drawn again alone."""
    third = sketch(size=SMALL, seed=5, index=2)
    assert third.media.claimed["seed"] == 7
    assert third.bytes == sketch(size=SMALL, seed=7).bytes
    assert sketch(size=SMALL, seed=2**32 - 1, index=1).media.claimed["seed"] == 0


@pytest.mark.parametrize("size", ["64x64", "256x192", "1024x1024"])
def test_the_mark_is_on_it(sketch, size: str) -> None:
    """The seal has a flat colour of its own, whatever is drawn behind it."""
    image = opened(sketch("a city", size=size).bytes).convert("RGB")
    sheet = Sheet.of(*image.size)
    middle = (image.width // 2, round(image.height * 0.84))
    if sheet.foot:
        middle = (image.width - sheet.margin - sheet.letters * 2, image.height - sheet.foot // 2)
    around = image.crop((middle[0] - 8, middle[1] - sheet.letters, middle[0] + 8, middle[1] + sheet.letters))
    count, _ = max(around.getcolors(around.width * around.height))
    assert count > around.width * around.height / 5


HOSTILE = [
    "",
    " \t\r\n ",
    "\x00\x1b[31mred\x07",
    "\u202eevil\u202d \u2066x\u2069 \ufeff\u200b\u200d",
    "z" + "\u0334\u0300\u0489" * 2000,
    "x" * 32_000,
    "字" * 32_000,
    "a b " * 8000,
    "🙂👩‍👩‍👧 family",
    "\U000e0041\ud7ff\ue000\U0010fffd",
    "<script>alert(1)</script> %s {0} ../../etc/passwd",
    "مرحبا بالعالم שלום ไทย हिन्दी 한국어 日本語 Ελληνικά русский",
]


@pytest.mark.parametrize("prompt", HOSTILE, ids=range(len(HOSTILE)))
def test_any_prompt_is_only_text(sketch, prompt: str) -> None:
    assert opened(sketch(prompt, size="320x240").bytes).size == (320, 240)


def test_a_caption_is_set_beneath(sketch) -> None:
    """Two prompts without a word between them that matters differ in the margin."""
    feet = [opened(sketch(prompt, size="512x512").bytes).crop((0, 480, 400, 512)) for prompt in ("fox", "fox fox fox")]
    assert ImageChops.difference(*feet).getbbox()
    empty = opened(sketch("", size="512x512").bytes).convert("RGB").crop((0, 480, 400, 512))
    assert len(empty.getcolors()) == 1


def test_references_lie_on_the_drawing(sketch) -> None:
    plain = opened(sketch("sea", size="512x512").bytes)
    cards = [(picture(width=40 + number, colour="red"), "reference") for number in range(5)]
    for count in (1, 5):
        changed = ImageChops.difference(plain, opened(sketch("sea", size="512x512", inputs=cards[:count]).bytes))
        assert changed.crop((100, 200, 412, 440)).getbbox()
        assert not changed.crop((0, 470, 512, 512)).getbbox(), "the caption is untouched"


def test_an_edit_has_the_size_of_its_source(sketch) -> None:
    source = picture(width=333, height=222)
    assert opened(sketch(operation="edit", inputs=[(source, "source")]).bytes).size == (333, 222)
    assert opened(sketch(operation="edit", inputs=[(source, "source")], size="auto").bytes).size == (333, 222)
    assert opened(sketch(operation="edit", inputs=[(source, "source")], size=SMALL).bytes).size == (256, 192)


@pytest.mark.parametrize(("given", "made"), [((9000, 90), (4096, 64)), ((10, 20), (64, 64)), ((30, 4096), (64, 4096))])
def test_a_source_beyond_the_limits_is_brought_within(sketch, given, made) -> None:
    source = picture(width=given[0], height=given[1])
    assert opened(sketch(operation="edit", inputs=[(source, "source")]).bytes).size == made


@pytest.mark.parametrize(
    ("file_format", "mode"), [("JPEG", "L"), ("PNG", "P"), ("PNG", "I;16"), ("WEBP", "RGBA"), ("JPEG", "CMYK")]
)
def test_inputs_of_any_mode(sketch, file_format: str, mode: str) -> None:
    out = io.BytesIO()
    Image.new(mode, (80, 60)).save(out, file_format)
    for role, operation in (("source", "edit"), ("reference", "generate")):
        assert sketch(operation=operation, inputs=[(out.getvalue(), role)], size=SMALL).media


def masked(edge: int = 400, hole: tuple[int, int, int, int] | None = (100, 150, 300, 350)) -> tuple[bytes, bytes]:
    """A noisy source, and a mask with a hole."""
    noise = Image.frombytes("RGB", (edge, edge), random.Random(1).randbytes(3 * edge * edge))
    mask = Image.new("RGBA", (edge, edge), "black")
    if hole:
        mask.paste((0, 0, 0, 0), hole)
    files = io.BytesIO(), io.BytesIO()
    for image, file in zip((noise, mask), files, strict=True):
        image.save(file, "PNG")
    return files[0].getvalue(), files[1].getvalue()


def test_a_masked_edit_changes_the_hole_and_not_one_pixel_more(sketch) -> None:
    source, mask = masked()
    edited = opened(sketch(operation="edit", inputs=[(source, "source"), (mask, "mask")]).bytes)
    assert ImageChops.difference(edited, opened(source)).getbbox() == (100, 150, 300, 350)


def test_a_mask_without_a_hole_changes_nothing(sketch) -> None:
    source, mask = masked(hole=None)
    edited = opened(sketch(operation="edit", inputs=[(source, "source"), (mask, "mask")]).bytes)
    assert not ImageChops.difference(edited, opened(source)).getbbox()


def test_a_mask_that_is_all_hole_changes_all(sketch) -> None:
    source, mask = masked(hole=(0, 0, 400, 400))
    edited = opened(sketch(operation="edit", inputs=[(source, "source"), (mask, "mask")]).bytes)
    assert ImageChops.difference(edited, opened(source)).getbbox() == (0, 0, 400, 400)


@pytest.mark.parametrize(("format_name", "corner"), [("png", 0), ("jpeg", None)])
def test_a_transparent_source_stays_so_where_the_format_can(sketch, format_name: str, corner: int | None) -> None:
    _, mask = masked()
    clear = picture(width=400, height=400, mode="RGBA", colour="#00000000")
    edited = opened(sketch(operation="edit", inputs=[(clear, "source"), (mask, "mask")], format=format_name).bytes)
    pixel = edited.getpixel((0, 0))
    assert (pixel[3] if corner is not None else min(pixel) > 250) == (corner if corner is not None else True)
