"""The only sanitiser: text from outside becomes text that can do nothing but be read.

Banners, names, records, command lines and log lines may hold terminal escapes, line breaks,
invisible characters or bidirectional overrides.  Each of those is written as the escape that a
programmer would type for it (`\\x1b`, `\\n`, `\\u202e`), so that it is seen and does nothing.
"""

from __future__ import annotations

from unicodedata import category

#: Printable by Unicode's book, yet drawn as nothing: fillers, joiners and variation selectors
#: (DerivedCoreProperties.txt, Default_Ignorable_Code_Point), and the blank Braille pattern.
_INVISIBLE = frozenset(
    [
        *(0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180F),
        *(0x2800, 0x3164, 0xFFA0, *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)),
    ]
)
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
#: Marks that may sit on one letter; Vietnamese needs two, a stack meant to climb needs dozens.
_MARKS = 3


def inert(text: str) -> str:
    """The text with every character that acts or hides replaced by a visible escape.

    The result is printable, on one line, and unchanged by a second pass.  A backslash in the
    text stays single: the escapes are for the eye, they are not a reversible encoding.
    """
    if text.isascii() and text.isprintable():
        return text
    shown: list[str] = []
    marks = _MARKS  # a mark at the start would sit on what was printed before it
    for char in text:
        if category(char)[0] == "M":
            marks += 1
        else:
            marks = 0
        acts = marks > _MARKS or not char.isprintable() or ord(char) in _INVISIBLE
        shown.append(escape(char) if acts else char)
    return "".join(shown)


def escape(char: str) -> str:
    """One character as the escape sequence that stands for it in program text."""
    code = ord(char)
    if char in _SHORT:
        return _SHORT[char]
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
