"""Error numbers as data: one symbol has another number on each platform.

Sources: Linux asm-generic/errno.h, xnu sys/errno.h, Microsoft's Winsock error codes and errno.h of
the C runtime, netdb.h of glibc, musl and macOS, the IANA registries of DNS parameters, PEP 3151.
"""

from __future__ import annotations

from typing import NamedTuple


class Numbers(NamedTuple):
    """The number of one symbol on each platform; None where it does not exist.

    `windows` is Winsock's (WSAE…), which Python reports; `windows_crt` the C runtime's own.
    """

    linux: int | None
    macos: int | None
    windows: int | None = None
    windows_crt: int | None = None


# fmt: off
ERRNOS: dict[str, Numbers] = {
    "EPERM":           Numbers(1, 1, None, 1),
    "ENOENT":          Numbers(2, 2, None, 2),
    "EINTR":           Numbers(4, 4, 10004, 4),
    "EIO":             Numbers(5, 5, None, 5),
    "ENXIO":           Numbers(6, 6, None, 6),
    "EBADF":           Numbers(9, 9, 10009, 9),
    "EAGAIN":          Numbers(11, 35, None, 11),
    "EWOULDBLOCK":     Numbers(11, 35, 10035, 140),
    "ENOMEM":          Numbers(12, 12, None, 12),
    "EACCES":          Numbers(13, 13, 10013, 13),
    "EFAULT":          Numbers(14, 14, 10014, 14),
    "EBUSY":           Numbers(16, 16, None, 16),
    "EEXIST":          Numbers(17, 17, None, 17),
    "ENODEV":          Numbers(19, 19, None, 19),
    "ENOTDIR":         Numbers(20, 20, None, 20),
    "EISDIR":          Numbers(21, 21, None, 21),
    "EINVAL":          Numbers(22, 22, 10022, 22),
    "ENFILE":          Numbers(23, 23, None, 23),
    "EMFILE":          Numbers(24, 24, 10024, 24),
    "ENOSPC":          Numbers(28, 28, None, 28),
    "EPIPE":           Numbers(32, 32, None, 32),
    "EDEADLK":         Numbers(35, 11, None, 36),
    "ENAMETOOLONG":    Numbers(36, 63, 10063, 38),
    "ENOSYS":          Numbers(38, 78, None, 40),
    "ELOOP":           Numbers(40, 62, 10062, 114),
    "ENODATA":         Numbers(61, 96, None, 120),
    "ETIME":           Numbers(62, 101, None, 137),
    "ENONET":          Numbers(64, None),
    "ENOLINK":         Numbers(67, 97, None, 121),
    "ECOMM":           Numbers(70, None),
    "EPROTO":          Numbers(71, 100, None, 134),
    "EBADMSG":         Numbers(74, 94, None, 104),
    "EOVERFLOW":       Numbers(75, 84, None, 132),
    "EUSERS":          Numbers(87, 68, 10068),
    "ENOTSOCK":        Numbers(88, 38, 10038, 128),
    "EDESTADDRREQ":    Numbers(89, 39, 10039, 109),
    "EMSGSIZE":        Numbers(90, 40, 10040, 115),
    "EPROTOTYPE":      Numbers(91, 41, 10041, 136),
    "ENOPROTOOPT":     Numbers(92, 42, 10042, 123),
    "EPROTONOSUPPORT": Numbers(93, 43, 10043, 135),
    "ESOCKTNOSUPPORT": Numbers(94, 44, 10044),
    "EOPNOTSUPP":      Numbers(95, 102, 10045, 130),
    "ENOTSUP":         Numbers(95, 45, None, 129),
    "EPFNOSUPPORT":    Numbers(96, 46, 10046),
    "EAFNOSUPPORT":    Numbers(97, 47, 10047, 102),
    "EADDRINUSE":      Numbers(98, 48, 10048, 100),
    "EADDRNOTAVAIL":   Numbers(99, 49, 10049, 101),
    "ENETDOWN":        Numbers(100, 50, 10050, 116),
    "ENETUNREACH":     Numbers(101, 51, 10051, 118),
    "ENETRESET":       Numbers(102, 52, 10052, 117),
    "ECONNABORTED":    Numbers(103, 53, 10053, 106),
    "ECONNRESET":      Numbers(104, 54, 10054, 108),
    "ENOBUFS":         Numbers(105, 55, 10055, 119),
    "EISCONN":         Numbers(106, 56, 10056, 113),
    "ENOTCONN":        Numbers(107, 57, 10057, 126),
    "ESHUTDOWN":       Numbers(108, 58, 10058),
    "ETOOMANYREFS":    Numbers(109, 59, 10059),
    "ETIMEDOUT":       Numbers(110, 60, 10060, 138),
    "ECONNREFUSED":    Numbers(111, 61, 10061, 107),
    "EHOSTDOWN":       Numbers(112, 64, 10064),
    "EHOSTUNREACH":    Numbers(113, 65, 10065, 110),
    "EALREADY":        Numbers(114, 37, 10037, 103),
    "EINPROGRESS":     Numbers(115, 36, 10036, 112),
    "ESTALE":          Numbers(116, 70, 10070),
    "EREMOTEIO":       Numbers(121, None),
    "EDQUOT":          Numbers(122, 69, 10069),
    "ECANCELED":       Numbers(125, 89, None, 105),
    "EKEYREJECTED":    Numbers(129, None),
    "EPROCLIM":        Numbers(None, 67, 10067),
    "EDISCON":         Numbers(None, None, 10101),
}

#: getaddrinfo.  glibc and musl share their numbers; on Windows they are Winsock's.
EAI: dict[str, Numbers] = {
    "EAI_BADFLAGS":   Numbers(-1, 3, 10022),
    "EAI_NONAME":     Numbers(-2, 8, 11001),
    "EAI_AGAIN":      Numbers(-3, 2, 11002),
    "EAI_FAIL":       Numbers(-4, 4, 11003),
    "EAI_NODATA":     Numbers(-5, 7, 11004),
    "EAI_FAMILY":     Numbers(-6, 5, 10047),
    "EAI_SOCKTYPE":   Numbers(-7, 10, 10044),
    "EAI_SERVICE":    Numbers(-8, 9, 10109),
    "EAI_ADDRFAMILY": Numbers(-9, 1),
    "EAI_MEMORY":     Numbers(-10, 6, 8),
    "EAI_SYSTEM":     Numbers(-11, 11),
    "EAI_OVERFLOW":   Numbers(-12, 14),
    "EAI_INPROGRESS": Numbers(-100, None),
    "EAI_CANCELED":   Numbers(-101, None),
    "EAI_INTR":       Numbers(-104, None),
    "EAI_IDN_ENCODE": Numbers(-105, None),
    "EAI_BADHINTS":   Numbers(None, 12),
    "EAI_PROTOCOL":   Numbers(None, 13),
}

#: gethostbyname and its like (h_errno, socket.herror).
H_ERRNO: dict[str, Numbers] = {
    "NETDB_INTERNAL": Numbers(-1, -1),
    "HOST_NOT_FOUND": Numbers(1, 1, 11001),
    "TRY_AGAIN":      Numbers(2, 2, 11002),
    "NO_RECOVERY":    Numbers(3, 3, 11003),
    "NO_DATA":        Numbers(4, 4, 11004),
}

#: Windows numbers that have no errno of their own but mean one: Win32 codes of overlapped I/O.
WIN32: dict[int, str] = {
    5: "EACCES", 64: "ECONNRESET", 109: "EPIPE", 121: "ETIMEDOUT", 232: "EPIPE",
    995: "ECANCELED", 1225: "ECONNREFUSED", 1231: "ENETUNREACH", 1232: "EHOSTUNREACH",
    1234: "ECONNREFUSED", 1236: "ECONNABORTED",
}

#: DNS response codes (RFC 6895).
RCODES: dict[int, str] = {
    0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED",
    6: "YXDOMAIN", 7: "YXRRSET", 8: "NXRRSET", 9: "NOTAUTH", 10: "NOTZONE", 11: "DSOTYPENI",
    16: "BADVERS", 17: "BADKEY", 18: "BADTIME", 19: "BADMODE", 20: "BADNAME", 21: "BADALG",
    22: "BADTRUNC", 23: "BADCOOKIE",
}

#: Extended DNS errors (RFC 8914 and its registry).
EDE: dict[int, str] = {
    0: "Other", 1: "Unsupported DNSKEY Algorithm", 2: "Unsupported DS Digest Type",
    3: "Stale Answer", 4: "Forged Answer", 5: "DNSSEC Indeterminate", 6: "DNSSEC Bogus",
    7: "Signature Expired", 8: "Signature Not Yet Valid", 9: "DNSKEY Missing",
    10: "RRSIGs Missing", 11: "No Zone Key Bit Set", 12: "NSEC Missing", 13: "Cached Error",
    14: "Not Ready", 15: "Blocked", 16: "Censored", 17: "Filtered", 18: "Prohibited",
    19: "Stale NXDOMAIN Answer", 20: "Not Authoritative", 21: "Not Supported",
    22: "No Reachable Authority", 23: "Network Error", 24: "Invalid Data",
    25: "Signature Expired before Valid", 26: "Too Early",
    27: "Unsupported NSEC3 Iterations Value", 28: "Unable to Conform to Policy",
    29: "Synthesized", 30: "Invalid Query Type", 31: "Rate Limited", 32: "Over Quota",
}

#: Python exception → the symbols it stands for, the commonest first.
EXCEPTIONS: dict[str, tuple[str, ...]] = {
    "ConnectionRefusedError": ("ECONNREFUSED",),
    "ConnectionResetError": ("ECONNRESET",),
    "ConnectionAbortedError": ("ECONNABORTED",),
    "ConnectionError": ("ECONNREFUSED", "ECONNRESET", "ECONNABORTED", "EPIPE"),
    "BrokenPipeError": ("EPIPE", "ESHUTDOWN"),
    "TimeoutError": ("TIMEOUT", "ETIMEDOUT"),
    "socket.timeout": ("TIMEOUT", "ETIMEDOUT"),
    "PermissionError": ("EACCES", "EPERM"),
    "BlockingIOError": ("EAGAIN", "EINPROGRESS", "EALREADY"),
    "InterruptedError": ("EINTR",),
    "FileNotFoundError": ("ENOENT",),
    "socket.gaierror": ("EAI_NONAME", "EAI_AGAIN", "EAI_FAIL", "EAI_NODATA"),
    "socket.herror": ("HOST_NOT_FOUND", "TRY_AGAIN", "NO_RECOVERY", "NO_DATA"),
    "UnicodeError": ("EAI_NONAME",),
}
# fmt: on
