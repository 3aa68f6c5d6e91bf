"""Starts a program that this machine's policy confines: `sandbox.py RULE… -- COMMAND…`.

Needs no privilege, and holds for the program and all it starts.  Exit 77 and a reason where the
kernel cannot do it.

    connect:PORT,PORT…   Landlock: TCP connects to these ports only; `connect:` to none (EACCES)
    bind:PORT,PORT…      Landlock: TCP binds to these ports only; `bind:` to none (EACCES)
    without:FAMILY…      seccomp: socket() knows no such family (EAFNOSUPPORT), as systemd's
                         RestrictAddressFamilies; inet, inet6, netlink
    denies:CALL…         seccomp: connect, bind, sendto or socket is refused (EPERM)
    no-files:            seccomp: socket() says that the whole system has no file left (ENFILE);
                         to fill the real table would hurt the machine
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import socket
import struct
import sys

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _FILTER_MODE = 38, 22, 2
#: System calls have the same numbers for Landlock on every machine.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_BIND_TCP, _CONNECT_TCP, _NET_PORT = 1, 2, 2  # linux/landlock.h, ABI 4
_CALLS = {
    "x86_64": {"socket": 41, "connect": 42, "sendto": 44, "bind": 49},
    "aarch64": {"socket": 198, "bind": 200, "connect": 203, "sendto": 206},
}
_FAMILIES = {"inet": socket.AF_INET, "inet6": socket.AF_INET6, "netlink": 16}
_LOAD, _JUMP_EQUAL, _RETURN = 0x20, 0x15, 0x06  # linux/bpf_common.h
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000  # linux/seccomp.h
_NUMBER, _FIRST_ARGUMENT = 0, 16  # offsets in struct seccomp_data, little-endian


class CannotError(RuntimeError):
    """The kernel has no such thing, or does not allow it."""


def _call(*arguments: object) -> int:
    result = int(_LIBC.syscall(*arguments))
    if result < 0:
        raise CannotError(f"system call {arguments[0]}: {os.strerror(ctypes.get_errno())}")
    return result


def landlock(rights: int, allowed: dict[int, int]) -> None:
    """Forbids the rights, but those that `allowed` gives to a port (landlock(7))."""
    attributes = ctypes.create_string_buffer(struct.pack("=QQ", 0, rights), 16)
    ruleset = _call(_CREATE_RULESET, attributes, ctypes.c_size_t(16), 0)
    for port, right in allowed.items():
        rule = ctypes.create_string_buffer(struct.pack("=QQ", right, port), 16)
        _call(_ADD_RULE, ruleset, _NET_PORT, rule, 0)
    _call(_RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)


def seccomp(refused: list[tuple[int, int | None, int]]) -> None:
    """Refuses system calls: (number, first argument or None for any, errno)."""
    program = []
    for number, argument, code in refused:
        refuse = (_RETURN, 0, 0, _ERRNO | code)
        program.append((_LOAD, 0, 0, _NUMBER))
        if argument is None:
            program += [(_JUMP_EQUAL, 0, 1, number), refuse]
        else:
            program += [(_JUMP_EQUAL, 0, 3, number), (_LOAD, 0, 0, _FIRST_ARGUMENT),
                        (_JUMP_EQUAL, 0, 1, argument), refuse]  # fmt: skip
    program.append((_RETURN, 0, 0, _ALLOW))
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *line) for line in program))
    head = ctypes.create_string_buffer(struct.pack("@HP", len(program), ctypes.addressof(code)))
    if _LIBC.prctl(_PR_SET_SECCOMP, _FILTER_MODE, head, 0, 0) != 0:
        raise CannotError(f"seccomp: {os.strerror(ctypes.get_errno())}")


def confine(rules: list[str]) -> None:
    """Everything asked for, on this process.  Raises CannotError."""
    calls = _CALLS.get(platform.machine())
    if calls is None:
        raise CannotError(f"unknown system call numbers of {platform.machine()}")
    if _LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise CannotError("no_new_privs cannot be set")
    refused: list[tuple[int, int | None, int]] = []
    for rule in rules:
        kind, _, rest = rule.partition(":")
        words = [word for word in rest.split(",") if word]
        if kind in ("connect", "bind"):
            right = _CONNECT_TCP if kind == "connect" else _BIND_TCP
            landlock(right, {int(port): right for port in words})
        elif kind == "without":
            refused += [(calls["socket"], _FAMILIES[w], errno.EAFNOSUPPORT) for w in words]
        elif kind == "denies":
            refused += [(calls[word], None, errno.EPERM) for word in words]
        elif kind == "no-files":
            families = (socket.AF_INET, socket.AF_INET6)
            refused += [(calls["socket"], family, errno.ENFILE) for family in families]
        else:
            raise ValueError(f"unknown rule {rule}")
    if refused:
        seccomp(refused)


if __name__ == "__main__":
    split = sys.argv.index("--")
    try:
        confine(sys.argv[1:split])
    except CannotError as failure:
        print(failure, file=sys.stderr)
        sys.exit(77)
    os.execvp(sys.argv[split + 1], sys.argv[split + 1 :])
