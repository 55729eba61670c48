"""The name of a file format that is not taken, for a message that says what to do about it."""

from __future__ import annotations

_TAKEN = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF")
_STARTS = (
    (b"GIF8", "A GIF"),
    (b"BM", "A BMP"),
    (b"II*\0", "A TIFF"),
    (b"MM\0*", "A TIFF"),
    (b"%PDF", "A PDF"),
    (b"8BPS", "A Photoshop file"),
    (b"\0\0\0\x0cJXL ", "A JPEG XL"),
    (b"\xff\x0a", "A JPEG XL"),
)
_BRANDS = {
    b"avif": "An AVIF",
    b"avis": "An AVIF",
    b"heic": "A HEIC photo",
    b"heix": "A HEIC photo",
    b"heif": "A HEIF photo",
    b"mif1": "A HEIF photo",
    b"msf1": "A HEIF photo",
}


def looks_taken(head: bytes) -> bool:
    """Whether the first bytes are those of PNG, JPEG or WebP, so that a failure means damage."""
    return head.startswith(_TAKEN) and (head[:4] != b"RIFF" or head[8:12] == b"WEBP")


def name_of_format(head: bytes) -> str:
    """What a file seems to be, with its article, from its first bytes (some hundred are enough)."""
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], "A video")
    for start, name in _STARTS:
        if head.startswith(start):
            return name
    if b"<svg" in head.lower():
        return "An SVG drawing"
    return "Text" if b"\0" not in head and head.isascii() else "This kind of file"
