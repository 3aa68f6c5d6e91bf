"""The grammar of targets: what is understood, what is answered, and how faults are told."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from netwhy.core.model import Kind, Target, TargetOptions, Tls
from netwhy.core.services import CONNECTION_STRINGS
from netwhy.core.target import TargetError, parse, parse_bind, this_machine

LONG_LABEL = "x" * 70
LONG_NAME = ".".join(["x" * 49] * 6)

# typed, canonical text, kind, host, port, transport, TLS
GRAMMAR = [
    ("db", "db", Kind.HOST, "db", None, "tcp", Tls.NONE),
    ("db:5432", "db:5432", Kind.TCP, "db", 5432, "tcp", Tls.NONE),
    ("db:ssh", "db:22", Kind.TCP, "db", 22, "tcp", Tls.NONE),
    ("db:HTTPS", "db:443", Kind.TCP, "db", 443, "tcp", Tls.GUESSED),
    ("db:8443", "db:8443", Kind.TCP, "db", 8443, "tcp", Tls.GUESSED),
    ("192.0.2.1:80", "192.0.2.1:80", Kind.TCP, "192.0.2.1", 80, "tcp", Tls.NONE),
    ("[2001:DB8::1]:80", "[2001:db8::1]:80", Kind.TCP, "2001:db8::1", 80, "tcp", Tls.NONE),
    ("2001:db8:0::1", "2001:db8::1", Kind.HOST, "2001:db8::1", None, "tcp", Tls.NONE),
    ("[::1]", "::1", Kind.HOST, "::1", None, "tcp", Tls.NONE),
    ("fe80::1%eth0", "fe80::1%eth0", Kind.HOST, "fe80::1%eth0", None, "tcp", Tls.NONE),
    ("[fe80::1%25eth0]:22", "[fe80::1%eth0]:22", Kind.TCP, "fe80::1%eth0", 22, "tcp", Tls.NONE),
    ("tcp://db:443", "tcp://db:443", Kind.TCP, "db", 443, "tcp", Tls.NONE),
    ("udp://db:53", "udp://db:53", Kind.UDP, "db", 53, "udp", Tls.NONE),
    ("tls://db", "tls://db", Kind.TLS, "db", 443, "tcp", Tls.ASKED),
    ("tls://db:5432", "tls://db:5432", Kind.TLS, "db", 5432, "tcp", Tls.ASKED),
    ("http://db", "http://db", Kind.HTTP, "db", 80, "tcp", Tls.NONE),
    ("http://db:80/", "http://db:80", Kind.HTTP, "db", 80, "tcp", Tls.NONE),
    ("HTTPS://DB/A?b", "https://db/A?b", Kind.HTTPS, "db", 443, "tcp", Tls.ASKED),
    ("icmp://db", "icmp://db", Kind.ICMP, "db", None, "tcp", Tls.NONE),
    ("icmp://[::1]", "icmp://[::1]", Kind.ICMP, "::1", None, "tcp", Tls.NONE),
    ("dns://192.0.2.53", "dns://192.0.2.53", Kind.DNS, "192.0.2.53", 53, "udp", Tls.NONE),
    ("bind://:8080", "bind://:8080", Kind.BIND, "", 8080, "tcp", Tls.NONE),
    ("bind://8080", "bind://:8080", Kind.BIND, "", 8080, "tcp", Tls.NONE),
    ("bind://[::]:80", "bind://[::]:80", Kind.BIND, "::", 80, "tcp", Tls.NONE),
    ("bind+udp://:53", "bind+udp://:53", Kind.BIND, "", 53, "udp", Tls.NONE),
]  # fmt: skip


@pytest.mark.parametrize(("typed", "text", "kind", "host", "port", "transport", "tls"), GRAMMAR)
def test_every_form_of_the_grammar(
    typed: str, text: str, kind: Kind, host: str, port: int | None, transport: str, tls: Tls
) -> None:
    target = parse(typed)
    assert (target.text, target.kind, target.host) == (text, kind, host)
    assert (target.port, target.transport, target.tls) == (port, transport, tls)
    assert target.problem is None
    assert target.understood is None
    literal = ":" in host or host[:1].isdigit()
    assert target.address == (ip_address(host) if literal else None)


@pytest.mark.parametrize("port", [443, 465, 636, 853, 990, 993, 995, 5061, 8443])
def test_tls_is_guessed_on_its_ports_without_a_scheme_only(port: int) -> None:
    assert parse(f"db:{port}").tls is Tls.GUESSED
    assert parse(f"tcp://db:{port}").tls is Tls.NONE
    assert parse(f"db:{port + 1}").tls is Tls.NONE


# typed, canonical text, a word of what is said about it
SLOPPY = [
    ("  db:80\n", "db:80", None),
    ("DB.Example.COM:80", "db.example.com:80", None),
    ("db.example.com.:80", "db.example.com:80", "trailing dot"),
    ("192.0.2.1.", "192.0.2.1", "trailing dot"),
    ("db 8080", "db:8080", "read as db:8080"),
    ("db\thttps", "db:443", "read as db:https"),
    ("db: 8080", "db:8080", "read as"),
    ("::1 80", "[::1]:80", "read as [::1]:80"),
    ("[::1] 80", "[::1]:80", "read as [::1]:80"),
    ("db/8080", "db:8080", "read as db:8080"),
    ("192.0.2.1/8080", "192.0.2.1:8080", "read as 192.0.2.1:8080"),
    ("db/login", "db", "'/login' was left out"),
    ("db:80/index.html?a#b", "db:80", "was left out"),
    ("db:53/udp", "udp://db:53", None),
    ("user@db:22", "db:22", "user name"),
    ("https://user:secret@db/x#top", "https://db/x", "user name"),
    ("https://db/ü", "https://db/%C3%BC", None),
    ("d\u200bb:80", "db:80", "U+200B"),
    ("\ufeffdb", "db", "U+FEFF"),
    ('"db:80",', "db:80", "quotes or commas"),
    ("<https://db/>", "https://db", "quotes"),
    ("db：８０", "db:80", "plain ones"),
    ("my–db:80", "my-db:80", "plain ones"),
    ("[192.0.2.1]:80", "192.0.2.1:80", "brackets"),
    ("::1:80", "::1:80", "[::1]:80"),
    ("2001:db8:0:0:0:0:0:1:443", "[2001:db8::1]:443", "read as [2001:db8:0:0:0:0:0:1]:443"),
    ("fe80::1%eth0:80", "[fe80::1%eth0]:80", "read as [fe80::1%eth0]:80"),
    ("::ffff:192.0.2.1", "192.0.2.1", "IPv4 address 192.0.2.1"),
    ("0.0.0.0:80", "0.0.0.0:80", "this machine itself"),
    ("db:ntp", "db:123", "udp://db:123"),
    ("bücher.example", "xn--bcher-kva.example", "bücher.example is xn--bcher-kva.example"),
    ("BÜCHER.example:80", "xn--bcher-kva.example:80", "in the DNS"),
    ("faß.example", "fass.example", "xn--fa-hia.example"),
    ("ssh://git@example.com/repo", "tcp://example.com:22", "ssh://"),
    ("postgresql://u:secret@db/orders", "tcp://db:5432", "postgresql://"),
    ("jdbc:postgresql://db:5433/x", "tcp://db:5433", "postgresql://"),
    ("rediss://cache", "tls://cache:6379", "rediss://"),
    ("wss://db/live", "https://db/live", None),
    ("ntp://db", "udp://db:123", "ntp://"),
    ("bind://localhost:80", "bind://127.0.0.1:80", "127.0.0.1"),
]


@pytest.mark.parametrize(("typed", "text", "said"), SLOPPY)
def test_a_sloppy_spelling_is_understood_and_said(typed: str, text: str, said: str | None) -> None:
    target = parse(typed)
    assert target.text == text
    assert target.problem is None
    assert "secret" not in (target.understood or "")
    if said is None:
        assert target.understood is None
    else:
        assert said in (target.understood or "")


# typed, the offending part, what was probably meant
FAULTS = [
    ("", "", None),
    ("   ", "   ", None),
    ("db:99999", "99999", None),
    ("::1:99999", "99999", None),
    ("db:" + "9" * 5000, "9" * 5000, None),
    ("db:-1", "-1", None),
    ("db:", ":", "db"),
    ("db:htps", "htps", "db:https"),
    (":80", ":80", "localhost:80"),
    ("8080", "8080", "localhost:8080"),
    ("htp://db", "htp", "http://db"),
    ("gopher2://db:70", "gopher2", "db:70"),
    ("unix:///run/x", "unix", None),
    ("http//db", "http//", "http://db"),
    ("http:/db", "http:/", "http://db"),
    ("https:\\\\db\\x", "https:\\\\", "https://db/x"),
    ("https:///db", "/db", "https://db"),
    ("https://db/a b", "https://db/a b", "https://db/a%20b"),
    ("[::1", "[::1", "[::1]"),
    ("[::1:80", "[::1:80", "[::1]:80"),
    ("::1]:80", "::1]:80", "[::1]:80"),
    ("[::1]80", "80", "[::1]:80"),
    ("[::g]:80", "::g", None),
    ("a:80:90", "a:80:90", "a:80"),
    ("00:00:5e:00:53:01", "00:00:5e:00:53:01", None),
    ("a,b", "a,b", "a"),
    ("'db'/", "'db'", "db/"),
    ("db port", "db port", None),
    ("curl https://db/x", "curl https://db/x", "https://db/x"),
    ("db : 80", "db : 80", "db:80"),
    ("192.0.2.0/24", "24", "192.0.2.0"),
    ("192.0.2.1/22", "22", "192.0.2.1:22"),
    ("2001:db8::/32", "32", "2001:db8::"),
    ("/run/x.sock", "/run/x.sock", None),
    ("..", "..", None),
    ("a\x1b[31mb:80", "\x1b", None),
    ("a\ud800", "\ud800", None),
    ("tcp://db", "db", "tcp://db:443"),
    ("icmp://db:80", "db:80", "icmp://db"),
    ("dns:///name", "/name", None),
    ("dns://192.0.2.53/a?type=SRB", "SRB", "dns://192.0.2.53/a?type=SRV"),
    ("bind://db:80", "db:80", "bind://:80"),
    ("bind://127.0.0.1", "127.0.0.1", "bind://127.0.0.1:8080"),
    ("db:80?timeout=2", "?timeout=2", "tcp://db:80?timeout=2"),
    ("tcp://db:80?timout=2", "timout", "tcp://db:80?timeout=2"),
    ("tcp://db:80?timeout=soon", "soon", None),
    ("tcp://db:80?timeout=1&timeout=2", "timeout=2", None),
    ("tcp://db:80?retries", "retries", None),
    ("tcp://db:80?family=5", "5", None),
    ("tcp://db:80?send=%ff", "%ff", None),
    ("tcp://db:80?fallback=htp://x", "tcp://db:80?fallback=htp://x", None),
    ("tcp://192.0.2.1:80?family=6", "tcp://192.0.2.1:80?family=6", None),
]


@pytest.mark.parametrize(("typed", "part", "meant"), FAULTS, ids=[f[0][:30] for f in FAULTS])
def test_a_fault_points_at_its_part_and_says_what_was_meant(
    typed: str, part: str, meant: str | None
) -> None:
    with pytest.raises(TargetError) as raised:
        parse(typed)
    error = raised.value
    assert error.text == typed
    assert typed[slice(*error.span)] == part
    assert error.suggestion == meant
    line = error.line()
    assert line.startswith("netwhy: '")
    assert line.isprintable()
    assert len(line) < 900
    assert (meant or "") in line


def test_a_password_before_a_blank_is_not_noted() -> None:
    target = parse("u:hunter2@db 80")
    assert target.text == "db:80"
    assert "hunter2" not in (target.understood or "")


def test_the_line_quotes_points_and_says_what_would_be_right() -> None:
    with pytest.raises(TargetError) as raised:
        parse("db:99999")
    expected = "netwhy: 'db:99999': port 99999 is out of range (1-65535); at \"99999\" (column 4)"
    assert raised.value.line() == expected
    with pytest.raises(TargetError) as raised:
        parse("htp://db")
    assert raised.value.line().endswith("did you mean 'http://db'?")


@pytest.mark.parametrize(
    "typed", ["postgresql://u:hunter2@db:99999/x", "u:hunter2@db:htps", "htp://u:hunter2@db"]
)
def test_a_pasted_password_is_not_printed_again(typed: str) -> None:
    with pytest.raises(TargetError) as raised:
        parse(typed)
    assert "hunter2" not in raised.value.line()


# typed, cause, reason, the offending part, a word of the advice
IMPOSSIBLE = [
    (f"{LONG_LABEL}.example:80", "dns.invalid-name", "label-too-long", LONG_LABEL, None),
    ("ü" * 70, "dns.invalid-name", "label-too-long", "ü" * 70, None),
    ("日" * 60, "dns.invalid-name", "label-too-long", "日" * 60, None),
    (LONG_NAME, "dns.invalid-name", "name-too-long", LONG_NAME, None),
    ("a..b:80", "dns.invalid-name", "empty-label", "a..b", "a.b"),
    (".a", "dns.invalid-name", "empty-label", ".a", None),
    ("a!b", "dns.invalid-name", "bad-character", "a!b", None),
    ("*.example.com", "dns.invalid-name", "bad-character", "*", None),
    ("a\u2100b", "dns.invalid-name", "bad-character", "a\u2100b", None),
    ("-a.example", "dns.invalid-name", "hyphen-edge", "-a", None),
    ("010.0.0.1:80", "dns.invalid-name", "numeric", "010.0.0.1", "write 10.0.0.1 or 8.0.0.1"),
    ("0x7f.1", "dns.invalid-name", "numeric", "0x7f.1", "write 127.0.0.1"),
    ("127.1", "dns.invalid-name", "numeric", "127.1", "write 127.0.0.1"),
    ("1.2.3", "dns.invalid-name", "numeric", "1.2.3", "write 1.2.0.3"),
    ("2130706433", "dns.invalid-name", "numeric", "2130706433", "write 127.0.0.1"),
    ("256.1.1.1", "dns.invalid-name", "numeric", "256.1.1.1", "0 to 255"),
    ("1.2.3.4.5", "dns.invalid-name", "numeric", "1.2.3.4.5", "four numbers"),
    ("08.1.1.1", "dns.invalid-name", "numeric", "08.1.1.1", "8.1.1.1"),
    ("fe80::1", "local.address-unusable", "scope-missing", "fe80::1", None),
    ("[fe80::1]:80", "local.address-unusable", "scope-missing", "fe80::1", None),
    ("bind://[fe80::1]:80", "local.address-unusable", "scope-missing", "fe80::1", None),
    ("224.0.0.1:80", "local.address-unusable", "multicast", "224.0.0.1", None),
    ("ff02::1%eth0", "local.address-unusable", "multicast", "ff02::1%eth0", None),
    ("255.255.255.255", "local.address-unusable", "broadcast", "255.255.255.255", None),
    ("db:0", "local.address-unusable", "port-zero", "0", None),
    ("bind://:0", "local.address-unusable", "port-zero", "0", None),
    (f"dns://192.0.2.53/{LONG_LABEL}", "dns.invalid-name", "label-too-long", LONG_LABEL, None),
]


@pytest.mark.parametrize(
    ("typed", "cause", "reason", "detail", "said"), IMPOSSIBLE, ids=[i[0][:30] for i in IMPOSSIBLE]
)
def test_a_host_that_cannot_be_is_a_target_with_a_problem(
    typed: str, cause: str, reason: str, detail: str, said: str | None
) -> None:
    target = parse(typed)
    assert target.problem is not None
    assert (target.problem.cause, target.problem.reason) == (cause, reason)
    assert target.problem.detail == detail
    assert (said or "") in (target.understood or "")


@pytest.mark.parametrize(
    "name",
    [
        "_sip._tcp.example.com",
        "a_b.example",
        "a-.example",  # glibc asks for these two (measured), so they are not called invalid
        "a.-b.example",
        "1a.example",
        "0xzz.example",
        "host.123",
        "x" * 63,
        "xn--bcher-kva.example",
        ".".join(["x" * 49] * 5) + ".abc",  # 253 letters
    ],
)
def test_a_name_that_resolves_somewhere_is_not_called_invalid(name: str) -> None:
    assert parse(name).problem is None
    assert parse(f"{name}:80").problem is None


def test_options_of_the_text_win_over_those_of_the_configuration() -> None:
    given = TargetOptions(timeout_s=9.0, label="the database", group="core")
    target = parse("tcp://db:5432?timeout=500ms&retries=2&send=PING%0d%0a&family=4", options=given)
    assert target.options == TargetOptions(
        send="PING\r\n", timeout_s=0.5, retries=2, label="the database", group="core", family=4
    )
    assert target.text == "tcp://db:5432?send=PING%0D%0A&timeout=0.5&retries=2&family=4"
    assert target.label == "the database"
    assert parse("db", options=given).options == given


@pytest.mark.parametrize(
    ("written", "seconds"), [("2", 2.0), ("2.5", 2.5), ("250ms", 0.25), ("1m", 60.0), ("3s", 3.0)]
)
def test_durations(written: str, seconds: float) -> None:
    assert parse(f"tls://db?timeout={written}").options.timeout_s == seconds


@pytest.mark.parametrize("written", ["0", "-1", "inf", "nan", "1e3", "", "1d", "99999999", "１"])
def test_durations_that_are_none(written: str) -> None:
    with pytest.raises(TargetError):
        parse(f"tls://db?timeout={written}")


@pytest.mark.parametrize(
    ("typed", "text", "name", "record"),
    [
        ("dns://192.0.2.53/Example.com", "dns://192.0.2.53/example.com", "example.com", "A"),
        ("dns://r/x?type=aaaa", "dns://r/x?type=AAAA", "x", "AAAA"),
        ("dns://r/x?TYPE=TYPE065", "dns://r/x?type=TYPE65", "x", "TYPE65"),
        ("dns://[::1]:5353/x.", "dns://[::1]:5353/x", "x", "A"),
        ("dns://r/.", "dns://r/.", ".", "NS"),
        ("dns://r", "dns://r", ".", "NS"),
        ("dns://r/_a._tcp.x?type=SRV", "dns://r/_a._tcp.x?type=SRV", "_a._tcp.x", "SRV"),
        (
            "dns://r/192.0.2.1",
            "dns://r/1.2.0.192.in-addr.arpa?type=PTR",
            "1.2.0.192.in-addr.arpa",
            "PTR",
        ),
        ("dns://r/0/25.2.0.192.in-addr.arpa", "dns://r/0/25.2.0.192.in-addr.arpa",
         "0/25.2.0.192.in-addr.arpa", "A"),
    ],
)  # fmt: skip
def test_questions_to_a_resolver(typed: str, text: str, name: str, record: str) -> None:
    target = parse(typed)
    assert (target.text, target.query_name, target.query_type) == (text, name, record)
    assert target.problem is None


@pytest.mark.parametrize(
    ("typed", "text", "host", "transport"),
    [
        ("8080", "bind://:8080", "", "tcp"),
        (":8080", "bind://:8080", "", "tcp"),
        ("*:8080", "bind://:8080", "", "tcp"),
        ("https", "bind://:443", "", "tcp"),
        ("127.0.0.1:8080", "bind://127.0.0.1:8080", "127.0.0.1", "tcp"),
        ("0.0.0.0:80", "bind://0.0.0.0:80", "0.0.0.0", "tcp"),
        ("[::1]:80", "bind://[::1]:80", "::1", "tcp"),
        ("[::]:80", "bind://[::]:80", "::", "tcp"),
        ("53/udp", "bind+udp://:53", "", "udp"),
        ("udp/53", "bind+udp://:53", "", "udp"),
        ("udp://127.0.0.1:53", "bind+udp://127.0.0.1:53", "127.0.0.1", "udp"),
        ("bind://:80", "bind://:80", "", "tcp"),
        ("bind+udp://:53", "bind+udp://:53", "", "udp"),
    ],
)
def test_what_bind_takes(typed: str, text: str, host: str, transport: str) -> None:
    target = parse_bind(typed)
    assert (target.kind, target.text) == (Kind.BIND, text)
    assert (target.host, target.transport, target.problem) == (host, transport, None)
    assert parse(target.text) == target


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("", None),
        ("70000", None),
        ("127.0.0.1", "bind://127.0.0.1:8080"),
        ("::1:80", "bind://[::1]:80"),
        ("db:80", "bind://:80"),
        ("http://db", None),
        ("htps", "https"),
    ],
)
def test_what_bind_refuses(typed: str, meant: str | None) -> None:
    with pytest.raises(TargetError) as raised:
        parse_bind(typed)
    assert raised.value.suggestion == meant
    assert raised.value.line().isprintable()


def test_this_machine_has_no_spelling() -> None:
    target = this_machine()
    assert target.kind is Kind.LOCAL
    with pytest.raises(TargetError):
        parse(target.text)


@pytest.mark.parametrize("scheme", sorted(CONNECTION_STRINGS))
def test_every_connection_string_is_understood(scheme: str) -> None:
    assert parse(f"{scheme}://u:p@db.example.com/x").host == "db.example.com"
    assert parse(f"{scheme}://db.example.com").problem is None


# ------------------------------------------------------------------------------ for any text at all

WORDS = """
    tcp:// udp:// tls:// http:// https:// icmp:// dns:// bind:// bind+udp:// htp:// redis:// ://
    : / // . .. , ? # @ % [ ] & = * - _ \\ ' " < > ( ) db example.com 192.0.2.1 010.0.0.1 1.2.3
    2001:db8::1 fe80::1%eth0 fe80::1 ::1 :: ::ffff:192.0.2.1 0 80 443 99999 https ntp udp timeout=2
    send=a%20b family=6 fallback=x:1 type=AAAA localhost xn--a xn-- 0x7f ü ß 日本 İ Å 。 ：
"""
PIECES = st.sampled_from([*WORDS.split(), " ", "\u200b", "\xa0", "\x1b", "\n", "\ud800"])
TEXTS = st.one_of(st.text(max_size=40), st.lists(PIECES, max_size=7).map("".join))


@settings(max_examples=600, deadline=None)
@given(TEXTS)
@example("[")
@example("a" * 9000)
@example("1" * 5000)
@example("https://db/a,#x")
@example("tls://db?tcp://fallback=x:1tcp://")
def test_any_text_is_a_target_or_a_target_error(text: str) -> None:
    for read in (parse, parse_bind):
        try:
            target = read(text)
        except TargetError as error:
            start, end = error.span
            assert 0 <= start <= end <= len(text)
            assert error.line().isprintable()
            if error.suggestion is not None:
                assert read(error.suggestion).problem is None
        else:
            assert target.text.isprintable()
            assert (target.understood or "").isprintable()
            assert _meaning(parse(target.text)) == _meaning(target)


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)),
    st.integers(1, 65535),
    st.sampled_from(["", "tcp://", "udp://", "tls://", "http://", "bind://"]),
)
def test_any_address_and_port_comes_back(address: object, port: int, scheme: str) -> None:
    host = f"[{address}]" if ":" in str(address) else str(address)
    target = parse(f"{scheme}{host}:{port}")
    mapped = getattr(address, "ipv4_mapped", None)
    assert (target.address, target.port) == (mapped or address, port)
    assert parse(target.text).address == target.address


@settings(max_examples=300, deadline=None)
@given(
    send=st.none() | st.text(min_size=1, max_size=20).filter(str.strip),
    timeout_s=st.none() | st.floats(0.01, 3600),
    retries=st.integers(0, 20),
    label=st.none() | st.text(max_size=20).filter(lambda s: s.strip() and s.isprintable()),
)  # fmt: skip
def test_typed_options_survive_the_canonical_text(
    send: str | None, timeout_s: float | None, retries: int, label: str | None
) -> None:
    from netwhy.core.options import options_text

    meant = TargetOptions(send=send, timeout_s=timeout_s, retries=retries, label=label)
    typed = options_text(meant, {"send", "timeout", "retries", "label"})
    target = parse(f"tcp://db:80{typed}")
    assert target.options == meant
    assert parse(target.text) == target


def _meaning(target: Target) -> Target:
    return replace(target, understood=None)
