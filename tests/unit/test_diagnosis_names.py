"""The name, deeper: what was cut, hidden, invented, overridden, circular, or told otherwise."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.facts import (
    FAR_RESOLVER,
    HERE,
    NAME,
    RESOLVER,
    SERVER,
    SERVER6,
    SERVER_B,
    Row,
    answer,
    check,
    examined,
    hosts_file,
    ip,
    look_up_fails,
    looks_up,
    machine,
    opens,
    resets,
    resolv_conf,
    says,
    version_bind,
)

from netwhy.core import asks, spelling
from netwhy.core.model import Severity, Verdict
from netwhy.core.observations import TIMEOUT, ConfiguredResolver
from netwhy.diagnosis.filtered import impossible_names
from netwhy.diagnosis.server import CONTRAST_S

TARGET = f"{NAME}:5432"
OPEN, OPEN_B = opens(SERVER, 5432), opens(SERVER_B, 5432)
NOT_FOUND = look_up_fails(NAME, "EAI_NONAME")
NO_DATA = look_up_fails(NAME, "EAI_NODATA")
AGAIN = look_up_fails(NAME, "EAI_AGAIN", 5003.0)
TWO = resolv_conf(RESOLVER, FAR_RESOLVER)
FOUND = looks_up(NAME, SERVER)
SIBLING, ELSEWHERE = impossible_names(NAME)
NOBODY = "192.0.2.99"  # on our own link, and nobody has it
CNAME = {"records": 0, "chain": ("old.example.net",)}
EDE15, EDE17 = ((15, ""),), ((17, "by policy"),)


def plain(server: str, *addresses: str, **changes: object) -> tuple[object, ...]:
    """The replies to the questions without EDNS."""
    return says(server, NAME, *addresses, payload=0, **changes)


def again(server: str, *addresses: str, **changes: object) -> tuple[object, ...]:
    return says(server, NAME, *addresses, attempt=1, **changes)


def ignored(line: int, address: str | None, why: str, port: int = 53) -> ConfiguredResolver:
    text = f"nameserver {address}"
    meant = None if address is None else ip(address)
    return ConfiguredResolver(meant, text, line, False, why, port)


def conf_with(bad: ConfiguredResolver, *servers: str) -> object:
    good = tuple(ConfiguredResolver(ip(s), s, n) for n, s in enumerate(servers, 1))
    lines = ((bad.line, bad.text, bad.problem or ""),)
    state = "ok" if servers else "empty"
    return resolv_conf(resolvers=(*good, bad), ignored=lines, state=state)


CR = "the line ends with a carriage return (Windows line ending)"
FOURTH = "only the first three nameservers are used"

CONFIGURATION = [
    *(
        Row(f"an ignored line beside good ones: {why}", TARGET,
            (FOUND, conf_with(ignored(2, FAR_RESOLVER, why), RESOLVER),
             *says(RESOLVER, NAME, SERVER), OPEN),
            "dns.config-ignored", Verdict.DEGRADED,
            evidence=("/etc/resolv.conf line 2 is ignored", why, f"the system asks {RESOLVER}"))
        for why in (CR, FOURTH, "the line starts with a blank", "a port may not be given here")
    ),
    Row("the only line ends in a carriage return", TARGET,
        (AGAIN, conf_with(ignored(1, RESOLVER, CR))), "dns.config-ignored",
        evidence=("line 1", "carriage return", "musl (Alpine) accepts"),
        rivals=("dns.no-resolver",), never=(asks.DnsAsk,)),
    Row("three are silent, and the fourth that does not count knows the name", TARGET,
        (look_up_fails(NAME, TIMEOUT, 5800.0),
         conf_with(ignored(4, FAR_RESOLVER, FOURTH), RESOLVER, "192.0.2.54", "192.0.2.55"),
         *says(FAR_RESOLVER, NAME, SERVER)), "dns.config-ignored",
        evidence=("line 4", FAR_RESOLVER, f"resolver {RESOLVER} gave no answer")),
    Row("the same while the library still waits", TARGET,
        (conf_with(ignored(4, FAR_RESOLVER, FOURTH), RESOLVER),
         *says(FAR_RESOLVER, NAME, SERVER)), "dns.config-ignored",
        withheld=(asks.SystemLookupAsk,)),
    Row("the resolver on another port knows the name, and the line with it does not count", TARGET,
        (NOT_FOUND, conf_with(ignored(2, FAR_RESOLVER, "a port", 5353), RESOLVER),
         says(RESOLVER, NAME, rcode="NXDOMAIN"), *says(FAR_RESOLVER, NAME, SERVER, port=5353)),
        "dns.config-ignored", evidence=("line 2", FAR_RESOLVER)),
    Row("an ignored resolver that is dead as well explains nothing", TARGET,
        (AGAIN, conf_with(ignored(2, FAR_RESOLVER, "a port", 5353), RESOLVER)),
        "dns.resolver-silent"),
    Row("the search line is ignored", "db:5432",
        (resolv_conf(RESOLVER, ignored=((2, "search example.com", "it starts with a blank"),)),
         look_up_fails("db", "EAI_NONAME"), says(RESOLVER, "db", rcode="NXDOMAIN"),
         answer(RESOLVER, NAME, "A", SERVER)), "dns.config-ignored",
        evidence=("line 2", "db.example.com exists")),
    Row("a search line that was replaced by a later one is usual", TARGET,
        (FOUND, resolv_conf(RESOLVER, search=("example.com",),
                            ignored=((1, "domain example.com", "replaced by line 2"),)),
         *says(RESOLVER, NAME, SERVER), OPEN)),
    *(
        Row(f"nsswitch stops before DNS: {lookups}", TARGET,
            (NOT_FOUND, resolv_conf(RESOLVER, lookups=lookups, lookups_line=9),
             *says(RESOLVER, NAME, SERVER)), "dns.nsswitch",
            evidence=("line 9", "it stops before dns", "musl"))
        for lookups in ("files [NOTFOUND=return] dns", "files resolve [!UNAVAIL=return] dns",
                        "files [ NOTFOUND=return SUCCESS=return ] dns")
    ),
    Row("multicast DNS stops nothing outside of .local", TARGET,
        (NOT_FOUND, resolv_conf(RESOLVER, lookups="files mdns4_minimal [NOTFOUND=return] dns"),
         *says(RESOLVER, NAME, SERVER)), "unexplained"),
    Row("actions that stop nothing are not accused", TARGET,
        (NOT_FOUND, resolv_conf(RESOLVER, lookups="files [SUCCESS=return] dns [NOTFOUND=return]"),
         *says(RESOLVER, NAME, SERVER)), "unexplained"),
    *(
        Row(f".local goes to multicast DNS: {lookups}", "intra.corp.local:80",
            (look_up_fails("intra.corp.local", "EAI_NONAME"),
             resolv_conf(RESOLVER, lookups=lookups), *says(RESOLVER, "intra.corp.local", SERVER)),
            "dns.mdns-taken", evidence=(lookups.split()[1], f"answers with {SERVER}"))
        for lookups in ("files mdns4_minimal [NOTFOUND=return] dns", "files resolve "
                        "[!UNAVAIL=return] dns", "files mdns [!SUCCESS=return] dns")
    ),
    Row("a name under .local that DNS does not know either", "printer.local:80",
        (look_up_fails("printer.local", "EAI_NONAME"),
         resolv_conf(RESOLVER, lookups="files mdns4_minimal [NOTFOUND=return] dns"),
         says(RESOLVER, "printer.local", rcode="NXDOMAIN")), "dns.name-not-found"),
]  # fmt: skip

SEARCH = [
    Row("the domain of another target completes the short name", "db:5432",
        (look_up_fails("db", "EAI_NONAME"), says(RESOLVER, "db", rcode="NXDOMAIN"),
         answer(RESOLVER, NAME, "A", SERVER)), "dns.search-missing",
        evidence=("db.example.com exists", "domain of another target", "search list"),
        beside=("www.example.com",)),
    Row("the domain of the own host name completes it, with IPv6 only", "db:5432",
        (machine(hostname="web-03.example.com"), look_up_fails("db", "EAI_NONAME"),
         resolv_conf(RESOLVER, search=("example.net",)),
         says(RESOLVER, "db", rcode="NXDOMAIN"), says(RESOLVER, "db.example.net", rcode="NXDOMAIN"),
         answer(RESOLVER, NAME, "A")), "dns.search-missing",
        evidence=("domain of this machine's own name", "is example.net")),
    Row("the hosts file knows the own full name", "db:5432",
        (hosts_file("web-03", "127.0.1.1", names=("web-03.example.com",)),
         look_up_fails("db", "EAI_NONAME"), says(RESOLVER, "db", rcode="NXDOMAIN"),
         answer(RESOLVER, NAME, "A", SERVER)), "dns.search-missing"),
    Row("with the domain it does not exist either", "db:5432",
        (look_up_fails("db", "EAI_NONAME"), says(RESOLVER, "db", rcode="NXDOMAIN"),
         answer(RESOLVER, NAME, "A", rcode="NXDOMAIN")), "dns.name-not-found",
        beside=("www.example.com",)),
    Row("a public domain is no search domain", "db:5432",
        (look_up_fails("db", "EAI_NONAME"), says(RESOLVER, "db", rcode="NXDOMAIN"),
         answer(RESOLVER, "db.com", "A", SERVER), answer(RESOLVER, "db.co.uk", "A", SERVER)),
        "dns.name-not-found", beside=("example.com", "example.co.uk")),
    Row("a long name is not completed", f"x.{NAME}:80",
        (look_up_fails(f"x.{NAME}", "EAI_NONAME"), says(RESOLVER, f"x.{NAME}", rcode="NXDOMAIN"),
         answer(RESOLVER, f"x.{NAME}.example.net", "A", SERVER)), "dns.name-not-found",
        beside=("www.example.net",)),
    Row("the nearest name above that exists, and how long the no is remembered", f"a.b.{NAME}:1",
        (look_up_fails(f"a.b.{NAME}", "EAI_NONAME"),
         says(RESOLVER, f"a.b.{NAME}", rcode="NXDOMAIN", soa=("example.com", 27)),
         answer(RESOLVER, f"b.{NAME}", "NS", rcode="NXDOMAIN"), answer(RESOLVER, NAME, "NS")),
        "dns.name-not-found",
        evidence=(f"{NAME} exists, b.{NAME} does not", "for another 27 s")),
    Row("the whole domain is not registered", "www.exampel.com:80",
        (look_up_fails("www.exampel.com", "EAI_NONAME"),
         says(RESOLVER, "www.exampel.com", rcode="NXDOMAIN", soa=("com", 900)),
         answer(RESOLVER, "exampel.com", "NS", rcode="NXDOMAIN")), "dns.name-not-found",
        evidence=("com exists, exampel.com does not", "www.example.com"),
        beside=("www.example.com", "db.example.com")),
    Row("a name of the hosts file was meant", "bd.example.com:80",
        (look_up_fails("bd.example.com", "EAI_NONAME"),
         hosts_file("bd.example.com", similar=("db.example.com",)),
         says(RESOLVER, "bd.example.com", rcode="NXDOMAIN")), "dns.name-not-found",
        evidence=("spelled almost like it: db.example.com",)),
]  # fmt: skip

TRANSPORT = [
    *(
        Row(f"truncated over UDP, and TCP: {error}", TARGET,
            (AGAIN, says(RESOLVER, NAME, truncated=True),
             answer(RESOLVER, NAME, "A", error=error, transport="tcp")), "dns.truncated-no-tcp",
            evidence=("truncated message", "over TCP", told))
        for error, told in (("ECONNREFUSED", "ECONNREFUSED"), (TIMEOUT, "gave no answer"))
    ),
    Row("truncated, with a part of the addresses, and the library waits for ever", TARGET,
        (look_up_fails(NAME, TIMEOUT, 5800.0), says(RESOLVER, NAME, SERVER, truncated=True)),
        "dns.truncated-no-tcp"),
    Row("truncated, and whole over TCP", TARGET,
        (FOUND, says(RESOLVER, NAME, truncated=True),
         says(RESOLVER, NAME, SERVER, transport="tcp"), OPEN)),
    Row("our room for the answer is larger than the library's", TARGET,
        (AGAIN, *says(RESOLVER, NAME, SERVER),
         answer(RESOLVER, NAME, "A", payload=0, truncated=True),
         answer(RESOLVER, NAME, "A", payload=0, transport="tcp", error="ECONNREFUSED")),
        "dns.truncated-no-tcp"),
    Row("UDP is blocked, and this system asks over TCP", TARGET,
        (FOUND, resolv_conf(RESOLVER, options=("use-vc",)),
         answer(RESOLVER, NAME, "A", SERVER, transport="tcp"), OPEN), "dns.udp-blocked",
        Verdict.DEGRADED, evidence=("over TCP",)),
    Row("EDNS vanishes, the library asks without it", TARGET,
        (FOUND, *plain(RESOLVER, SERVER), OPEN), "dns.edns-broken", Verdict.DEGRADED,
        evidence=("no answer to queries with EDNS", "it is EDNS itself")),
    Row("only long answers vanish", TARGET,
        (FOUND, says(RESOLVER, NAME, payload=0, truncated=True), OPEN,
         *says(RESOLVER, NAME, SERVER, payload=0, transport="tcp"),
         answer(RESOLVER, NAME, "A", payload=512, truncated=True)), "dns.edns-broken",
        Verdict.DEGRADED, evidence=("long answers that get lost",)),
    *(
        Row(f"EDNS is answered with {rcode}: an old server", TARGET,
            (FOUND, says(RESOLVER, NAME, rcode=rcode), *plain(RESOLVER, SERVER), OPEN),
            "dns.edns-broken", Verdict.OK, evidence=(rcode,))
        for rcode in ("FORMERR", "NOTIMP")
    ),
    *(
        Row(f"the system itself asks with EDNS: {story}", TARGET,
            (look_up_fails(NAME, error), resolv_conf(RESOLVER, options=("edns0",)), seen,
             *plain(RESOLVER, SERVER)), "dns.edns-broken", Verdict.FAILING)
        for story, error, seen in (("refused", "EAI_NONAME", says(RESOLVER, NAME, rcode="FORMERR")),
                                   ("vanishes", TIMEOUT, ()))
    ),
    Row("an old server that does not know the name: that comes first", TARGET,
        (NOT_FOUND, says(RESOLVER, NAME, rcode="FORMERR"), *plain(RESOLVER, rcode="NXDOMAIN")),
        "dns.name-not-found", also=("dns.edns-broken",)),
    Row("a target that is asked itself, and cannot stand EDNS", f"dns://{RESOLVER}/{NAME}",
        (answer(RESOLVER, NAME, "A", SERVER, payload=0),), "dns.edns-broken", Verdict.DEGRADED),
    Row("a target that cuts its answer short", f"dns://{RESOLVER}/{NAME}",
        (answer(RESOLVER, NAME, "A", truncated=True),
         answer(RESOLVER, NAME, "A", error="ECONNREFUSED", transport="tcp")),
        "dns.truncated-no-tcp"),
    Row("AAAA is denied instead of empty: works here, not everywhere", TARGET,
        (FOUND, answer(RESOLVER, NAME, "A", SERVER),
         answer(RESOLVER, NAME, "AAAA", rcode="NXDOMAIN"), OPEN), "dns.aaaa-dropped", Verdict.OK,
        evidence=("of type AAAA with NXDOMAIN", "musl (Alpine) may fail")),
    Row("slow, and slow again", TARGET,
        (looks_up(NAME, SERVER, ms=2010.0), *says(RESOLVER, NAME, SERVER, ms=2003.0),
         *again(RESOLVER, SERVER, ms=1990.0), OPEN), "dns.slow", Verdict.DEGRADED,
        evidence=("after 2.00 s", "needed 1.99 s", f"Resolver {RESOLVER} is slow")),
    Row("slow once: the name had to be looked up first", TARGET,
        (looks_up(NAME, SERVER, ms=2010.0), *says(RESOLVER, NAME, SERVER, ms=2003.0),
         *again(RESOLVER, SERVER), OPEN)),
    Row("a satellite link is not a slow resolver", TARGET,
        (looks_up(NAME, SERVER, ms=640.0), *says(RESOLVER, NAME, SERVER, ms=630.0), OPEN)),
]  # fmt: skip

ANSWERS = [
    Row("the alias leads to a name that does not exist", TARGET,
        (NOT_FOUND, says(RESOLVER, NAME, rcode="NXDOMAIN", **CNAME)), "dns.cname-dangling",
        evidence=("is an alias of old.example.net", "answers NXDOMAIN")),
    Row("the resolver stops at the alias, and its end does not exist", TARGET,
        (NO_DATA, says(RESOLVER, NAME, **CNAME),
         says(RESOLVER, "old.example.net", rcode="NXDOMAIN"),
         answer(RESOLVER, "old.example.net", "A", rcode="NXDOMAIN")), "dns.cname-dangling",
        asks=(asks.DnsAsk(ip(RESOLVER), "old.example.net", "A", within_s=CONTRAST_S),)),
    Row("the alias leads to a name without an address", TARGET,
        (NO_DATA, says(RESOLVER, NAME, **CNAME), answer(RESOLVER, "old.example.net", "A")),
        "dns.cname-dangling", evidence=("answers no data",), rivals=("dns.no-address",)),
    Row("the aliases go round", TARGET,
        (NO_DATA, says(RESOLVER, NAME, records=0, chain=("a.example.com", "b.example.com",
                                                        "a.example.com"))), "dns.cname-loop",
        evidence=("a.example.com, then b.example.com, then a.example.com",)),
    Row("the resolver gave up on aliases that go round", TARGET,
        (AGAIN, says(RESOLVER, NAME, rcode="SERVFAIL"),
         answer(RESOLVER, NAME, "A", rcode="SERVFAIL", checking_disabled=True),
         answer(RESOLVER, NAME, "CNAME", records=1, chain=("a.example.com",)),
         answer(RESOLVER, "a.example.com", "CNAME", records=1, chain=(NAME,))), "dns.cname-loop",
        evidence=(f"{NAME}, then a.example.com, then {NAME}",)),
    Row("a failure that is remembered", TARGET,
        (AGAIN, says(RESOLVER, NAME, rcode="SERVFAIL", ede=((13, ""), (22, ""))),
         answer(RESOLVER, NAME, "A", rcode="SERVFAIL", checking_disabled=True)),
        "dns.cached-failure", rivals=("dns.server-failure",),
        evidence=("Cached Error (13)", "No Reachable Authority (22)", "300 s at most")),
    Row("a bogus answer that is remembered is still bogus", TARGET,
        (AGAIN, says(RESOLVER, NAME, rcode="SERVFAIL", ede=((13, ""),)),
         answer(RESOLVER, NAME, "A", SERVER, checking_disabled=True)), "dns.dnssec-bogus"),
    Row("sinkholed in both families", TARGET,
        (looks_up(NAME, "0.0.0.0", "::"), says(RESOLVER, NAME, "0.0.0.0", "::")), "dns.sinkholed",
        evidence=("answers with 0.0.0.0", "no machine's address")),
    Row("sinkholed, and something listens here", TARGET,
        (looks_up(NAME, "0.0.0.0"), says(RESOLVER, NAME, "0.0.0.0"), opens("0.0.0.0", 5432)),
        "dns.sinkholed"),
    Row("a page of the filter", TARGET,
        (looks_up(NAME, SERVER), says(RESOLVER, NAME, SERVER, ede=EDE17), OPEN), "dns.sinkholed",
        evidence=("Filtered", "extended error 17", SERVER)),
    Row("denied on purpose", TARGET,
        (NOT_FOUND, says(RESOLVER, NAME, rcode="NXDOMAIN", ede=EDE15)), "dns.sinkholed",
        evidence=("Blocked", "NXDOMAIN")),
    Row("only IPv6 is filtered: nobody is stopped", TARGET,
        (FOUND, answer(RESOLVER, NAME, "A", SERVER), answer(RESOLVER, NAME, "AAAA", ede=EDE17),
         OPEN)),
    Row("a target that is asked itself, and blocks", f"dns://{RESOLVER}/{NAME}",
        (answer(RESOLVER, NAME, "A", "0.0.0.0"),), "dns.sinkholed"),
    Row("the private address is hidden, and the resolver says so", TARGET,
        (NO_DATA, says(RESOLVER, NAME, ede=EDE15)), "dns.private-filtered",
        evidence=("Blocked (extended error 15)",), rivals=("dns.sinkholed",)),
    Row("the private address is hidden, and another resolver gives it", TARGET,
        (NO_DATA, TWO, says(RESOLVER, NAME), *says(FAR_RESOLVER, NAME, "10.0.4.7")),
        "dns.private-filtered", evidence=("private address 10.0.4.7", FAR_RESOLVER)),
    Row("the zone itself says that there is none, and another resolver has a private one", TARGET,
        (NO_DATA, TWO, says(RESOLVER, NAME, soa=("example.com", 30)),
         *says(FAR_RESOLVER, NAME, "10.0.4.7")), "dns.resolvers-disagree",
        evidence=("10.0.4.7", f"{FAR_RESOLVER} knows it")),
    Row("an empty answer without SOA may have been emptied", TARGET,
        (NO_DATA, says(RESOLVER, NAME)), "dns.no-address", rivals=("dns.private-filtered",),
        evidence=("lacks the SOA record",)),
]  # fmt: skip

BETWEEN = [
    Row("the first says that there is no address, the second has a public one", TARGET,
        (NO_DATA, TWO, says(RESOLVER, NAME), *says(FAR_RESOLVER, NAME, "8.8.8.8")),
        "dns.resolvers-disagree", evidence=("musl (Alpine) asks all",)),
    Row("the spare does not know the name", TARGET,
        (FOUND, TWO, *says(RESOLVER, NAME, SERVER), says(FAR_RESOLVER, NAME, rcode="NXDOMAIN"),
         OPEN), "dns.resolvers-disagree", Verdict.DEGRADED, evidence=(FAR_RESOLVER, "NXDOMAIN")),
    *(
        Row(f"one of the resolvers says {rcode}, the other gives the name: a note", TARGET,
            (FOUND, TWO, says(bad, NAME, rcode=rcode), *says(good, NAME, SERVER), OPEN),
            "dns.resolvers-disagree", Verdict.OK, evidence=(rcode, f"{bad} fails for"))
        for rcode, bad, good in (("REFUSED", FAR_RESOLVER, RESOLVER),
                                 ("SERVFAIL", RESOLVER, FAR_RESOLVER))
    ),
    Row("two worlds: other addresses, each time", TARGET,
        (FOUND, TWO, *says(RESOLVER, NAME, SERVER), *says(FAR_RESOLVER, NAME, SERVER_B),
         *again(RESOLVER, SERVER), *again(FAR_RESOLVER, SERVER_B), OPEN),
        "dns.resolvers-disagree", Verdict.DEGRADED, evidence=(SERVER, SERVER_B)),
    Row("the first one's address is dead, the other one's works", TARGET,
        (FOUND, TWO, *says(RESOLVER, NAME, SERVER), *says(FAR_RESOLVER, NAME, SERVER_B),
         *again(RESOLVER, SERVER), *again(FAR_RESOLVER, SERVER_B), resets(SERVER, 5432), OPEN_B),
        "dns.resolvers-disagree", Verdict.FAILING, also=("tcp.refused",),
        evidence=(f"{SERVER_B} works", f"{SERVER} fails")),
    Row("both addresses are dead: then it is not the name", TARGET,
        (FOUND, TWO, *says(RESOLVER, NAME, SERVER), *says(FAR_RESOLVER, NAME, SERVER_B),
         *again(RESOLVER, SERVER), *again(FAR_RESOLVER, SERVER_B), resets(SERVER, 5432),
         resets(SERVER_B, 5432)), "tcp.refused", also=("dns.resolvers-disagree",)),
    Row("rotation: asked again, each gives something else", TARGET,
        (FOUND, TWO, *says(RESOLVER, NAME, SERVER), *says(FAR_RESOLVER, NAME, SERVER_B),
         *again(RESOLVER, SERVER_B), *again(FAR_RESOLVER, SERVER), OPEN)),
    Row("the same set in another order", TARGET,
        (looks_up(NAME, SERVER, SERVER_B), TWO, *says(RESOLVER, NAME, SERVER, SERVER_B),
         *says(FAR_RESOLVER, NAME, SERVER_B, SERVER), OPEN, OPEN_B)),
    Row("one address in common is enough", TARGET,
        (FOUND, TWO, *says(RESOLVER, NAME, SERVER), *says(FAR_RESOLVER, NAME, SERVER, SERVER_B),
         OPEN)),
    Row("a public pool: short-lived addresses", TARGET,
        (looks_up(NAME, "8.8.8.8"), TWO, *says(RESOLVER, NAME, "8.8.8.8", ttl=60),
         *says(FAR_RESOLVER, NAME, "9.9.9.9", ttl=60), opens("8.8.8.8", 5432))),
    Row("a public pool: one alias for both", TARGET,
        (looks_up(NAME, "8.8.8.8"), TWO,
         *says(RESOLVER, NAME, "8.8.8.8", ttl=3600, chain=("edge.example.net",)),
         *says(FAR_RESOLVER, NAME, "9.9.9.9", ttl=3600, chain=("edge.example.net",)),
         opens("8.8.8.8", 5432))),
    Row("public addresses that stay, and differ: a note", TARGET,
        (looks_up(NAME, "8.8.8.8"), TWO, *says(RESOLVER, NAME, "8.8.8.8", ttl=3600),
         *says(FAR_RESOLVER, NAME, "9.9.9.9", ttl=3600), *again(RESOLVER, "8.8.8.8"),
         *again(FAR_RESOLVER, "9.9.9.9"), opens("8.8.8.8", 5432)),
        "dns.resolvers-disagree", Verdict.OK),
    Row("one resolver hides IPv6: the IPv4 addresses agree", TARGET,
        (looks_up(NAME, SERVER, SERVER6), TWO, *says(RESOLVER, NAME, SERVER, SERVER6),
         *says(FAR_RESOLVER, NAME, SERVER), OPEN, opens(SERVER6, 5432))),
]  # fmt: skip

HOSTS = [
    Row("the hosts file differs from DNS, and works", TARGET,
        (hosts_file(NAME, SERVER), FOUND, *says(RESOLVER, NAME, SERVER_B), OPEN),
        "dns.hosts-override", Verdict.DEGRADED,
        evidence=(f"/etc/hosts line 7 gives {NAME} the address {SERVER}", SERVER_B)),
    Row("the hosts file leads to a dead machine, DNS to a living one", TARGET,
        (hosts_file(NAME, NOBODY), looks_up(NAME, NOBODY), *says(RESOLVER, NAME, SERVER),
         resets(NOBODY, 5432), OPEN), "dns.hosts-override", Verdict.FAILING,
        evidence=("line 7", f"{SERVER} works", f"{NOBODY} fails"), also=("tcp.refused",)),
    Row("neither address works: the port is the diagnosis, the file a word beside it", TARGET,
        (hosts_file(NAME, SERVER), FOUND, *says(RESOLVER, NAME, SERVER_B), resets(SERVER, 5432),
         resets(SERVER_B, 5432)), "tcp.refused", also=("dns.hosts-override",)),
    Row("the hosts file blocks the name", TARGET,
        (hosts_file(NAME, "0.0.0.0"), looks_up(NAME, "0.0.0.0"), *says(RESOLVER, NAME, SERVER),
         resets("0.0.0.0", 5432), OPEN), "dns.hosts-override", also=("tcp.refused",)),
    Row("the own name on the own address, as installers write it", TARGET,
        (hosts_file(NAME, "127.0.1.1"), looks_up(NAME, "127.0.1.1"), *says(RESOLVER, NAME, SERVER),
         opens("127.0.1.1", 5432)), "dns.hosts-override", Verdict.OK),
    Row("the hosts file agrees with DNS", TARGET,
        (hosts_file(NAME, SERVER), FOUND, *says(RESOLVER, NAME, SERVER, SERVER6), OPEN)),
    Row("the hosts file names one of several addresses", TARGET,
        (hosts_file(NAME, SERVER), FOUND, *says(RESOLVER, NAME, SERVER_B, SERVER), OPEN)),
    Row("DNS does not know the name of the hosts file", TARGET,
        (hosts_file(NAME, SERVER), FOUND, says(RESOLVER, NAME, rcode="NXDOMAIN"), OPEN)),
    Row("DNS is silent about a name of the hosts file", TARGET,
        (hosts_file(NAME, SERVER), FOUND, OPEN)),
]  # fmt: skip

MADE_UP = [
    Row("names that cannot exist resolve", TARGET,
        (FOUND, answer(RESOLVER, NAME, "A", SERVER, authoritative=True),
         answer(RESOLVER, NAME, "AAAA"), answer(RESOLVER, SIBLING, "A", SERVER),
         answer(RESOLVER, ELSEWHERE, "A", SERVER), OPEN), "dns.rewritten", Verdict.DEGRADED,
        evidence=(SIBLING, ELSEWHERE, "very address")),
    Row("a wildcard of the zone is no rewriting", TARGET,
        (FOUND, answer(RESOLVER, NAME, "A", SERVER, authoritative=True),
         answer(RESOLVER, NAME, "AAAA"), answer(RESOLVER, SIBLING, "A", SERVER),
         answer(RESOLVER, ELSEWHERE, "A", rcode="NXDOMAIN"), OPEN)),
    Row("an honest resolver with names of its own", TARGET,
        (FOUND, answer(RESOLVER, NAME, "A", SERVER, authoritative=True),
         answer(RESOLVER, NAME, "AAAA"), answer(RESOLVER, SIBLING, "A", rcode="NXDOMAIN"), OPEN),
        asks=(asks.DnsAsk(ip(RESOLVER), SIBLING, "A", within_s=2.0),)),
    Row("the invented address fails: the name is what is wrong", TARGET,
        (FOUND, *says(RESOLVER, NAME, SERVER), answer(RESOLVER, SIBLING, "A", SERVER),
         answer(RESOLVER, ELSEWHERE, "A", SERVER), resets(SERVER, 5432)),
        "dns.rewritten", Verdict.FAILING, also=("tcp.refused",)),
    Row("names are invented, but this one has an address of its own", TARGET,
        (FOUND, *says(RESOLVER, NAME, SERVER), answer(RESOLVER, SIBLING, "A", SERVER_B),
         answer(RESOLVER, ELSEWHERE, "A", SERVER_B), resets(SERVER, 5432)), "tcp.refused",
        also=("dns.rewritten",)),
]  # fmt: skip

ROWS = [*CONFIGURATION, *SEARCH, *TRANSPORT, *ANSWERS, *BETWEEN, *HOSTS, *MADE_UP]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_name_is_explained(row: Row) -> None:
    check(row)


def test_a_name_that_works_costs_two_questions() -> None:
    """A and AAAA, once: no contrast where nothing asks for one."""
    soa = ("example.com", 300)
    world = Row("", TARGET, (FOUND, answer(RESOLVER, NAME, "A", SERVER),
                             answer(RESOLVER, NAME, "AAAA", soa=soa), OPEN)).world  # fmt: skip
    questions = [ask for ask in examined(TARGET, world).asked if isinstance(ask, asks.DnsAsk)]
    assert {ask.rrtype for ask in questions} == {"A", "AAAA"} and len(questions) == 2


def test_a_silent_resolver_is_not_stormed() -> None:
    world = Row("", TARGET, (AGAIN,)).world
    questions = [ask for ask in examined(TARGET, world).asked if isinstance(ask, asks.DnsAsk)]
    assert len(questions) == 5  # A, AAAA; about itself, over TCP, without EDNS


def test_the_impossible_names_are_the_same_each_time() -> None:
    """So that a resolver remembers the "no" instead of asking the zone again."""
    assert impossible_names(NAME) == impossible_names("www.example.com")
    assert impossible_names(NAME)[0].endswith(".example.com")
    assert impossible_names("db")[0].endswith(".invalid")


def test_every_dns_finding_of_a_working_name_is_less_than_a_failure() -> None:
    for row in ROWS:
        if row.expected is Verdict.FAILING:
            continue
        found = examined(row.target, row.world, beside=row.beside).report.findings
        assert all(finding.severity is not Severity.FAILURE for finding in found), row.story


@pytest.mark.parametrize(
    ("one", "other", "slips"),
    [("db", "db", 0), ("db", "bd", 1), ("exmaple", "example", 1), ("exampl", "example", 1),
     ("example", "sample", 2), ("kitten", "sitting", 3), ("", "abc", 3), ("a" * 9, "a", 3)],
)  # fmt: skip
def test_slips_of_the_finger(one: str, other: str, slips: int) -> None:
    assert spelling.slips(one, other) == spelling.slips(other, one) == slips


@given(st.text("ab.-1", max_size=8), st.text("ab.-1", max_size=8))
def test_slips_are_a_distance(one: str, other: str) -> None:
    found = spelling.slips(one, other)
    assert 0 <= found <= 3 and (found == 0) == (one == other)
    assert found == spelling.slips(other, one)


def test_short_names_are_not_corrected() -> None:
    assert spelling.meant("db", ["dc", "web"]) == ()
    assert spelling.meant("web-1", ["web-2", "web-10", "mail"]) == ("web-10", "web-2")


def test_the_version_question_is_still_asked() -> None:
    row = Row("", TARGET, (AGAIN, version_bind(RESOLVER)), "dns.upstream-dead")
    check(row)


def test_the_machine_view_tells_of_ignored_lines() -> None:
    world = Row("", "this machine", (conf_with(ignored(2, FAR_RESOLVER, CR), RESOLVER),)).world
    found = examined("this machine", world)
    assert found.causes == ("dns.config-ignored",) and found.report.verdict is Verdict.DEGRADED
    assert HERE in found.report.addresses
