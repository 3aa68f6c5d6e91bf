"""The knowledge base searched by words, and read out of a log."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwhy.knowledge import entries, search
from netwhy.knowledge.explain import explain
from netwhy.knowledge.pasted import Pasted
from netwhy.knowledge.search import Catalogue


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    made = Catalogue()
    for _pause in made.reading():
        pass
    return made


def test_every_page_is_listed_with_its_own_words(catalogue: Catalogue) -> None:
    hits = catalogue.everything()
    causes = [hit for hit in hits if hit.kind == "cause"]
    assert [hit.name for hit in causes] == list(entries.cause_ids())
    for hit in causes:
        assert hit.title == entries.entry(hit.name).summary
    for hit in hits:
        page = search.page(hit)
        assert page is not None, hit
        assert hit.kind == "exception" or (page.kind, page.name) == (hit.kind, hit.name)


FIRST = [
    ("111", "ECONNREFUSED"),
    ("10061", "ECONNREFUSED"),
    ("econnrefused", "ECONNREFUSED"),
    ("ConnectionResetError", "ECONNRESET"),
    ("EAI_AGAIN", "EAI_AGAIN"),
    ("-2", "EAI_NONAME"),
    ("tcp.refused", "tcp.refused"),
    ("refused", "REFUSED"),
    ("5432", "port 5432"),
    (":8080", "port 8080"),
    ("port 12345", "port 12345"),
    ("53/udp", "port 53"),
    ("postgres", "port 5432"),
    ("504", "HTTP 504"),
    ("handshake_failure", "handshake_failure"),
    ("offline", "local.offline"),
    ("gateway sil", "route.gateway-silent"),
    ("black hole", "route.blackhole"),
    ("ssh: connect to host db port 22: No route to host", "EHOSTUNREACH"),
    ("connection refused", "ECONNREFUSED"),
]


@pytest.mark.parametrize(("query", "name"), FIRST, ids=[query for query, _ in FIRST])
def test_what_is_found_first(catalogue: Catalogue, query: str, name: str) -> None:
    found = catalogue.search(query, "linux")
    assert found and found[0].name == name, [hit.name for hit in found[:5]]


def test_what_explain_answers_comes_first(catalogue: Catalogue) -> None:
    """The screen and the command say the same."""
    for query in ("111", "61", "EAI_NONAME", "tls.expired", "timed out", "11001", "port 80"):
        answer = explain(query, "macos")
        if answer is not None:
            assert catalogue.search(query, "macos")[0].found == answer


def test_a_number_with_several_meanings_lists_each(catalogue: Catalogue) -> None:
    assert [hit.name for hit in catalogue.search("61", "linux")][:2] == ["ENODATA", "ECONNREFUSED"]
    assert "port 111" in [hit.name for hit in catalogue.search("111", "linux")]


def test_nothing_is_found_for_nonsense_and_for_nothing(catalogue: Catalogue) -> None:
    assert catalogue.search("zzqx") == []
    assert catalogue.search("   ") == []


def test_a_sentence_finds_the_pages_that_share_most_of_it(catalogue: Catalogue) -> None:
    names = [
        hit.name for hit in catalogue.search("why does the certificate look expired to my laptop")
    ]
    assert "tls.expired" in names[:10], names[:10]


def test_a_search_takes_far_less_than_the_time_between_two_keys(catalogue: Catalogue) -> None:
    slowest = 0.0
    question = "why is the connection to the gateway refused by a firewall"
    for end in range(1, len(question) + 1):
        before = time.thread_time()  # other programs may be busy
        catalogue.search(question[:end])
        slowest = max(slowest, time.thread_time() - before)
    assert slowest < 0.05, f"{slowest * 1000:.1f} ms"


@given(st.text(max_size=80))
def test_any_text_may_be_searched_for(catalogue: Catalogue, query: str) -> None:
    for hit in catalogue.search(query)[:3]:
        assert search.page(hit) is not None


LOG = """\
2026-01-01 12:00:00 INFO starting
2026-01-01 12:00:01 ERROR to "db.example" (192.0.2.7), port 5432 failed: Connection refused
2026-01-01 12:00:02 ERROR to "db.example" (192.0.2.7), port 5432 failed: Connection refused
Traceback (most recent call last):
  File "/srv/app/db.py", line 214, in connect
OSError: something odd
socket.gaierror: [Errno -3] Temporary failure in name resolution
2026-01-01 12:00:03 ERROR GET https://shop.example/x: HTTP/1.1 503
"""


def test_a_log_names_its_errors_and_endpoints_with_their_numbers() -> None:
    pasted = Pasted(LOG)
    for _pause in pasted.reading("linux"):
        pass
    assert len(pasted.lines) == 8 and not pasted.cut
    assert [(n.page.name, n.count) for n in pasted.errors] == [
        ("ECONNREFUSED", 2),
        ("EAI_AGAIN", 1),
        ("HTTP 503", 1),
        ("OSError", 1),
    ]
    assert [(m.target.text, m.count) for m in pasted.endpoints] == [
        ("db.example:5432", 2),
        ("https://shop.example", 1),
    ]
    assert pasted.endpoints[0].line.startswith("2026-01-01 12:00:01")


def test_an_endless_log_is_cut_and_read_in_time() -> None:
    pasted = Pasted(LOG * 10_000)
    assert pasted.cut
    before = time.thread_time()
    steps = 0
    for _pause in pasted.reading():
        steps += 1
        if steps == 2000:
            break
    assert (time.thread_time() - before) / steps < 0.002


@given(st.text(max_size=400))
def test_any_text_may_be_pasted(text: str) -> None:
    pasted = Pasted(text)
    for _pause in pasted.reading():
        pass
    assert len(pasted.errors) <= len(pasted.lines)
