"""Which endpoints error lines mention: one row for each form that programs print."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwhy.core.mentions import mentions
from netwhy.core.target import parse

LINES = [
    # URLs lose path and query: a check must not set off what the request did
    ("GET https://shop.example/cart/empty?all=1 failed", ["https://shop.example"]),
    ('upstream: "http://192.0.2.8:8080/health",', ["http://192.0.2.8:8080"]),
    ("postgresql://app:secret@db.example:5433/orders", ["tcp://db.example:5433"]),
    ("redis://cache.example/0 is gone", ["tcp://cache.example:6379"]),
    ("https://[2001:db8::7]:8443/x: timed out", ["https://[2001:db8::7]:8443"]),
    ("amqp://guest:guest@mq.example:5672//", ["tcp://mq.example:5672"]),
    # host and port in words, pairs and tuples
    (
        'connection to server at "db.example" (192.0.2.7), port 5432 failed: Connection refused',
        ["db.example:5432"],
    ),
    ("curl: (7) Failed to connect to db port 5432 after 2 ms", ["db:5432"]),
    ("ssh: connect to host 192.0.2.9 port 22: Connection timed out", ["192.0.2.9:22"]),
    ("HTTPSConnectionPool(host='api.example', port=443): Max retries", ["api.example:443"]),
    ("host=db.example port=5432 dbname=x user=y", ["db.example:5432"]),
    ("Connect call failed ('192.0.2.7', 5432)", ["192.0.2.7:5432"]),
    ("Connect call failed ('2001:db8::7', 443, 0, 0)", ["[2001:db8::7]:443"]),
    ("Connection refused: db.example/192.0.2.7:5432", ["db.example:5432"]),
    ("connect to /192.0.2.7:9042 failed", ["192.0.2.7:9042"]),
    # host:port
    ("dial tcp 192.0.2.7:5432: connect: connection refused", ["192.0.2.7:5432"]),
    ("dial tcp [2001:db8::7]:443: i/o timeout", ["[2001:db8::7]:443"]),
    ("Error: connect ECONNREFUSED 127.0.0.1:6379", ["127.0.0.1:6379"]),
    ("cannot connect to db:5432", ["db:5432"]),
    ("Broker kafka-1.example:9092 disconnected", ["kafka-1.example:9092"]),
    ("read tcp 192.0.2.2:41234->192.0.2.7:443: connection reset by peer", ["192.0.2.7:443"]),
    ("reset by peer, accepted from 198.51.100.4:52344", []),
    # names that were not found
    ("curl: (6) Could not resolve host: api.example", ["api.example"]),
    ("getaddrinfo ENOTFOUND db.internal", ["db.internal"]),
    (
        "dial tcp: lookup db.internal on 192.0.2.53:53: no such host",
        ["db.internal", "dns://192.0.2.53/db.internal"],
    ),
    ("java.net.UnknownHostException: db.internal", ["db.internal"]),
    ("GET https://api.example/: could not resolve host api.example", ["https://api.example"]),
    ("no route to host 192.0.2.99", ["192.0.2.99"]),
    # servers that could not start
    ("Error: listen EADDRINUSE: address already in use :::3000", ["bind://:3000"]),
    ("bind() to 0.0.0.0:80 failed (98: Address already in use)", ["bind://0.0.0.0:80"]),
    ("[Errno 98] error while binding on ('127.0.0.1', 8000)", ["127.0.0.1:8000"]),
    ("listening on 0.0.0.0:8080", []),
    # none at all
    ("2026-01-01 12:04:31,123 ERROR main.go:42 something failed", []),
    ('  File "/srv/app/db.py", line 214, in connect', []),
    ("at com.example.Foo.bar(Foo.java:117)", []),
    ("worker pid:1234 exited with status:500 at 12:04", []),
    ("exception in thread-1:5 retry:3", []),
    ("ratio 3.5:1, version 1.2.3:4", []),
    ("std::vector:12 foo::bar:5", []),
    ("Listening on port 80", []),
    ("", []),
]


@pytest.mark.parametrize(("line", "wanted"), LINES, ids=[line[:40] for line, _ in LINES])
def test_what_a_line_mentions(line: str, wanted: list[str]) -> None:
    assert [target.text for target in mentions(line)] == wanted


@given(st.text(max_size=300))
def test_any_text_is_read_without_an_error_and_only_into_targets(text: str) -> None:
    for target in mentions(text):
        if not target.text.startswith("bind"):
            assert parse(target.text).text == target.text


@pytest.mark.parametrize(
    "piece", ["a-", "a.", "://a", "a:1", "[::", "to a ", "1.", "(''", "host=a "]
)
def test_hostile_lines_are_read_in_time(piece: str) -> None:
    before = time.thread_time()
    mentions(piece * 2_000_000)
    assert time.thread_time() - before < 1.0
