"""Every Linux command that netwhy tells people to type is typed here, for real.

They run as an ordinary user, root of a user namespace only, with a network, processes, /run and a
home of their own: no D-Bus, no service manager and no container engine can be reached, and no
packet leaves.  What a command would change, it changes in there.  `sudo` is the one shim (it
runs what follows it), since nobody can become root of the real machine from there.

A step fails here when its tool is unknown, or when the tool complains about how it was called.
That the thing asked for is not there (no such unit, no answer) is no failure.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from functools import cache
from typing import Any

import pytest
from tests.commands import PID, commands, steps
from tests.opened import PROJECT, as_nobody

#: Where Debian 12 has each tool (packages.debian.org, search in contents), and what the commands
#: use of it: its options, and its subcommands where it has any.  Each was typed once where the tool
#: was installed; where it is not, this table is what is compared.
TOOLS = {
    "apt-get": "apt: install --only-upgrade",
    "ausearch": "auditd: -m -ts",
    "cat": "coreutils: -A -n",
    "certbot": "certbot: certificates renew --dry-run",
    "cp": "coreutils:",
    "curl": "curl: --cert --http0.9 --key --max-redirs --max-time --proto --raw -o -sIL -sS -v -vI",
    "date": "coreutils: -u",
    "delv": "bind9-dnsutils: -p",
    "df": "coreutils: -h",
    "dig": "bind9-dnsutils: -p +cd +dnssec +ignore +nocookie +noedns +notcp +tcp +time +trace"
    " +tries",
    "docker": "docker.io: network ps stop --filter",
    "env": "coreutils:",
    "export": "bash:",
    "firewall-cmd": "firewalld: --list-all",
    "getent": "libc-bin: ahosts -s",
    "grep": "grep: -E -F -e -i -n -w",
    "ip": "iproute2: addr address link maddress neigh route rule -4 -6 -br -d -s",
    "journalctl": "systemd: --grep --since -k -n -p -u",
    "kill": "procps:",
    "ls": "coreutils: -l",
    "machinectl": "systemd-container: poweroff",
    "mtr": "mtr-tiny: -c -n -o -r",
    "nc": "netcat-openbsd: -w",
    "netwhy": "netwhy: bind check explain",
    "networkctl": "systemd: list renew up",
    "nft": "nftables: add list",
    "nmcli": "network-manager: device",
    "nslookup": "bind9-dnsutils:",
    "nstat": "iproute2: -az",
    "openssl": "openssl: s_client x509 -cipher -connect -dates -in -issuer -msg -noout"
    " -noservername -servername -showcerts -subject -tls1_2 -tls1_3",
    "ping": "iputils-ping: -M -c -i -s",
    "podman": "podman: stop",
    "ps": "procps: -o -p",
    "resolvectl": "systemd-resolved: dns domain flush-caches query status --synthesize",
    "sed": "sed: --follow-symlinks -i.old",
    "semanage": "policycoreutils-python-utils: port -l",
    "ss": "iproute2: -s -6ltnp -lnt -lntu -lntup -ltn -ltnp -lunp -tan -tni -tano -tanp -tanup"
    " -tnp -tnpB -uanp",
    "sysctl": "procps: -w",
    "systemctl": "systemd: cat list-sockets reload restart show status stop --all --failed -p",
    "tail": "coreutils: -n",
    "tcpdump": "tcpdump: -ni",
    "timedatectl": "systemd: set-ntp",
    "tracepath": "iputils-tracepath: -4 -6 -n",
    "traceroute": "traceroute: -T -n -p",
    "ufw": "ufw: allow status",
    "ulimit": "bash: -n",
    "unbound-control": "unbound: flush",
    "update-ca-certificates": "ca-certificates:",
    "wc": "coreutils: -l",
    "whois": "whois:",
}
#: Steps whose fix says that a recent tool is needed: the iproute2 of Debian 12 (6.1) knows no -B.
NEWER = {"sudo ss -tnpB 'sport = :5432'"}

#: How tools say that they were called wrongly (and not that a thing is missing).
MISUSE = re.compile(
    r"(?i)(unrecogni[sz]ed|unknown|invalid|illegal|bad|ambiguous|unexpected|unsupported) "
    r"(long |command.?line |shorthand |network )*"
    r"(option|command|flag|verb|operation|subcommand|keyword|token|primitive|modifier)\b"
    r"|unrecognized arguments|is unknown|unknown: |is a garbage|not understood"
    r"|not a valid (command|option)|invalid syntax|usage: |^usage"
    r"|syntax error|parse error|command line is not complete|garbage instead of|requires? an? "
    r"(argument|parameter)|expected argument|extra operand|missing operand|too (few|many) arg"
    r"|can't parse|cannot be parsed|failed to parse|what is \"|not enough arguments|unexpected EOF"
)

#: Inside the sandbox: reads the steps as JSON, answers with what each of them said.
DRIVER = """
import json, os, subprocess, sys, threading
from concurrent.futures import ThreadPoolExecutor

path, pid, limit_s = os.environ["PATH"], sys.argv[1], float(sys.argv[2])
subprocess.run("mount -t tmpfs tmpfs /run && mkdir -p /run/home /run/bin", shell=True, check=True)
setup = '''
ip link set lo up
ip link add eth0 type veth peer name far
ip link set eth0 up; ip link set far up
ip address add 192.0.2.10/24 dev eth0
ip address add 192.0.2.47/32 dev lo; ip address add 192.0.2.53/32 dev lo
ip route add default via 192.0.2.1 dev eth0
'''
for line in setup.strip().splitlines():
    subprocess.run(line, shell=True, check=True)
shims = {
    "sudo": 'exec "$@"',
    "netwhy": 'exec "$NETWHY_PYTHON" -m netwhy "$@"',
}
for name, body in shims.items():
    with open(f"/run/bin/{name}", "w") as file:
        file.write(f"#!/bin/sh\\n{body}\\n")
    os.chmod(f"/run/bin/{name}", 0o755)
env = dict(os.environ, PATH=f"/run/bin:{path}", HOME="/run/home", LC_ALL="C", TERM="dumb")

def run(step):
    holder = subprocess.Popen(["sleep", "60"])
    try:
        told = subprocess.run(
            ["bash", "-c", step.replace(pid, str(holder.pid))], cwd="/run/home", env=env,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=limit_s, start_new_session=True,
        )
        return told.returncode, told.stdout.decode(errors="replace")[:2000]
    except subprocess.TimeoutExpired as late:
        return None, (late.stdout or b"").decode(errors="replace")[:2000]
    finally:
        holder.kill()
        holder.wait()

with ThreadPoolExecutor(4) as pool:
    answers = list(pool.map(run, json.load(sys.stdin)))
print(json.dumps(answers))
"""


@cache
def _sandbox() -> tuple[str, ...] | None:
    """The command that enters the sandbox; None where none can be made."""
    enter = ("unshare", "--user", "--map-root-user", "--net", "--mount", "--pid", "--fork")
    argv = (*(as_nobody() if os.geteuid() == 0 else ()), *enter, "--kill-child", "--mount-proc")
    if not all(map(shutil.which, ("unshare", "ip", "setpriv"))):
        return None
    check = "mount -t tmpfs tmpfs /run && ip link add eth0 type veth peer name far"
    made = subprocess.run([*argv, "sh", "-c", check], capture_output=True)
    return argv if made.returncode == 0 else None


def typed(lines: list[str], *, limit_s: float = 20.0) -> list[tuple[int | None, str]]:
    """(exit status or None after so long, what was printed) of each line."""
    sandbox = _sandbox()
    if sandbox is None:
        pytest.skip("no user namespace with a network of its own can be made here")
    env = {
        "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin",
        "PYTHONPATH": str(PROJECT / "app"),
        "NETWHY_PYTHON": sys.executable,
        **{k: v for k, v in os.environ.items() if k == "LD_LIBRARY_PATH"},
    }
    done = subprocess.run(
        [*sandbox, sys.executable, "-c", DRIVER, PID, str(limit_s)],
        input=json.dumps(lines).encode(),
        capture_output=True,
        timeout=240,
        env=env,
        cwd="/",
    )
    assert done.returncode == 0, done.stderr.decode()
    answers: list[Any] = json.loads(done.stdout)
    return [(status, said) for status, said in answers]


def every_step() -> dict[str, list[str]]:
    """Each step of each Linux command, with the causes that tell it."""
    found: dict[str, list[str]] = {}
    for command in commands("linux"):
        for step in steps(command.text):
            found.setdefault(step, []).extend(command.told)
    return found


def programs(step: str) -> list[tuple[str, list[str]]]:
    """(program, its words) of each part of a pipeline, without sudo."""
    parts = re.split(r"\s\|\s", step.replace("</dev/null", ""))
    called = [[word for word in shlex.split(part) if word != "sudo"] for part in parts]
    return [(tool, rest) for tool, *rest in called]


def is_here(tool: str) -> bool:
    if tool in ("export", "ulimit", "netwhy"):
        return True
    return shutil.which(tool, path=f"{os.environ['PATH']}:/usr/sbin:/sbin") is not None


def misused(status: int | None, said: str) -> bool:
    return status == 127 or MISUSE.search(said) is not None


def test_every_linux_command_is_one_that_its_tools_understand() -> None:
    every = every_step()
    here = [step for step in every if all(is_here(tool) for tool, _ in programs(step))]
    wrong = [
        f"{step}\n  told by {', '.join(every[step])}; exit {status}: {said.strip()[:300]}"
        for step, (status, said) in zip(here, typed(here, limit_s=2.0), strict=True)
        if misused(status, said) and step not in NEWER
    ]
    assert not wrong, "\n".join(wrong)
    assert len(here) > len(every) // 3


@pytest.mark.parametrize("step", every_step())
def test_every_linux_command_names_a_tool_and_options_that_debian_has(step: str) -> None:
    for tool, rest in programs(step):
        package, _, known = TOOLS[tool].partition(":")
        assert package
        options = known.split()
        used = [word.split("=")[0] for word in rest if word[0] in "-+"]
        assert set(used) <= set(options), f"{tool} of {package}: {set(used) - set(options)}"
        if [word for word in options if word[0] not in "-+"]:
            assert [word for word in rest if word in options] or not rest, f"{tool}: {rest}"


#: What somebody could write into the knowledge base by mistake.
WRONG = (
    "ss -ltnpJ 'sport = :5432'",
    "ss -ltnp 'sport == == 5432'",
    "ip route shew default",
    "ip address show device eth0",
    "sudo nft lst ruleset",
    "ping --count 3 192.0.2.47",
    "sysctl --right net.core.somaxconn",
    "no-such-tool 192.0.2.47",
    "netwhy check --loud 192.0.2.47",
    "systemctl stats postgresql.service",
    "journalctl --senice '5 minutes ago'",
    "sudo tcpdump -ni any 'tcp prt 5432'",
    "curl --max-rediz 3 http://192.0.2.47/",
    "openssl s_client -conect 192.0.2.47:443",
    "dig +tryings=1 @192.0.2.53 db.example.com",
    "nmcli devize status",
)


def test_a_wrong_command_would_be_noticed() -> None:
    here = [step for step in WRONG if all(is_here(t) or "no-such" in t for t, _ in programs(step))]
    answers = zip(here, typed(here), strict=True)
    assert [step for step, (status, said) in answers if not misused(status, said)] == []
    assert len(here) > 7


def test_nothing_of_this_machine_can_be_reached_from_there() -> None:
    commands_of_the_test = [
        "ls -A /run",
        "ip -br address",
        "touch /etc/netwhy-was-here",
        "ps -e -o pid= | wc -l",
    ]
    (_, run), (_, addresses), (touched, _), (_, processes) = typed(commands_of_the_test)
    assert set(run.split()) == {"bin", "home"}
    assert {line.split()[0].partition("@")[0] for line in addresses.splitlines()} == {
        *("lo", "eth0", "far")
    }
    assert touched != 0
    assert int(processes or "0") < 40
