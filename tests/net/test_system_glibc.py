"""The C library itself is asked how it reads a resolv.conf; our parser must agree."""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import sys
from typing import Any

import pytest

from netwhy.system.resolvers import parse_resolv_conf

CASES = [
    "nameserver 192.0.2.1\n",
    "nameserver 192.0.2.1",
    "nameserver\t192.0.2.1 192.0.2.2\n",
    "nameserver 192.0.2.1 # remark\n",
    "nameserver 192.0.2.1\r\nnameserver 192.0.2.2\n",
    " nameserver 192.0.2.1\nnameserver 192.0.2.2\n",
    "\tnameserver 192.0.2.1\nnameserver 192.0.2.2\n",
    "Nameserver 192.0.2.1\nnameserver 192.0.2.2\n",
    "nameserver 192.0.2.1:53\nnameserver 192.0.2.2\n",
    "nameserver dns.example.com\nnameserver 192.0.2.2\n",
    "nameserver 192.0.2.1/24\nnameserver 192.0.2.2\n",
    "nameserver 192.0.2.300\nnameserver 192.0.2.2\n",
    "nameserver 0127.0.0.1\nnameserver 192.0.2.2\n",
    "nameserver 0189.\nnameserver 192.0.2.2\n",
    "nameserver 127.1\n",
    "nameserver 0x7f.1\n",
    "nameserver 010.0.0.1\n",
    "nameserver 3221225985\n",
    "nameserver 1.2.3.4.5\nnameserver 192.0.2.2\n",
    "nameserver [2001:db8::1]\nnameserver 192.0.2.2\n",
    "nameserver\nnameserver 192.0.2.2\n",
    "nameserver \nnameserver 192.0.2.2\n",
    "nameserver192.0.2.1\nnameserver 192.0.2.2\n",
    "nameserver 192.0.2.1\v\nnameserver 192.0.2.2\n",
    "nameserver 192.0.2.1,192.0.2.2\nnameserver 192.0.2.2\n",
    "nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\nnameserver 192.0.2.4\n",
    "; a\n# b\nnameserver 192.0.2.1\n",
    "nameserver 192.0.2.1\nsearch a.example b.example\n",
    "nameserver 192.0.2.1\nsearch a.example\nsearch b.example\n",
    "nameserver 192.0.2.1\ndomain a.example b.example\n",
    "nameserver 192.0.2.1\nsearch a.example\ndomain b.example\n",
    "nameserver 192.0.2.1\nsearch a.example\nsearch \n",
    "nameserver 192.0.2.1\nsearch a.example # remark\n",
    "nameserver 192.0.2.1\nsearch a.example\noptions ndots:3 timeout:7 attempts:4\n",
    "nameserver 192.0.2.1\nsearch a.example\noptions ndots:99 timeout:99 attempts:99\n",
    "nameserver 192.0.2.1\nsearch a.example\noptions ndots:x timeout:1x rotate\n",
    "nameserver 192.0.2.1\nsearch a.example\noptions ndots:2\noptions timeout:3\n",
    "nameserver 192.0.2.1\nsearch a.example\noptions\tndots:2\ttimeout:3\n",
    "nameserver 192.0.2.1\nsearch a.example\noptionsndots:2\n",
    "nameserver 192.0.2.1\nsearch a.example\n options ndots:2\n",
]

#: Reads struct __res_state (resolv.h, 64 bit): retrans, retry, options, nscount, servers, id,
#: search list, default domain, prefix code, ndots.
ASK = r"""
import ctypes, json, subprocess, socket, sys
path = sys.argv[1]
class State(ctypes.Structure):
    _fields_ = [("retrans", ctypes.c_int), ("retry", ctypes.c_int), ("options", ctypes.c_ulong),
                ("nscount", ctypes.c_int), ("servers", ctypes.c_byte * 16 * 3),
                ("id", ctypes.c_ushort), ("search", ctypes.c_char_p * 7),
                ("domain", ctypes.c_char * 256), ("pfcode", ctypes.c_ulong),
                ("ndots", ctypes.c_uint, 4), ("rest", ctypes.c_char * 4096)]
libc = ctypes.CDLL(None)
answers = []
for case in json.load(sys.stdin):
    with open(path, "wb") as file:
        file.write(case.encode())
    state = State()
    ctypes.memset(ctypes.byref(state), 0, ctypes.sizeof(state))
    assert libc.__res_ninit(ctypes.byref(state)) == 0
    servers = [socket.inet_ntoa(bytes(state.servers[i])[4:8]) for i in range(state.nscount)]
    search = [s.decode() for s in state.search if s]
    answers.append([servers, search, state.ndots, state.retrans, state.retry])
    libc.__res_nclose(ctypes.byref(state))
print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Any:
    if platform.libc_ver()[0] != "glibc" or sys.maxsize < 1 << 32:
        pytest.skip("asks a 64-bit glibc")
    if not shutil.which("unshare") or not shutil.which("mount"):
        pytest.skip("needs unshare and mount")
    path = tmp_path_factory.mktemp("etc") / "resolv.conf"
    path.write_text("")
    for enter in (["unshare", "--mount"], ["unshare", "--user", "--map-root-user", "--mount"]):
        script = 'mount --bind "$1" "$(readlink -f /etc/resolv.conf)" && exec "$2" -c "$3" "$1"'
        done = subprocess.run(
            [*enter, "sh", "-c", script, "sh", str(path), sys.executable, ASK],
            input=json.dumps(CASES),
            capture_output=True,
            text=True,
            timeout=30,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
        )
        if done.returncode == 0:
            return json.loads(done.stdout)
    pytest.skip(f"no mount namespace can be made here: {done.stderr.strip()[-200:]}")


@pytest.mark.parametrize("number", range(len(CASES)))
def test_our_reading_is_the_c_librarys(answers: Any, number: int) -> None:
    servers, search, ndots, timeout, attempts = answers[number]
    parsed = parse_resolv_conf(CASES[number].encode())
    assert [str(r.address) for r in parsed.resolvers if r.used] == servers
    if parsed.search_line is not None:
        assert list(parsed.search) == search
    assert (parsed.ndots, parsed.timeout_s, parsed.attempts) == (ndots, timeout, attempts)
