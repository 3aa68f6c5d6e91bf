"""The worlds in which faults happen.  Built once, put back into order after each entry.

The office, with both IP versions everywhere (fd20:N:: beside 10.20.N.0/24):

    client ──┐
    resolver ┼── lan 10.20.1.0/24 ── router1 ── 10.20.2.0/24 ── router2 ── 10.20.3.0/24 ── server
    printer ─┘
    client ───── 10.20.9.0/24 ── side            a second link of the client's own

No machine outside can be reached from here, and nothing outside sees these networks.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from tests.lab.nodes import Ground, LabError, Node
from tests.net.authority import lay_out

INSIDE = Path(__file__).parent / "inside"

#: The file in /etc with the certificate authority that the client trusts.
TRUSTED = "lab-authority.pem"
#: For whom the certificates of the lab are.
_CERTIFIED = ("server.example.com", "10.20.3.10", "fd20:3::10")

#: What the entries may write instead of an address: {server}, {gateway6}…
ADDRESSES = {
    "client": "10.20.1.10",
    "client6": "fd20:1::10",
    "gateway": "10.20.1.1",
    "gateway6": "fd20:1::1",
    "resolver": "10.20.1.53",
    "resolver6": "fd20:1::53",
    "spare": "10.20.1.54",  # a second resolver program, on the same machine
    "third": "10.20.1.55",  # more addresses of that machine, for resolvers that an entry starts
    "fourth": "10.20.1.56",
    "printer": "10.20.1.20",
    "printer6": "fd20:1::20",
    "nobody": "10.20.1.99",  # on the lan, and nobody has it
    "nobody6": "fd20:1::99",
    "router2": "10.20.2.2",
    "router26": "fd20:2::2",
    "server": "10.20.3.10",
    "server6": "fd20:3::10",
    "server_b": "10.20.3.11",  # a second address of the server
    "absent": "10.20.3.99",  # in the server's network, and nobody has it
    "absent6": "fd20:3::99",
    "branch": "10.20.4.10",  # for an entry that gives the server a network of its own behind it
    "branch6": "fd20:4::10",
    "elsewhere": "198.51.100.7",  # no router knows a way to it
    "elsewhere6": "2001:db8:7::7",
    "side": "10.20.9.1",
    "side_client": "10.20.9.10",
}

#: (node, interface): its addresses.
_ADDRESSING = {
    ("client", "eth0"): ("10.20.1.10/24", "fd20:1::10/64"),
    ("client", "eth1"): ("10.20.9.10/24", "fd20:9::10/64"),
    ("router1", "lan"): ("10.20.1.1/24", "fd20:1::1/64"),
    ("router1", "wan"): ("10.20.2.1/24", "fd20:2::1/64"),
    ("router2", "wan"): ("10.20.2.2/24", "fd20:2::2/64"),
    ("router2", "dmz"): ("10.20.3.1/24", "fd20:3::1/64"),
    ("server", "eth0"): ("10.20.3.10/24", "10.20.3.11/24", "fd20:3::10/64"),
    ("resolver", "eth0"): (
        *("10.20.1.53/24", "10.20.1.54/24", "10.20.1.55/24", "10.20.1.56/24"),
        "fd20:1::53/64",
    ),
    ("printer", "eth0"): ("10.20.1.20/24", "fd20:1::20/64"),
    ("side", "eth0"): ("10.20.9.1/24", "fd20:9::1/64"),
}

_ROUTES = {
    "client": ("default via 10.20.1.1", "default via fd20:1::1"),
    "router1": ("10.20.3.0/24 via 10.20.2.2", "fd20:3::/64 via fd20:2::2"),
    "router2": ("10.20.1.0/24 via 10.20.2.1", "fd20:1::/64 via fd20:2::1"),
    "server": ("default via 10.20.3.1", "default via fd20:3::1"),
    "resolver": ("default via 10.20.1.1", "default via fd20:1::1"),
    "printer": ("default via 10.20.1.1", "default via fd20:1::1"),
    "side": (),
}

#: (node, interface) joined to (node, interface); the lan is a switch inside router1.
_CABLES = (
    (("client", "eth0"), ("router1", "port1")),
    (("resolver", "eth0"), ("router1", "port2")),
    (("printer", "eth0"), ("router1", "port3")),
    (("router1", "wan"), ("router2", "wan")),
    (("router2", "dmz"), ("server", "eth0")),
    (("client", "eth1"), ("side", "eth0")),
)
_SWITCH = "lan"
_RULES = "rule flush\nrule add lookup main priority 32766\nrule add lookup default priority 32767"
_LOOPBACK = ("addr add 127.0.0.1/8 dev lo scope host", "addr add ::1/128 dev lo")
#: Interfaces that entries make on the client.
_MADE = ("br-lab", "lab0")
_PORTS = [port for _, (node, port) in _CABLES if node == "router1" and port != "wan"]

_FIREWALL = """flush ruleset
table inet lab {
  chain input { type filter hook input priority 0; policy accept; }
  chain forward { type filter hook forward priority 0; policy accept; }
  chain output { type filter hook output priority 0; policy accept; }
}
"""

_FILES = {
    "resolv.conf": "nameserver 10.20.1.53\n",
    "hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\nservices: files\n",
}

#: What a machine of this world has set; an entry may change it, the next one finds it as here.
_SETTINGS = {
    "ipv4/tcp_mtu_probing": "0",
    # A handshake that an entry left half done is not answered over and over in the next ones.
    "ipv4/tcp_synack_retries": "1",
    "ipv4/conf/all/rp_filter": "0",
    "ipv4/conf/default/rp_filter": "0",
    # Entries run close upon each other: no limit on ICMP errors, where it can be lifted.  (Not by
    # a rate of 0 in IPv4: that takes away the allowance that "no route" errors have of their own.)
    "ipv4/icmp_ratemask": "0",
    "ipv6/icmp/ratelimit": "0",
    "ipv4/ip_default_ttl": "64",
    "ipv4/ip_local_port_range": "32768 60999",
    "ipv4/ip_unprivileged_port_start": "1024",
    "ipv6/conf/all/disable_ipv6": "0",
}

#: The same of an interface of the client, as it was when the interface was made.
_CLIENT = {
    "ipv4/conf/eth0/ignore_routes_with_linkdown": "0",
    "ipv6/conf/eth0/accept_dad": "0",
    "ipv6/conf/eth0/dad_transmits": "0",
}

_ROUTER = {"ipv4/ip_forward": "1", "ipv6/conf/all/forwarding": "1"}


class World:
    """The office.  `reset` puts every machine back into order."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ground = Ground(folder)
        self.nodes: dict[str, Node] = {}
        self._kept: dict[str, int] = {}
        self._builds = 0
        self._spent = False
        self._root = ""  # the certificate of the authority, in PEM

    # ------------------------------------------------------------------------------ building

    def probe(self) -> None:
        """Tries whether namespaces can be made here at all.  Raises LabError with the reason."""
        ground = Ground(self._new_subfolder())
        try:
            node = ground.node("probe")
            node.run("ip", "link", "add", "probe0", "type", "veth", "peer", "name", "probe1")
            node.run("nft", "-f", "-", stdin=_FIREWALL)
        finally:
            ground.remove()

    def build(self) -> None:
        """Makes every machine, cable and service, and waits for the services.  Raises LabError."""
        self._ground = Ground(self._new_subfolder())
        self._certify()
        for name in _ROUTES:
            node = self.nodes[name] = self._ground.node(name)
            # Before there is any interface: addresses are usable at once, and none comes by itself.
            node.set({"ipv6/conf/default/accept_dad": "0", "ipv6/conf/default/accept_ra": "0",
                      "ipv6/conf/default/dad_transmits": "0"})  # fmt: skip
        self._lay_cables()
        for node in self.nodes.values():
            self._arrange(node)
        self._start_services()
        self._kept = {name: len(node.services) for name, node in self.nodes.items()}
        self._spent = False

    def _certify(self) -> None:
        """Makes the certificates of the servers, once."""
        if not self.certificates.exists():
            self.certificates.mkdir()
            self._root = lay_out(self.certificates, _CERTIFIED).read_text()

    def _new_subfolder(self) -> Path:
        self._builds += 1
        folder = self.folder / str(self._builds)
        folder.mkdir()
        return folder

    def _lay_cables(self) -> None:
        for (node, interface), (peer, peer_interface) in _CABLES:
            pid = str(self.nodes[peer].holder.pid)
            self.nodes[node].run("ip", "link", "add", interface, "type", "veth", "peer", "name",
                                 peer_interface, "netns", pid)  # fmt: skip
        router = self.nodes["router1"]
        router.run("ip", "link", "add", _SWITCH, "type", "bridge")
        for port in _PORTS:
            router.run("ip", "link", "set", port, "master", _SWITCH)

    def _arrange(self, node: Node) -> None:
        """Settings, firewall, addresses, routes and files as they belong."""
        extra = _ROUTER if node.name.startswith("router") else {}
        node.set(_SETTINGS | (_CLIENT if node.name == "client" else extra))
        if not self._ground.in_user_namespace:
            # The second number is below the first: nobody may ping.  A new network has it so.
            node.set({"ipv4/ping_group_range": "1 0"})
        node.run("nft", "-f", "-", stdin=_FIREWALL)
        node.run("ip", "-6", "-batch", "-", stdin=f"route flush root fd00::/8\n{_RULES}\n")
        lines = ["link set lo up", *_LOOPBACK]
        lines += ["route flush table main", _RULES]
        if node.name == "client":
            lines += ["xfrm policy flush", *(f"link del {name}" for name in _MADE)]
        if node.name == "router1":
            lines += [f"link set {port} up" for port in _PORTS]
        for (name, interface), addresses in _ADDRESSING.items():
            if name == node.name:
                lines += [f"link set {interface} down mtu 1500", f"addr flush dev {interface}"]
                lines += [f"addr add {a} dev {interface}" for a in addresses if "." in a]
                lines += [f"link set {interface} up"]
                lines += [f"addr add {a} dev {interface} nodad" for a in addresses if ":" in a]
        lines += [f"route add {route}" for route in _ROUTES[node.name]]
        node.run("ip", "-force", "-batch", "-", stdin="\n".join(lines) + "\n", check=False)
        for name, text in _FILES.items():
            path = node.etc / name
            path.unlink(missing_ok=True)
            path.write_text(text)
        (node.etc / TRUSTED).write_text(self._root)

    def _start_services(self) -> None:
        server, resolver = self.nodes["server"], self.nodes["resolver"]
        python = (sys.executable, str(INSIDE / "services.py"))
        started = [
            server.start(*python, "tcp:22", "tcp:80", "tcp:5432", "tcp:8080", "udp-echo:7"),
            self.nodes["printer"].start(*python, "tcp:9100", "tcp:80"),
            self.nodes["side"].start(*python, "tcp:22"),
        ]
        for process in started:
            wait_ready(process)
        zone = INSIDE / "zones"
        config = resolver.folder / "unbound.conf"
        config.write_text((zone / "unbound.conf").read_text().replace("@ZONES@", str(zone)))
        resolver.start("unbound", "-d", "-p", "-c", str(config))
        resolver.start("dnsmasq", "-d", f"--conf-file={zone / 'dnsmasq.conf'}")
        self._wait_for_resolvers()

    # --------------------------------------------------------------------------------- using

    @property
    def certificates(self) -> Path:
        """The folder with the certificates of the servers, and their keys."""
        return self.folder / "certificates"

    @property
    def client(self) -> Node:
        return self.nodes["client"]

    def _wait_for_resolvers(self) -> None:
        """Waits until both answer: their programs need a moment.  Raises LabError."""
        symptom = (sys.executable, str(INSIDE / "symptom.py"))
        wanted = ["dns {resolver} server.example.com A = NOERROR",
                  "dns {spare} server.example.com A = NOERROR"]  # fmt: skip
        said = ""
        for _ in range(40):
            checks = [w.format(**ADDRESSES) for w in wanted]
            done = self.client.run_unprivileged((*symptom, *checks), timeout=20)
            if done.returncode == 0:
                return
            said = done.stdout + done.stderr
            time.sleep(0.1)
        raise LabError(f"the resolvers did not start: {said}")

    def allow_ping(self) -> None:
        """Lets this user ping from the client."""
        if self._ground.in_user_namespace:
            # Only group 0 exists in here, so it cannot be forbidden again: the world is spent.
            self.client.set({"ipv4/ping_group_range": "0 0"})
            self._spent = True
        else:
            self.client.set({"ipv4/ping_group_range": "0 2147483647"})

    def reset(self, touched: Iterable[str]) -> None:
        """Puts the machines named back into order, and ends what an entry started on any."""
        if self._spent:
            self._ground.remove()
            self.build()
            return
        for name, node in self.nodes.items():
            node.stop_services(self._kept.get(name, 0))
        for name in {"client", *touched}:
            self._arrange(self.nodes[name])
        self.forget_neighbours()

    def forget_neighbours(self) -> None:
        """Who routes forgets which neighbours answer, and how large a packet may be: what one try
        found must not help the next."""
        for name in ("client", "router1", "router2", "server"):
            lines = ["neigh flush all", "route flush cache"]
            self.nodes[name].run("ip", "-batch", "-", stdin="\n".join(lines) + "\n")
            self.nodes[name].run("ip", "-6", "route", "flush", "cache")

    def remove(self) -> None:
        self._ground.remove()
        shutil.rmtree(self.folder, ignore_errors=True)


def wait_ready(process: object) -> None:
    """Waits for the word "ready" of a program of `inside/`.  Raises LabError with what it said."""
    stdout = getattr(process, "stdout", None)
    assert stdout is not None
    said = stdout.readline().decode(errors="replace").strip()
    if said != "ready":
        rest = stdout.read().decode(errors="replace")
        raise LabError(f"a service did not start: {said} {rest}")


def new_folder() -> Path:
    """A folder that everybody may enter, since netwhy runs as nobody."""
    folder = Path(tempfile.mkdtemp(prefix="netwhy-lab-"))
    os.chmod(folder, 0o755)
    return folder
