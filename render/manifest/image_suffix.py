"""What an encoded image is called in a tar, told by its first bytes.

Readers of WebDataset tars choose a decoder by the suffix, and data sets mix formats.
"""

from __future__ import annotations

SIGNATURES = {
    "jpg": (b"\xff\xd8\xff",),
    "png": (b"\x89PNG\r\n\x1a\n",),
    # RIFF, four bytes of length, and what the container holds.
    "webp": (b"RIFF", b"WEBP"),
    "bmp": (b"BM",),
}
"""What files start with, and what stands at byte 8 of those that have a container."""

UNKNOWN = "img"
"""Suffix of other files: nothing is claimed of them."""


def image_suffix(image: bytes) -> str:
    """Suffix of an encoded image without the dot: jpg, png, webp, bmp or `UNKNOWN`."""
    for suffix, (start, *held) in SIGNATURES.items():
        if image.startswith(start) and all(image.startswith(kind, 8) for kind in held):
            return suffix
    return UNKNOWN
