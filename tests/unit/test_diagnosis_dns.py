"""The name: what the system's look-up gives, what each resolver says, and whose fault it is."""

from __future__ import annotations

import pytest
from tests.unit.facts import (
    BOTH_GATEWAYS,
    ETH0,
    FAR_RESOLVER,
    GATEWAY,
    HERE,
    NAME,
    RESOLVER,
    ROUTER,
    SERVER,
    SERVER6,
    SERVER_B,
    Row,
    all_ports,
    answer,
    check,
    connect_fails,
    examined,
    hosts_file,
    icmp,
    interface,
    ip,
    look_up_fails,
    looks_up,
    machine,
    neighbour,
    opens,
    resolv_conf,
    says,
    target_of,
    version_bind,
)

from netwhy.core import asks
from netwhy.core.model import Verdict
from netwhy.core.observations import TIMEOUT, ConfiguredResolver, PortUse
from netwhy.diagnosis.search import candidates
from netwhy.diagnosis.server import CONTRAST_S

TARGET = f"{NAME}:5432"
OPEN = opens(SERVER, 5432)
NOT_FOUND = look_up_fails(NAME, "EAI_NONAME")
AGAIN = look_up_fails(NAME, "EAI_AGAIN", 5003.0)
SOA = ("example.com", 300)
ETH0_DOWN = interface("eth0", f"{HERE}/24", up=False)
TWO = resolv_conf(RESOLVER, FAR_RESOLVER)


def refused_queries(server: str, error: str, **changes: object) -> tuple[object, ...]:
    """Both questions for the name ended with an error of the transport."""
    return says(server, NAME, error=error, **changes)


WORKS = [
    Row("the name and the port work", TARGET,
        (looks_up(NAME, SERVER), *says(RESOLVER, NAME, SERVER), OPEN),
        asks=(asks.DnsAsk(ip(RESOLVER), NAME, "A"), asks.HostsAsk(NAME))),
    Row("both families", TARGET, (looks_up(NAME, SERVER6, SERVER),
        *says(RESOLVER, NAME, SERVER, SERVER6), OPEN, opens(SERVER6, 5432))),
    Row("only IPv4 is asked for", f"tcp://{NAME}:5432?family=4",
        (looks_up(NAME, SERVER), *says(RESOLVER, NAME, SERVER), OPEN),
        asks=(asks.SystemLookupAsk(NAME, 4),)),
    Row("the name is in the hosts file: the resolver is heard if it answers soon", TARGET,
        (hosts_file(NAME, SERVER), looks_up(NAME, SERVER), OPEN),
        asks=(asks.DnsAsk(ip(RESOLVER), NAME, "A", within_s=0.5),)),
    Row("localhost needs no resolver", "localhost:5432",
        (looks_up("localhost", "::1", "127.0.0.1"), opens("::1", 5432), opens("127.0.0.1", 5432)),
        never=(asks.DnsAsk,)),
    Row("a name under localhost needs none either", "app.localhost:5432",
        (looks_up("app.localhost", "127.0.0.1"), opens("127.0.0.1", 5432)), never=(asks.DnsAsk,)),
    Row("the system knows the name and no resolver does", TARGET,
        (looks_up(NAME, SERVER), *says(RESOLVER, NAME, rcode="NXDOMAIN"), OPEN)),
    Row("the system knows the name and no resolver answers", TARGET,
        (looks_up(NAME, SERVER), OPEN)),
    Row("a dead spare resolver: a note", TARGET,
        (looks_up(NAME, SERVER), TWO, *says(RESOLVER, NAME, SERVER), OPEN),
        "dns.spare-resolver-dead", Verdict.OK,
        evidence=(f"resolver {FAR_RESOLVER} gave no answer to 2 queries",)),
    Row("a spare resolver that refuses: a note", TARGET,
        (looks_up(NAME, SERVER), TWO, *says(RESOLVER, NAME, SERVER), OPEN,
         *refused_queries(FAR_RESOLVER, "ECONNREFUSED")),
        "dns.spare-resolver-dead", Verdict.OK, evidence=("ECONNREFUSED",)),
    Row("a dead first resolver that nobody waited for: a note", TARGET,
        (looks_up(NAME, SERVER, ms=20.0), TWO, *says(FAR_RESOLVER, NAME, SERVER), OPEN),
        "dns.first-resolver-dead", Verdict.OK, unsaid=("Spare resolver", "waits")),
    Row("each look-up waits for a dead first resolver", TARGET,
        (looks_up(NAME, SERVER, ms=5003.0), TWO, *says(FAR_RESOLVER, NAME, SERVER), OPEN),
        "dns.first-resolver-dead", Verdict.DEGRADED,
        evidence=(f"resolver {RESOLVER} gave no answer", "took 5.00 s")),
    Row("the library waits longer than we do, and the second resolver knows", TARGET,
        (look_up_fails(NAME, TIMEOUT, 5800.0), TWO, *says(FAR_RESOLVER, NAME, SERVER), OPEN),
        "dns.first-resolver-dead", Verdict.DEGRADED),
    Row("the resolver drops questions for AAAA", TARGET,
        (looks_up(NAME, SERVER, ms=5003.0), answer(RESOLVER, NAME, "A", SERVER), OPEN),
        "dns.aaaa-dropped", Verdict.DEGRADED,
        evidence=("does not answer questions of type AAAA", "5.00 s")),
    Row("the library waits for AAAA longer than we do", TARGET,
        (look_up_fails(NAME, TIMEOUT, 5800.0), answer(RESOLVER, NAME, "A", SERVER), OPEN),
        "dns.aaaa-dropped", Verdict.DEGRADED, evidence=("nothing within 5.80 s",)),
    Row("a spare that drops AAAA: nobody waits for it", TARGET,
        (looks_up(NAME, SERVER), TWO, *says(RESOLVER, NAME, SERVER), OPEN,
         answer(FAR_RESOLVER, NAME, "A", SERVER))),
]  # fmt: skip

ANSWERED = [
    Row("no such name", TARGET, (NOT_FOUND, says(RESOLVER, NAME, rcode="NXDOMAIN", soa=SOA)),
        "dns.name-not-found", evidence=("answered NXDOMAIN after 3.00 ms", "gave EAI_NONAME",
        "zone example.com says so", "another 300 s")),
    Row("no such name, whatever suffix", "db:5432",
        (resolv_conf(RESOLVER, search=("example.com", "example.net")),
         look_up_fails("db", "EAI_NONAME"),
         *(says(RESOLVER, n, rcode="NXDOMAIN") for n in ("db", NAME, "db.example.net"))),
        "dns.name-not-found",
        asks=tuple(asks.DnsAsk(ip(RESOLVER), n, "AAAA") for n in ("db.example.com", "db"))),
    Row("the name has no address", TARGET,
        (NOT_FOUND, says(RESOLVER, NAME), answer(RESOLVER, NAME, "MX", records=1)),
        "dns.no-address", evidence=("answered no data", "has records of type MX"),
        asks=(asks.DnsAsk(ip(RESOLVER), NAME, "TXT"),)),
    Row("the name has no address of the family asked for", f"tcp://{NAME}:5432?family=6",
        (NOT_FOUND, *says(RESOLVER, NAME, SERVER)), "dns.no-address",
        evidence=("no IPv6 address", "has records of type A")),
    Row("NODATA beside NXDOMAIN: the name exists", TARGET,
        (NOT_FOUND, answer(RESOLVER, NAME, "A"), answer(RESOLVER, NAME, "AAAA", rcode="NXDOMAIN")),
        "dns.no-address"),
    Row("SERVFAIL, and unchecked too", TARGET,
        (AGAIN, says(RESOLVER, NAME, rcode="SERVFAIL"),
         answer(RESOLVER, NAME, "A", rcode="SERVFAIL", checking_disabled=True)),
        "dns.server-failure", evidence=("SERVFAIL", "fails in the same way"),
        asks=(asks.DnsAsk(ip(RESOLVER), NAME, "A", checking_disabled=True),)),
    Row("SERVFAIL, and the unchecked question stays without an answer", TARGET,
        (AGAIN, says(RESOLVER, NAME, rcode="SERVFAIL")), "dns.server-failure",
        unsaid=("in the same way",)),
    *(
        Row(f"SERVFAIL, and {rcode} when nothing is checked", TARGET,
            (AGAIN, says(RESOLVER, NAME, rcode="SERVFAIL", ede=((6, "bad key"),)),
             answer(RESOLVER, NAME, "A", rcode=rcode, checking_disabled=True)),
            "dns.dnssec-bogus", evidence=(f"answers {rcode} when it is asked not to check",
            "DNSSEC Bogus (6): bad key"))
        for rcode in ("NOERROR", "NXDOMAIN")
    ),
    Row("the resolver refuses us", TARGET,
        (AGAIN, says(RESOLVER, NAME, rcode="REFUSED", ede=((18, ""),))), "dns.refused",
        evidence=("REFUSED", "(18)")),
    Row("an authority instead of a resolver", TARGET,
        (AGAIN, says(RESOLVER, NAME, recursion_available=False)), "dns.not-a-resolver",
        evidence=("the flag RA is not set", "lacks the SOA record")),
    *(
        Row(f"the resolver says {rcode}", TARGET, (AGAIN, says(RESOLVER, NAME, rcode=rcode)),
            "dns.server-failure", evidence=(rcode,))
        for rcode in ("FORMERR", "NOTIMP", "RCODE 12")
    ),
    Row("the first says no, the second knows", TARGET,
        (NOT_FOUND, TWO, says(RESOLVER, NAME, rcode="NXDOMAIN"), *says(FAR_RESOLVER, NAME, SERVER)),
        "dns.resolvers-disagree", evidence=("NXDOMAIN", f"answers with {SERVER}")),
    Row("the first is dead, the second says no", TARGET,
        (NOT_FOUND, TWO, says(FAR_RESOLVER, NAME, rcode="NXDOMAIN")), "dns.name-not-found",
        evidence=("NXDOMAIN", f"resolver {RESOLVER} gave no answer")),
    Row("both say no", TARGET,
        (NOT_FOUND, TWO, says(RESOLVER, NAME, rcode="NXDOMAIN"),
         says(FAR_RESOLVER, NAME, rcode="NXDOMAIN")), "dns.name-not-found",
        evidence=(RESOLVER, FAR_RESOLVER)),
]  # fmt: skip

SYSTEM = [
    Row("DNS knows, and nsswitch leaves it out", TARGET,
        (NOT_FOUND, resolv_conf(RESOLVER, lookups="files myhostname"),
         *says(RESOLVER, NAME, SERVER)), "dns.nsswitch",
        evidence=('"files myhostname": it leaves out dns', f"answers with {SERVER}")),
    Row("DNS knows, and a line of resolv.conf is ignored", TARGET,
        (NOT_FOUND, resolv_conf(RESOLVER, ignored=((2, "nameserver 192.0.2.53:5353", "a port"),)),
         *says(RESOLVER, NAME, SERVER)), "dns.config-ignored",
        evidence=("line 2 is ignored (a port): nameserver 192.0.2.53:5353",)),
    Row("DNS knows, and nothing says why the system does not", TARGET,
        (NOT_FOUND, *says(RESOLVER, NAME, SERVER)), "unexplained",
        evidence=("EAI_NONAME", f"answers with {SERVER}")),
    Row("the hosts file has the name and the library fails all the same", TARGET,
        (hosts_file(NAME, SERVER), look_up_fails(NAME, "EAI_SYSTEM")), "unexplained",
        evidence=("EAI_SYSTEM",), never=(asks.DnsAsk,)),
    *(
        Row(f"no resolver: the file is {state}", TARGET, (NOT_FOUND, resolv_conf(state=state)),
            "dns.no-resolver", evidence=(words, "EAI_NONAME"), never=(asks.DnsAsk,))
        for state, words in (("missing", "does not exist"), ("dangling", "is a link to a file"),
                             ("empty", "names no resolver"), ("unreadable", "cannot be read"),
                             ("ok", "names no resolver that the system would use"))
    ),
    Row("no resolver that counts: each line is ignored", TARGET,
        (NOT_FOUND, resolv_conf(resolvers=(ConfiguredResolver(None, "ns.example.com", 1, False),)
        , ignored=((1, "nameserver ns.example.com", "a name"),))),
        "dns.config-ignored", evidence=("line 1 is ignored (a name)", "no resolver that the")),
    Row("no resolver, and no network either", TARGET,
        (NOT_FOUND, resolv_conf(state="missing"), machine(ETH0_DOWN, gateways=())),
        "local.offline"),
]  # fmt: skip

SAID = [
    Row("REFUSED, for want of an upstream", TARGET,
        (AGAIN, says(RESOLVER, NAME, rcode="REFUSED", ede=((14, ""),))), "dns.refused",
        evidence=("nobody to ask itself", "Not Ready (14)")),
    Row("REFUSED, for want of recursion", TARGET,
        (AGAIN, says(RESOLVER, NAME, rcode="REFUSED", recursion_available=False)), "dns.refused",
        evidence=("does not look names up", "flag RA"), rivals=("dns.not-a-resolver",)),
    Row("the whole domain is gone: its top-level domain says no", "www.shop.example:80",
        (look_up_fails("www.shop.example", "EAI_NONAME"),
         says(RESOLVER, "www.shop.example", rcode="NXDOMAIN", soa=("example", 900))),
        "dns.name-not-found", evidence=("The domain shop.example does not exist",)),
    Row("a name below a domain that exists", "a.b.example.com:80",
        (look_up_fails("a.b.example.com", "EAI_NONAME"),
         says(RESOLVER, "a.b.example.com", rcode="NXDOMAIN", soa=SOA)),
        "dns.name-not-found", evidence=("The name a.b.example.com does not exist",)),
    Row("led to this machine, and elsewhere by another resolver", TARGET,
        (looks_up(NAME, "127.0.0.1"), TWO, *says(RESOLVER, NAME, "127.0.0.1"),
         *says(FAR_RESOLVER, NAME, SERVER)), "dns.sinkholed",
        evidence=("127.0.0.1 is this machine itself", SERVER)),
    Row("led to this machine by the only resolver: it may be meant so", TARGET,
        (looks_up(NAME, "127.0.0.1"), *says(RESOLVER, NAME, "127.0.0.1"),
         opens("127.0.0.1", 5432))),
    Row("two resolvers, each with another part of a pool", TARGET,
        (looks_up(NAME, "10.1.0.1", "10.1.0.2"), TWO, opens("10.1.0.1", 5432),
         opens("10.1.0.2", 5432), *(
             says(server, NAME, *pool, ttl=30, attempt=attempt) for attempt in (0, 1)
             for server, pool in ((RESOLVER, ("10.1.0.1", "10.1.0.2")),
                                  (FAR_RESOLVER, ("10.2.0.1", "10.2.0.2"))))),
        "dns.resolvers-disagree", Verdict.OK),
]  # fmt: skip

STRAYS = [
    *(
        Row(f"{why}: no client takes such a reply", TARGET,
            (AGAIN, says(RESOLVER, NAME, error=TIMEOUT, stray=(why, ip(sender)))),
            "dns.resolver-silent", evidence=(words, "throws such a reply away"),
            unsaid=("gave no answer",))
        for why, sender, words in (
            ("other-address", FAR_RESOLVER, f"come from {FAR_RESOLVER} instead"),
            ("other-id", RESOLVER, "the number of another question"),
            ("other-question", RESOLVER, "a question that was not asked"),
            ("unreadable", RESOLVER, "no DNS message"))
    ),
    Row("answers from another address, and TCP works", TARGET,
        (AGAIN, says(RESOLVER, NAME, error=TIMEOUT, stray=("other-address", ip(FAR_RESOLVER))),
         answer(RESOLVER, NAME, "A", SERVER, transport="tcp")), "dns.udp-blocked",
        evidence=(f"come from {FAR_RESOLVER} and are thrown away; TCP works",)),
    Row("junk makes the library give up at once: no refusal", TARGET,
        (look_up_fails(NAME, "EAI_AGAIN", 7.0),
         says(RESOLVER, NAME, error=TIMEOUT, stray=("unreadable", ip(RESOLVER))),
         answer(RESOLVER, NAME, "A", transport="tcp", error="ECONNREFUSED")),
        "dns.resolver-silent", evidence=("no client can use",)),
    Row("the library was refused at once, and we met silence", TARGET,
        (look_up_fails(NAME, "EAI_AGAIN", 4.0),), "dns.resolver-unreachable",
        evidence=("sooner than any silence",), rivals=("dns.resolver-silent",)),
    Row("refused at once, silence, and TCP is refused by the machine itself", TARGET,
        (look_up_fails(NAME, "EAI_AGAIN", 4.0),
         answer(RESOLVER, NAME, "A", transport="tcp", error="ECONNREFUSED")),
        "dns.resolver-not-listening"),
    Row("a router says no to the second question only", TARGET,
        (AGAIN, answer(RESOLVER, "version.bind", "TXT", error="ENETUNREACH",
                       icmp=icmp("3/0", ROUTER))), "dns.resolver-unreachable",
        evidence=(ROUTER, "network unreachable")),
    Row("TCP alone is forbidden: no word about the silence over UDP", TARGET,
        (AGAIN, answer(RESOLVER, NAME, "A", transport="tcp", error="EHOSTUNREACH",
                       icmp=icmp("3/13", ROUTER))), "dns.resolver-silent"),
    Row("questions get lost, with EDNS or without", TARGET,
        (look_up_fails(NAME, TIMEOUT, 5800.0), *says(RESOLVER, NAME, SERVER, payload=0),
         answer(RESOLVER, NAME, "A", SERVER, payload=512), OPEN), "dns.slow", Verdict.DEGRADED,
        evidence=("never answers others",)),
    Row("questions get lost, and nobody felt it", TARGET,
        (looks_up(NAME, SERVER), *says(RESOLVER, NAME, SERVER, payload=0),
         answer(RESOLVER, NAME, "A", SERVER, payload=512), OPEN)),
    Row("the library had its answer late: ours is about to come", TARGET,
        (looks_up(NAME, SERVER, ms=2510.0), OPEN,
         says(RESOLVER, NAME, error=TIMEOUT, pending=True, ms=1300.0),
         answer(RESOLVER, NAME, "A", SERVER, transport="tcp"))),
    Row("the question for IPv4 is dropped", TARGET,
        (AGAIN, answer(RESOLVER, NAME, "AAAA", SERVER6)), "dns.aaaa-dropped",
        evidence=("drops IPv4 questions",)),
    Row("the hosts file knows the name, and is not read", TARGET,
        (hosts_file(NAME, SERVER), NOT_FOUND, resolv_conf(RESOLVER, lookups="dns")),
        "dns.nsswitch", evidence=("leaves out files", "/etc/hosts line 7")),
    Row("the entry of the hosts file is commented out", TARGET,
        (hosts_file(NAME, commented=(9, f"#{SERVER} {NAME}")), NOT_FOUND,
         says(RESOLVER, NAME, rcode="NXDOMAIN", soa=SOA)), "dns.name-not-found",
        evidence=("/etc/hosts line 9", "commented out")),
    Row("each look-up asks in vain for two names first: a note", "db.example:5432",
        (resolv_conf(RESOLVER, search=("a.example", "b.example"), ndots=5, ndots_line=3),
         looks_up("db.example", SERVER), OPEN, *says(RESOLVER, "db.example", SERVER),
         *(says(RESOLVER, f"db.example.{s}.example", rcode="NXDOMAIN") for s in "ab")),
        "dns.slow", Verdict.OK, evidence=("6 questions", "4 of them in vain", "line 3")),
    Row("one name in vain is what search lists are for", "db:5432",
        (resolv_conf(RESOLVER, search=("a.example", "b.example")), looks_up("db", SERVER), OPEN,
         *says(RESOLVER, "db.b.example", SERVER),
         *(says(RESOLVER, n, rcode="NXDOMAIN") for n in ("db", "db.a.example")))),
]  # fmt: skip

DEAD = [
    Row("no resolver answers", TARGET, (AGAIN,), "dns.resolver-silent",
        evidence=("gave no answer to 2 queries in 4.40 s", "neither over TCP", "EAI_AGAIN"),
        rivals=("dns.upstream-dead", "path.silent"),
        asks=(asks.DnsAsk(ip(RESOLVER), "version.bind", "TXT", rrclass="CH", within_s=CONTRAST_S),
              asks.DnsAsk(ip(RESOLVER), NAME, "A", transport="tcp", within_s=CONTRAST_S),
              asks.DnsAsk(ip(RESOLVER), NAME, "A", payload=0, within_s=CONTRAST_S))),
    Row("none of two resolvers answers", TARGET, (AGAIN, TWO), "dns.resolver-silent",
        evidence=(RESOLVER, FAR_RESOLVER)),
    Row("the resolver lives, its upstream does not", TARGET, (AGAIN, version_bind(RESOLVER)),
        "dns.upstream-dead", evidence=("answers a question about itself",)),
    Row("only UDP is blocked", TARGET,
        (AGAIN, answer(RESOLVER, NAME, "A", SERVER, transport="tcp")), "dns.udp-blocked",
        evidence=("answers the same question over TCP",)),
    Row("nothing listens on port 53", TARGET, (AGAIN, refused_queries(RESOLVER, "ECONNREFUSED")),
        "dns.resolver-not-listening", evidence=("ECONNREFUSED",)),
    Row("the resolver's own machine refuses by ICMP", TARGET,
        (AGAIN, refused_queries(RESOLVER, "ECONNREFUSED", icmp=icmp("3/3", RESOLVER))),
        "dns.resolver-not-listening", evidence=("port unreachable",)),
    Row("the local stub is not running", TARGET,
        (AGAIN, resolv_conf("127.0.0.53"),
         refused_queries("127.0.0.53", "ECONNREFUSED", icmp=icmp("3/3", "127.0.0.1"))),
        "dns.resolver-not-listening", evidence=("127.0.0.53",)),
    Row("one refuses, the other is silent: the refusal says more", TARGET,
        (AGAIN, TWO, refused_queries(FAR_RESOLVER, "ECONNREFUSED")),
        "dns.resolver-not-listening", evidence=(f"resolver {FAR_RESOLVER} could not be sent",)),
    *(
        Row(f"a router turns the queries away: {kind}", TARGET,
            (AGAIN, resolv_conf(FAR_RESOLVER),
             refused_queries(FAR_RESOLVER, error, icmp=icmp(kind, ROUTER))),
            "dns.resolver-unreachable", evidence=(ROUTER, f"ICMP {kind}"))
        for kind, error in (("3/13", "EHOSTUNREACH"), ("3/1", "EHOSTUNREACH"),
                            ("3/0", "ENETUNREACH"), ("3/3", "ECONNREFUSED"))
    ),
    Row("an ICMP error whose sender is not known", TARGET,
        (AGAIN, resolv_conf(FAR_RESOLVER),
         refused_queries(FAR_RESOLVER, "EHOSTUNREACH", icmp=icmp("3/1", None))),
        "dns.resolver-unreachable", unsaid=("None",)),
    Row("no route to the resolver alone", TARGET,
        (AGAIN, resolv_conf("2001:db8:5::53"), machine(gateways=BOTH_GATEWAYS[:1]),
         refused_queries("2001:db8:5::53", "ENETUNREACH")),
        "dns.resolver-unreachable", evidence=("no default route for IPv6",)),
    Row("the resolver on our own link is gone", TARGET, (AGAIN, neighbour(RESOLVER, "FAILED")),
        "dns.resolver-unreachable", evidence=("does not answer ARP",)),
    Row("the queries are refused by a policy", TARGET,
        (AGAIN, refused_queries(RESOLVER, "EACCES")), "dns.resolver-unreachable",
        evidence=("EACCES",)),
    Row("an error that no rule explains", TARGET, (AGAIN, refused_queries(RESOLVER, "EPROTO")),
        "dns.resolver-unreachable", evidence=("EPROTO",)),
    # the deepest cause first
    Row("the gateway on the way to the resolver is dead", TARGET,
        (AGAIN, resolv_conf(FAR_RESOLVER), neighbour(GATEWAY, "FAILED")), "route.gateway-silent",
        evidence=(GATEWAY,)),
    Row("one resolver near and gone, the other behind a dead gateway", TARGET,
        (AGAIN, TWO, neighbour(RESOLVER, "FAILED"), neighbour(GATEWAY, "FAILED")),
        "route.gateway-silent"),
    Row("no UDP port is left for the queries", TARGET,
        (AGAIN, refused_queries(RESOLVER, "EAGAIN"),
         PortUse(ip(RESOLVER), 53, used=28230, available=28232, transport="udp")),
        "local.ports-exhausted", evidence=("28230 of 28232 UDP ports",)),
    Row("an own rule drops the queries", TARGET, (AGAIN, refused_queries(RESOLVER, "EPERM")),
        "local.firewall", evidence=("refused to send a datagram",)),
    Row("an own rule rejects the queries", TARGET,
        (AGAIN, refused_queries(RESOLVER, "ECONNREFUSED", icmp=icmp("3/3", HERE))),
        "local.firewall", evidence=("one of this machine's own addresses",)),
    Row("offline", TARGET,
        (AGAIN, machine(ETH0_DOWN, gateways=()), refused_queries(RESOLVER, "ENETUNREACH")),
        "local.offline"),
    Row("the resolver's interface is switched off", TARGET,
        (AGAIN, machine(ETH0_DOWN, interface("eth1", "203.0.113.10/24"), gateways=()),
         refused_queries(RESOLVER, "ENETUNREACH")), "local.interface-down"),
    Row("no way out at all", TARGET,
        (AGAIN, resolv_conf(FAR_RESOLVER), machine(gateways=()),
         refused_queries(FAR_RESOLVER, "ENETUNREACH")), "route.none"),
    Row("loopback is down under the local stub", TARGET,
        (AGAIN, resolv_conf("127.0.0.53"),
         machine(interfaces=(interface("lo", "127.0.0.1/8", up=False), ETH0))),
        "local.loopback-down"),
    Row("no more files for the queries", TARGET, (AGAIN, refused_queries(RESOLVER, "EMFILE")),
        "local.files-exhausted"),
    Row("the way to one resolver is unknown, the other refuses: only that one is accused", TARGET,
        (AGAIN, TWO, refused_queries(RESOLVER, "EHOSTUNREACH"),
         refused_queries(FAR_RESOLVER, "ECONNREFUSED")), "dns.resolver-not-listening",
        skipped=(asks.RouteAsk,), evidence=(f"on port 53 of resolver {FAR_RESOLVER}",)),
]  # fmt: skip

#: The system's look-up still waits (up to 28 s) while the resolvers have been heard.
EARLY = [
    Row("nothing listens on port 53: no need to wait", TARGET,
        (refused_queries(RESOLVER, "ECONNREFUSED"),), "dns.resolver-not-listening",
        withheld=(asks.SystemLookupAsk,)),
    Row("the gateway is dead: no need to wait", TARGET,
        (resolv_conf(FAR_RESOLVER), neighbour(GATEWAY, "FAILED")), "route.gateway-silent",
        withheld=(asks.SystemLookupAsk,)),
    Row("an own rule drops the queries: no need to wait", TARGET,
        (refused_queries(RESOLVER, "EPERM"),), "local.firewall",
        withheld=(asks.SystemLookupAsk,)),
    Row("all is silent: the library would wait much longer for the same", TARGET, (),
        "dns.resolver-silent", evidence=("nothing within 4.40 s",),
        withheld=(asks.SystemLookupAsk,)),
    Row("three are silent: nobody waits 28 s", TARGET,
        (resolv_conf(RESOLVER, FAR_RESOLVER, GATEWAY),), "dns.resolver-silent",
        evidence=("No configured resolver answers",), withheld=(asks.SystemLookupAsk,)),
    Row("the first is silent, the second knows: go on with that", TARGET,
        (TWO, says(FAR_RESOLVER, NAME, SERVER), OPEN), "dns.first-resolver-dead", Verdict.DEGRADED,
        evidence=("nothing within 4.40 s",), withheld=(asks.SystemLookupAsk,)),
    Row("AAAA is dropped: go on with IPv4", TARGET, (answer(RESOLVER, NAME, "A", SERVER), OPEN),
        "dns.aaaa-dropped", Verdict.DEGRADED, withheld=(asks.SystemLookupAsk,)),
    Row("a long answer, and TCP that says nothing: the library would wait for ever", TARGET,
        (says(RESOLVER, NAME, truncated=True),), "dns.truncated-no-tcp",
        withheld=(asks.SystemLookupAsk,)),
    *(
        Row(f"another source than DNS may still know the name: {lookups}", name,
            (says(RESOLVER, name, error="ECONNREFUSED"), resolv_conf(RESOLVER, lookups=lookups)),
            verdict=Verdict.UNKNOWN, withheld=(asks.SystemLookupAsk,), reason="dns")
        for name, lookups in ((NAME, "files resolve [!UNAVAIL=return] dns"), (NAME, "sss dns"),
                              ("nas.local", "files mdns4_minimal dns"))
    ),
    Row("multicast DNS has nothing to say outside of .local", TARGET,
        (refused_queries(RESOLVER, "ECONNREFUSED"),
         resolv_conf(RESOLVER, lookups="files mdns4_minimal [NOTFOUND=return] dns")),
        "dns.resolver-not-listening", withheld=(asks.SystemLookupAsk,)),
    Row("the resolver answered: the library will too", TARGET, (says(RESOLVER, NAME, SERVER),),
        verdict=Verdict.UNKNOWN, withheld=(asks.SystemLookupAsk,), reason="dns"),
    Row("one of two answers: the library will find it", TARGET,
        (TWO, refused_queries(RESOLVER, "ECONNREFUSED"), says(FAR_RESOLVER, NAME, SERVER)),
        verdict=Verdict.UNKNOWN, withheld=(asks.SystemLookupAsk,), reason="dns"),
]  # fmt: skip

ASKED = f"dns://{RESOLVER}/www.example.com"
WWW = "www.example.com"
ODD = 5353
DNS_TARGETS = [
    Row("it answers", ASKED, (answer(RESOLVER, WWW, "A", SERVER),), never=(asks.SystemLookupAsk,)),
    Row("it answers for AAAA", f"{ASKED}?type=AAAA", (answer(RESOLVER, WWW, "AAAA", SERVER6),)),
    Row("it knows the root", f"dns://{RESOLVER}", (answer(RESOLVER, ".", "NS", records=13),)),
    Row("it has nothing for the root, and answers", f"dns://{RESOLVER}",
        (answer(RESOLVER, ".", "NS"),)),
    Row("an authority answers what it has", ASKED,
        (answer(RESOLVER, WWW, "A", SERVER, recursion_available=False, authoritative=True),)),
    Row("no such name there", ASKED, (answer(RESOLVER, WWW, "A", rcode="NXDOMAIN", soa=SOA),),
        "dns.name-not-found", evidence=("NXDOMAIN", "zone example.com")),
    Row("no data there", ASKED, (answer(RESOLVER, WWW, "A"),), "dns.no-address"),
    Row("no data for MX is no missing address", f"{ASKED}?type=MX",
        (answer(RESOLVER, WWW, "MX"), answer(RESOLVER, WWW, "A", SERVER)), "dns.no-address",
        unsaid=("no address",)),
    Row("it fails", ASKED, (answer(RESOLVER, WWW, "A", rcode="SERVFAIL"),
        answer(RESOLVER, WWW, "A", rcode="SERVFAIL", checking_disabled=True)),
        "dns.server-failure"),
    Row("signatures are wrong", ASKED, (answer(RESOLVER, WWW, "A", rcode="SERVFAIL"),
        answer(RESOLVER, WWW, "A", SERVER, checking_disabled=True)), "dns.dnssec-bogus"),
    Row("signatures are wrong, on another port", f"dns://{RESOLVER}:{ODD}/{WWW}",
        (answer(RESOLVER, WWW, "A", rcode="SERVFAIL", port=ODD),
         answer(RESOLVER, WWW, "A", SERVER, port=ODD, checking_disabled=True)),
        "dns.dnssec-bogus",
        asks=(asks.DnsAsk(ip(RESOLVER), WWW, "A", ODD, checking_disabled=True),)),
    Row("no data, on another port", f"dns://{RESOLVER}:{ODD}/{WWW}",
        (answer(RESOLVER, WWW, "A", port=ODD), answer(RESOLVER, WWW, "MX", port=ODD, records=2)),
        "dns.no-address", evidence=("has records of type MX",)),
    Row("it refuses", ASKED, (answer(RESOLVER, WWW, "A", rcode="REFUSED"),), "dns.refused"),
    Row("it is no resolver", ASKED, (answer(RESOLVER, WWW, "A", recursion_available=False),),
        "dns.not-a-resolver"),
    Row("it says something else", ASKED, (answer(RESOLVER, WWW, "A", rcode="NOTIMP"),),
        "dns.server-failure", evidence=("NOTIMP",), rivals=("dns.not-a-resolver",)),
    Row("an authority without such a record", f"dns://{RESOLVER}/{WWW}?type=MX",
        (answer(RESOLVER, WWW, "MX", recursion_available=False, authoritative=True),),
        "dns.no-address", evidence=("has no MX record",)),
    Row("an alias to a name without such a record", f"dns://{RESOLVER}/{WWW}?type=MX",
        (answer(RESOLVER, WWW, "MX", chain=("a.example.com",), soa=SOA),), "dns.no-address",
        evidence=("has no MX record", "is an alias of a.example.com")),
    Row("only TCP is served", ASKED,
        (answer(RESOLVER, WWW, "A", error="ECONNREFUSED", icmp=icmp("3/3", RESOLVER)),
         answer(RESOLVER, WWW, "A", SERVER, transport="tcp")), "dns.udp-blocked",
        evidence=("Nothing answers on UDP port 53",)),
    Row("answers late, twice", ASKED,
        (answer(RESOLVER, WWW, "A", SERVER, ms=2500.0),
         answer(RESOLVER, WWW, "A", SERVER, ms=2500.0, attempt=1)), "dns.slow", Verdict.DEGRADED,
        evidence=("2.50 s",), unsaid=("unknown time",)),
    Row("late once, then known", ASKED, (answer(RESOLVER, WWW, "A", SERVER, ms=2500.0),
        answer(RESOLVER, WWW, "A", SERVER, attempt=1))),
    Row("it is silent: the system was never asked", ASKED, (), "dns.resolver-silent",
        unsaid=("the system's own look-up",)),
    Row("it lives and is silent on this", ASKED, (version_bind(RESOLVER),), "dns.upstream-dead"),
    Row("it lives on another port", f"dns://{RESOLVER}:{ODD}/{WWW}",
        (version_bind(RESOLVER, ODD),), "dns.upstream-dead"),
    Row("it answers over TCP only", ASKED, (answer(RESOLVER, WWW, "A", SERVER, transport="tcp"),),
        "dns.udp-blocked"),
    Row("it does not listen", ASKED,
        (answer(RESOLVER, WWW, "A", error="ECONNREFUSED"),), "dns.resolver-not-listening"),
    Row("a router is in the way", f"dns://{FAR_RESOLVER}/{WWW}",
        (answer(FAR_RESOLVER, WWW, "A", error="EHOSTUNREACH", icmp=icmp("3/13", ROUTER)),),
        "dns.resolver-unreachable", evidence=(ROUTER,)),
    Row("the gateway is in the way", f"dns://{FAR_RESOLVER}/{WWW}",
        (neighbour(GATEWAY, "FAILED"),), "route.gateway-silent"),
    Row("an own rule is in the way", ASKED, (answer(RESOLVER, WWW, "A", error="EPERM"),),
        "local.firewall"),
]  # fmt: skip

THEN = [
    Row("the name is fine, its port refuses", TARGET,
        (looks_up(NAME, SERVER), *says(RESOLVER, NAME, SERVER),
         connect_fails(SERVER, 5432, "ECONNREFUSED")), "tcp.refused"),
    Row("a note on the name stands behind the failure of the port", TARGET,
        (looks_up(NAME, SERVER), TWO, *says(RESOLVER, NAME, SERVER),
         connect_fails(SERVER, 5432, "ECONNREFUSED")), "tcp.refused",
        also=("dns.spare-resolver-dead",)),
    Row("a slow name and a whole host refused: the failure first", TARGET,
        (looks_up(NAME, SERVER_B, ms=5003.0), TWO, *says(FAR_RESOLVER, NAME, SERVER_B),
         connect_fails(SERVER_B, 5432, "EHOSTUNREACH", icmp("3/13", ROUTER)),
         all_ports(SERVER_B, "EHOSTUNREACH", icmp("3/13", ROUTER))), "path.prohibited",
        also=("dns.first-resolver-dead",)),
]  # fmt: skip

ROWS = [*WORKS, *ANSWERED, *SYSTEM, *SAID, *STRAYS, *DEAD, *EARLY, *DNS_TARGETS, *THEN]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_name_is_explained(row: Row) -> None:
    check(row)


@pytest.mark.parametrize(
    ("name", "search", "ndots", "tried"),
    [
        ("db", (), 1, ("db",)),
        ("db", ("example.com",), 1, ("db.example.com", "db")),
        ("db.example", ("com",), 1, ("db.example", "db.example.com")),
        ("db.example", ("com",), 2, ("db.example.com", "db.example")),
        ("db.example", ("com",), 0, ("db.example", "db.example.com")),
        ("db", ("example.com.",), 1, ("db.example.com", "db")),
        ("db", (".", "", "example.com"), 1, ("db.example.com", "db")),
        ("db", ("a", "b", "c", "d", "e", "f"), 1, ("db.a", "db.b", "db.c", "db")),
        ("a.b", ("a", "b", "c", "d", "e", "f"), 1, ("a.b", "a.b.a", "a.b.b", "a.b.c")),
    ],
)
def test_the_names_that_the_library_tries(
    name: str, search: tuple[str, ...], ndots: int, tried: tuple[str, ...]
) -> None:
    assert candidates(name, resolv_conf(RESOLVER, search=search, ndots=ndots)) == tried


def test_suffixes_are_only_asked_for_once_the_system_has_failed() -> None:
    config = resolv_conf(RESOLVER, search=("example.net",))
    fine = Row("", TARGET, (config, looks_up(NAME, SERVER), *says(RESOLVER, NAME, SERVER), OPEN))
    failed = Row("", TARGET, (config, NOT_FOUND, *says(RESOLVER, NAME, rcode="NXDOMAIN")))
    suffixed = asks.DnsAsk(ip(RESOLVER), f"{NAME}.example.net", "A")
    assert suffixed not in examined(fine.target, fine.world).asked
    assert suffixed in examined(failed.target, failed.world).asked


def test_a_decided_name_no_longer_waits_for_the_system() -> None:
    for row in EARLY:
        found = examined(row.target, row.world)
        waits = asks.SystemLookupAsk(target_of(row.target).host) in found.open
        assert waits is (row.cause is None), row.story
