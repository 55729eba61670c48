"""A font that has the letters of a text. Pillow brings one for Latin; others are looked for on the system."""

from __future__ import annotations

from functools import cache

from PIL import ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

CANDIDATES = (
    "NotoSansCJK-Regular.ttc",
    "NotoSansCJKkr-Regular.otf",
    "AppleSDGothicNeo.ttc",
    "malgun.ttf",
    "NanumGothic.ttf",
    "Hiragino Sans GB.ttc",
    "YuGothM.ttc",
    "msyh.ttc",
    "wqy-microhei.ttc",
    "DroidSansFallbackFull.ttf",
    "DejaVuSans.ttf",
    "Arial Unicode.ttf",
    "segoeui.ttf",
    "NotoSansThai-Regular.ttf",
    "LeelawUI.ttf",
    "NotoSansDevanagari-Regular.ttf",
    "Nirmala.ttf",
)
"""Common on Linux, macOS and Windows; Pillow searches the system's font folders by file name."""
_MISSING = "\U0010ffff"


def font_for(text: str, size: int) -> tuple[Font, str]:
    """The first font with every letter of ``text``, else the one with most; and the text without what it lacks."""
    best: Font = built_in(size)
    kept = _kept(best, text)
    for name in CANDIDATES:
        if len(kept) == len(text):
            break
        font = _system(name, size)
        if font is not None and len(covered := _kept(font, text)) > len(kept):
            best, kept = font, covered
    return best, kept


@cache
def built_in(size: int) -> Font:
    """Pillow's own font, the same on every machine."""
    return ImageFont.load_default(size)


@cache
def _system(name: str, size: int) -> Font | None:
    try:
        return ImageFont.truetype(name, size)
    except OSError:
        return None


def _kept(font: Font, text: str) -> str:
    missing = _shape(font, _MISSING)
    has = {letter: letter.isspace() or _shape(font, letter) != missing for letter in set(text)}
    return "".join(letter for letter in text if has[letter])


def _shape(font: Font, letter: str) -> tuple[tuple[int, int], bytes]:
    mask = font.getmask(letter)
    return mask.size, bytes(mask)
