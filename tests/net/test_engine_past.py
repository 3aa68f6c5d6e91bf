"""What changed when it broke, in the reports of the real engine: real sockets, real namespaces."""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from tests.net.authority import Authority
from tests.net.namespaces import inside, ip, peer
from tests.net.talkers import Behaviour, answers, http, over_tls, redirects, talker

from netwhy.core.differences import compare
from netwhy.core.matrix import matrix
from netwhy.core.model import TargetReport
from netwhy.core.target import parse
from netwhy.engine import Engine


async def last_report(engine: Engine, text: str) -> TargetReport:
    reports = [report async for report in engine.check(parse(text))]
    return reports[-1]


def both(text: str, change: Callable[[], None]) -> tuple[TargetReport, TargetReport]:
    """The reports of a target before and after a change, by one engine."""

    async def run() -> tuple[TargetReport, TargetReport]:
        engine = Engine()
        before = await last_report(engine, text)
        change()
        await asyncio.sleep(0.6)  # what is younger than this is asked once for all
        return before, await last_report(engine, text)

    return asyncio.run(run())


def told(before: TargetReport, after: TargetReport) -> list[str]:
    return [f"{d.what} {d.was} > {d.now}" for d in compare(before, after).changed]


def served(text: str, first: Behaviour, then: Behaviour) -> list[str]:
    """What changed at a service on loopback; {port} is where it listens."""
    now = [first]
    with talker(lambda connection: now[0](connection)) as port:
        before, after = both(text.format(port=port), lambda: now.__setitem__(0, then))
        return [each.replace(str(port), "PORT") for each in told(before, after)]


@pytest.mark.parametrize(
    ("first", "then", "changed"),
    [
        (http("200 OK"), http("200 OK"), []),
        (http("200 OK"), http("503 Service Unavailable"), ["HTTP status 200 > 503"]),
        (
            http("200 OK", b"x", "Server: nginx"),
            http("502 Bad Gateway", b"x", "Server: envoy"),
            ["HTTP status 200 > 502", "HTTP server nginx > envoy"],
        ),
    ],
)
def test_an_http_service_that_breaks(first: bytes, then: bytes, changed: list[str]) -> None:
    assert served("http://127.0.0.1:{port}/", answers(first), answers(then)) == changed


def test_a_redirect_that_leads_elsewhere() -> None:
    first, then = (redirects(("/", to), ("/a", ""), ("/b", "")) for to in ("/a", "/b"))
    changed = served("http://127.0.0.1:{port}/", first, then)
    assert changed == ["redirect http://127.0.0.1:PORT/a > http://127.0.0.1:PORT/b"]


def test_a_certificate_that_was_replaced(tmp_path: Path) -> None:
    ca = Authority(tmp_path)
    sound = ca.issue("localhost", by=ca.intermediate, send=(ca.intermediate,))
    alone = ca.issue("localhost", days=(-30, -1))
    changed = served("tls://127.0.0.1:{port}", over_tls(sound.server()), over_tls(alone.server()))
    names = [each.partition(" CN=")[0] for each in changed]
    assert names[0].startswith("certificate issuer") and "netwhy" in names[0]
    assert any(each.startswith("certificate expiry 20") for each in changed)
    assert "certificates sent 2 > 1" in changed
    assert not any(
        each.startswith(("certificate subject", "certificate names")) for each in changed
    )


# ------------------------------------------------------------------------------- in a namespace


def name_hosts(lines: Sequence[str]) -> None:
    """The hosts file of this mount namespace."""
    file = Path(tempfile.mkdtemp(), "hosts")
    file.write_text("".join(f"{line}\n" for line in lines))
    subprocess.run(["mount", "--bind", str(file), "/etc/hosts"], check=True)


def moved_name() -> list[str]:
    with peer():
        name_hosts(["192.0.2.1 db.example", "2001:db8::1 db.example"])
        move = ["192.0.2.99 db.example", "2001:db8::1 db.example"]
        before, after = both("db.example:80", lambda: name_hosts(move))
        found = matrix(after)
        assert found is not None
        cells = {address: cell[0].text for address, cell in found.rows}
        return [*told(before, after), *(f"{a}: {text}" for a, text in sorted(cells.items()))]


def blackholed() -> list[str]:
    with peer():
        return told(*both("192.0.2.1:80", lambda: ip("route add blackhole 192.0.2.1/32")))


def another_source() -> list[str]:
    with peer():
        ip("address add 192.0.2.20/24 dev eth0")
        change = "route add 192.0.2.1/32 dev eth0 src 192.0.2.20"
        return told(*both("192.0.2.1:80", lambda: ip(change)))


def gateway_gone() -> list[str]:
    with peer(routes=["blackhole 198.51.100.0/24"]):
        return told(*both("198.51.100.9:80", lambda: ip("route replace default via 192.0.2.77")))


def test_a_name_that_moved_to_where_nobody_is() -> None:
    assert inside(moved_name) == [
        "addresses 192.0.2.1, 2001:db8::1 > 192.0.2.99, 2001:db8::1",
        "hosts file 192.0.2.1, 2001:db8::1 > 192.0.2.99, 2001:db8::1",
        "192.0.2.99: EHOSTUNREACH",
        "2001:db8::1: ",
    ]


def test_a_route_that_is_a_blackhole_now() -> None:
    assert inside(blackholed) == ["route there > EINVAL"]


def test_another_source_address() -> None:
    assert inside(another_source) == ["source address 192.0.2.10 > 192.0.2.20"]


def test_another_gateway() -> None:
    assert inside(gateway_gone) == [
        "default gateways 192.0.2.1 on eth0, 2001:db8::1 on eth0 > 192.0.2.77 on eth0, "
        "2001:db8::1 on eth0",
        "gateway 192.0.2.1 > 192.0.2.77",
    ]
