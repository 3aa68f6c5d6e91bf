"""Which protocol the first bytes of a peer look like, and those bytes as text."""

from __future__ import annotations

import re
from functools import lru_cache

#: (a pattern of the first bytes, the protocol's name), the more special before the general.
#: Compiled at first use: most peers say nothing by themselves.
_SIGNS = (
    (rb"HTTP/\d|<!doctype html|<html", "HTTP"),
    (rb"SSH-\d", "SSH"),
    (rb"[\x14-\x17]\x03[\x00-\x04]", "TLS"),
    (rb"\* (OK|PREAUTH|BYE)\b", "IMAP"),
    (rb"\+OK\b", "POP3"),
    (rb"(220|421|554)[ -].*\b(E?SMTP|ESMTPSA|LMTP|mail)\b", "SMTP"),
    (rb"(220|421|530)[ -].*\b(FTP|FTPd|FileZilla)\b", "FTP"),
    (rb"(200|201)[ -].*\b(NNTP|news)\b", "NNTP"),
    (rb"(220|421|500|502|554)[ -]", "SMTP or FTP"),
    (rb".{3}\x00\x0a[\d.]+[^\x00]*\x00", "MySQL"),
    (rb".{3}\x00\xff[\x00-\xff]{2}", "MySQL"),
    (rb"-(ERR|NOAUTH|DENIED|WRONGPASS)\b|\+PONG\b", "Redis"),
    (rb"E\x00\x00[\x00-\xff]{2}S?(FATAL|ERROR|SFATAL|SERROR)|[SN]\Z", "PostgreSQL"),
    (rb"RFB \d{3}\.\d{3}", "VNC"),
    (rb"@RSYNCD:", "rsync"),
    (rb"AMQP[\x00-\x03]", "AMQP"),
    (rb"\x00\x00[\x00-\xff]\x04[\x00\x01]\x00\x00\x00\x00", "HTTP/2"),
    (rb"\x03\x00\x00.\x0e\xd0|\x03\x00\x00\x13", "RDP"),
    (rb"\xff[\xfb-\xfe]", "Telnet"),
    (rb"<\?xml|<stream:", "XMPP"),
    (rb":\S+ (NOTICE|\d{3}) |NOTICE AUTH|ERROR :", "IRC"),
    (rb"(ERROR|VERSION [\d.]+)\r\n", "memcached"),
    (rb"\$\d+\r\n|\*\d+\r\n", "Redis"),
)
#: How many bytes of a peer are kept.
KEPT = 64


@lru_cache(maxsize=256)  # a monitor meets the same greetings again and again
def spoken(head: bytes) -> str | None:
    """The protocol that the first bytes of a peer look like; None for bytes of none known."""
    signs = ((re.match(sign, head, re.DOTALL | re.IGNORECASE), name) for sign, name in _SIGNS)
    return next((name for found, name in signs if found), None)


@lru_cache(maxsize=256)
def readable(head: bytes, most: int = KEPT) -> str:
    """The first bytes as text on one line: what does not print is written as its escape."""
    text = head[:most].decode("utf-8", "backslashreplace")
    shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    return shown + ("…" if len(head) > most else "")
