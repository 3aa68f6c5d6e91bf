"""Percent coding of URLs (RFC 3986 §2.1), without the rest of urllib."""

from __future__ import annotations

import re

_CODED = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def coded(text: str, safe: str = "") -> str:
    """Text in ASCII: all but letters, digits, `-._~` and the `safe` characters is %-coded."""
    plain = _UNRESERVED | set(safe)
    return "".join(
        c if c in plain else "".join(f"%{b:02X}" for b in c.encode("utf-8", "surrogatepass"))
        for c in text
    )


def decoded(text: str) -> str:
    """Text with its %-codes resolved; raises ValueError where they are not UTF-8."""
    try:
        return _CODED.sub(lambda m: bytes.fromhex(m[0].replace("%", "")).decode(), text)
    except UnicodeDecodeError:
        raise ValueError("what is written with % must be UTF-8") from None
