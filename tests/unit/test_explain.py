"""`netwhy explain`: every spelling of an error leads to its page."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwhy.core import errnames
from netwhy.core.alerts import ALERTS
from netwhy.knowledge import pages, words
from netwhy.knowledge.explain import Explanation, explain, suggest

#: The errors that socket programs meet: each must have a page of its own.
PAGES = re.findall(
    r"\w+",
    """
TIMEOUT ECONNREFUSED ECONNRESET ECONNABORTED ETIMEDOUT EPIPE EADDRINUSE EADDRNOTAVAIL EACCES EPERM
EHOSTUNREACH ENETUNREACH ENETDOWN EHOSTDOWN ENETRESET EINVAL EAFNOSUPPORT EMFILE ENFILE ENOBUFS
ENOMEM EAGAIN EWOULDBLOCK EINPROGRESS EALREADY EISCONN ENOTCONN EINTR EMSGSIZE ENOPROTOOPT EPROTO
EDESTADDRREQ EPROTONOSUPPORT EBADF ENOTSOCK ESHUTDOWN EAI_NONAME EAI_AGAIN EAI_FAIL EAI_NODATA
EAI_SERVICE EAI_FAMILY EAI_SYSTEM EAI_MEMORY EAI_BADFLAGS EAI_SOCKTYPE EAI_ADDRFAMILY
HOST_NOT_FOUND TRY_AGAIN NO_RECOVERY NO_DATA NXDOMAIN SERVFAIL REFUSED FORMERR NOTIMP NOERROR
""",
)


def known(what: str, platform: str = "linux") -> Explanation:
    found = explain(what, platform)
    assert found is not None, what
    return found


@pytest.mark.parametrize("symbol", PAGES)
def test_each_error_has_a_page(symbol: str) -> None:
    page = known(symbol)
    assert page.name == symbol
    assert len(page.title) <= 100 and len(page.meaning) > 60
    assert page.phases and page.fixes and page.program
    assert {hint.cause for hint in page.causes} <= set(words.cause_ids())
    assert symbol == "TIMEOUT" or page.numbers
    assert known(symbol.lower()).name == symbol


@pytest.mark.parametrize("cause", words.cause_ids())
def test_each_cause_has_a_page(cause: str) -> None:
    page = known(cause.upper())
    assert (page.name, page.kind) == (cause, "cause")
    assert page.title and page.meaning and page.fixes
    shown = [t for fix in page.fixes for t in (fix.text, fix.command or "")]
    assert not [text for text in shown if re.search(r"\{[a-z_]+\}", text)]


def test_no_page_is_forgotten_or_points_nowhere() -> None:
    assert set(pages.symbol_pages()) == set(PAGES)
    for name, page in pages.symbol_pages().items():
        assert set(page) <= {"title", "meaning", "phases", "now", "advice", "phrases", "causes"}
        assert set(page.get("advice", ())) <= set(words.table("advice.toml")), name
    phrases = [p for page in pages.symbol_pages().values() for p in page.get("phrases", ())]
    assert len(phrases) == len(set(phrases)) and phrases == [p.lower() for p in phrases]


@pytest.mark.parametrize(
    ("what", "platform", "name", "others"),
    [
        ("111", "linux", "ECONNREFUSED", ()),
        ("61", "macos", "ECONNREFUSED", ("ENODATA",)),
        ("61", "linux", "ENODATA", ("ECONNREFUSED",)),
        ("10061", "linux", "ECONNREFUSED", ()),
        ("errno 111", "linux", "ECONNREFUSED", ()),
        ("[Errno 111]", "macos", "ECONNREFUSED", ()),
        ("[WinError 10061]", "windows", "ECONNREFUSED", ()),
        ("os error 98", "linux", "EADDRINUSE", ()),
        ("-111", "linux", "ECONNREFUSED", ()),
        ("48", "macos", "EADDRINUSE", ()),
        ("-2", "linux", "EAI_NONAME", ()),
        ("8", "macos", "EAI_NONAME", ("EAI_MEMORY",)),
        ("11001", "windows", "EAI_NONAME", ("HOST_NOT_FOUND",)),
        ("11", "linux", "EAGAIN", ("EDEADLK", "EAI_SYSTEM")),
        ("h_errno 2", "linux", "TRY_AGAIN", ()),
        ("rcode 2", "linux", "SERVFAIL", ()),
    ],
)
def test_a_number_means_what_its_platform_says(
    what: str, platform: str, name: str, others: tuple[str, ...]
) -> None:
    found = known(what, platform)
    assert found.name == name
    assert tuple(other.name for other in found.others) == others
    if found.kind != "dns":
        assert found.platforms and all(other.platforms for other in found.others)


@pytest.mark.parametrize(
    ("what", "name"),
    [
        ("WSAECONNREFUSED", "ECONNREFUSED"),
        ("wsahost_not_found", "HOST_NOT_FOUND"),
        ("ConnectionRefusedError", "ECONNREFUSED"),
        ("connectionreseterror", "ECONNRESET"),
        ("builtins.InterruptedError", "EINTR"),
        ("TimeoutError", "TimeoutError"),
        ("socket.timeout", "TimeoutError"),
        ("gaierror", "socket.gaierror"),
        ("socket.herror", "socket.herror"),
        ("PermissionError", "PermissionError"),
        ("OSError", "OSError"),
        ("BrokenPipeError", "BrokenPipeError"),
        ("UnicodeError", "UnicodeError in a look-up"),
        ("  nxdomain ", "NXDOMAIN"),
    ],
)
def test_names_are_known_in_any_case(what: str, name: str) -> None:
    assert known(what).name == name


@pytest.mark.parametrize(
    ("what", "name"),
    [
        ("502", "HTTP 502"),
        ("404", "HTTP 404"),
        ("HTTP/1.1 503 Service Unavailable", "HTTP 503"),
        ("upstream: status code: 504", "HTTP 504"),
        ("handshake_failure", "handshake_failure"),
        ("SSLV3_ALERT_HANDSHAKE_FAILURE", "handshake_failure"),
        ("tlsv13_alert_certificate_required", "certificate_required"),
        ("TLSV1_UNRECOGNIZED_NAME", "unrecognized_name"),
        ("alert number 40", "handshake_failure"),
        ("error:0A000410:SSL routines::sslv3 alert handshake failure:SSL alert number 40",
         "handshake_failure"),
        ("ssl.SSLError: [SSL: TLSV1_ALERT_PROTOCOL_VERSION] tlsv1 alert protocol version (_ssl.c)",
         "protocol_version"),
        ("curl: (60) SSL certificate problem: certificate has expired", "CERT_HAS_EXPIRED"),
        ("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate in "
         "certificate chain (_ssl.c:1006)", "SELF_SIGNED_CERT_IN_CHAIN"),
        ("x509: certificate signed by unknown authority", "UNABLE_TO_GET_ISSUER_CERT_LOCALLY"),
        ("[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1129)", "WRONG_VERSION_NUMBER"),
        ("CERTIFICATE_VERIFY_FAILED", "CERTIFICATE_VERIFY_FAILED"),
        ("verify error:num=10:certificate has expired", "CERT_HAS_EXPIRED"),
    ],
)  # fmt: skip
def test_what_a_peer_answers_is_known(what: str, name: str) -> None:
    assert known(what).name == name


def test_a_number_of_two_worlds_lists_both() -> None:
    found = known("101")
    assert (found.name, found.others[-1].name) == ("ENETUNREACH", "HTTP 101")
    assert "HTTP 101" not in [other.name for other in known("errno 101").others]


@pytest.mark.parametrize("kind", ["alert", "certificate", "status"])
def test_each_answer_has_a_page_that_points_somewhere(kind: str) -> None:
    for key, page in pages.answer_pages(kind).items():
        assert set(page) <= {"title", "meaning", "now", "causes", "phrases"}, key
        assert set(page.get("causes", {})) <= set(words.cause_ids()), key
        found = known(f"HTTP {key}" if kind == "status" else key)
        assert found.title == page["title"] and len(page["title"]) <= 100
    alerts = set(ALERTS.values())
    assert kind != "alert" or set(pages.answer_pages(kind)) <= alerts


def test_an_exception_of_many_errors_shows_them_all() -> None:
    page = known("PermissionError")
    assert [other.name for other in page.others] == ["EACCES", "EPERM"]
    causes = {hint.cause for hint in page.causes}
    assert {"bind.privileged", "route.prohibited", "local.firewall"} <= causes


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("ConnectionRefusedError: [Errno 111] Connection refused", "ECONNREFUSED"),
        ("ConnectionRefusedError: [Errno 61] Connection refused", "ECONNREFUSED"),
        ("OSError: [Errno 113] No route to host", "EHOSTUNREACH"),
        ("OSError: [Errno 98] Address already in use", "EADDRINUSE"),
        ("PermissionError: [Errno 13] Permission denied", "EACCES"),
        ("PermissionError: [Errno 1] Operation not permitted", "EPERM"),
        ("TimeoutError: timed out", "TIMEOUT"),
        ("TimeoutError: [Errno 110] Connection timed out", "ETIMEDOUT"),
        ("socket.gaierror: [Errno -2] Name or service not known", "EAI_NONAME"),
        ("socket.gaierror: [Errno 8] nodename nor servname provided, or not known", "EAI_NONAME"),
        ("socket.gaierror: [Errno -3] Temporary failure in name resolution", "EAI_AGAIN"),
        ("socket.gaierror: [Errno 11001] getaddrinfo failed", "EAI_NONAME"),
        ("curl: (6) Could not resolve host: db.example.com", "EAI_NONAME"),
        ("Error: connect ETIMEDOUT 192.0.2.1:443", "ETIMEDOUT"),
        ("Error: getaddrinfo ENOTFOUND db.example.com", "EAI_NONAME"),
        ("dial tcp 192.0.2.1:5432: connect: connection refused", "ECONNREFUSED"),
        ("dial tcp: lookup db.example.com: no such host", "EAI_NONAME"),
        ("Os { kind: ConnectionRefused } (os error 111)", "ECONNREFUSED"),
        ("nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)", "EADDRINUSE"),
        ("[WinError 10048] Only one usage of each socket address is permitted", "EADDRINUSE"),
        ("java.net.ConnectException: Connection refused", "ECONNREFUSED"),
        (";; ->>HEADER<<- opcode: QUERY, status: NXDOMAIN, id: 1", "NXDOMAIN"),
        ("failing tcp.filtered 192.0.2.1:22", "tcp.filtered"),
        ("OSError happened", "OSError"),
        ("starting\nOSError: see below\n[Errno 32] Broken pipe\n", "EPIPE"),
        ("write: broken pipe\nECONNREFUSED later", "EPIPE"),
    ],
)
def test_the_error_in_a_line_is_found(line: str, name: str) -> None:
    assert known(line).name == name


@pytest.mark.parametrize("what", ["", "   ", "hello", "999999", "rcode 99", "all is well", "\x00"])
def test_what_is_not_known_is_not_guessed(what: str) -> None:
    assert explain(what) is None


def test_an_error_without_a_page_is_named_all_the_same() -> None:
    page = known("ELOOP")
    assert page.name == "ELOOP" and page.title.startswith("ELOOP: ") and page.numbers


@pytest.mark.parametrize("symbol", [*errnames.ERRNOS, *errnames.EAI, *errnames.H_ERRNO])
def test_every_symbol_with_a_number_is_known(symbol: str) -> None:
    assert known(symbol).name == symbol


def test_a_typing_error_is_answered_with_what_was_probably_meant() -> None:
    assert suggest("ECONREFUSED")[0] == "ECONNREFUSED"
    assert suggest("tcp.refuse")[0] == "tcp.refused"
    assert suggest("adress already in use")[0] == "EADDRINUSE"
    assert suggest("no rout to host")[0] == "EHOSTUNREACH"
    assert suggest("zzzzzzzz") == ()


@given(st.text())
def test_any_text_can_be_asked(text: str) -> None:
    found = explain(text)
    assert found is None or found.title
    assert len(suggest(text)) <= 3
