"""No secret of a command line or a URL is ever shown; what is not secret stays readable."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwhy.system.local import proxies
from netwhy.system.masking import MASK, command_line, mask

S = "hunter2secret"


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["app", f"--password={S}"], "app --password=***"),
        (["app", "--password", S], "app --password ***"),
        (["app", "--password", f"two {S}", "-v"], "app --password *** -v"),
        (["app", "-password", S], "app -password ***"),
        (["app", "--db-passwd", S], "app --db-passwd ***"),
        (["app", "--token", S, "--port", "80"], "app --token *** --port 80"),
        (["app", f"--api-key={S}"], "app --api-key=***"),
        (["app", f"--secret_key={S}"], "app --secret_key=***"),
        (["app", f"--client-secret={S}"], "app --client-secret=***"),
        (["app", f"--accessKey={S}"], "app --accessKey=***"),
        (["java", f"-Dspring.datasource.password={S}"], "java -Dspring.datasource.password=***"),
        (["docker", "run", "-e", f"MYSQL_ROOT_PASSWORD={S}"], None),
        (["docker", "run", f"-ePGPASSWORD={S}"], None),
        (["env", f"API_TOKEN={S}", "app"], "env API_TOKEN=*** app"),
        (["redis-server", "--requirepass", S], None),
        (["redis-cli", "-a", S], None),
        (["mysqld", f"-p{S}"], "mysqld -p***"),
        (["/usr/bin/mysql", f"-p{S}", "db"], "/usr/bin/mysql -p*** db"),
        (["sshpass", "-p", S, "ssh", "host"], "sshpass -p *** ssh host"),
        (["curl", "-u", f"user:{S}", "http://example.com/"], None),
        (["curl", "--user", f"user:{S}"], "curl --user user:***"),
        (["curl", f"--proxy-user=user:{S}"], "curl --proxy-user=user:***"),
        (["curl", "-H", f"Authorization: Bearer {S}"], "curl -H Authorization: ***"),
        (["curl", "-H", f"X-Api-Key: {S}"], "curl -H X-Api-Key:***"),
        (["curl", f"--header=Cookie: id={S}"], None),
        (["curl", "-d", '{"user": "a", "password": "' + S + '"}'], None),
        (["app", f"postgres://user:{S}@db.example.com/x"], None),
        (["app", f"--dsn=postgres://user:{S}@db.example.com/x"], None),
        (["app", f"user:{S}@db.example.com"], "app user:***@db.example.com"),
        (["git", "clone", f"https://{S}@example.com/a.git"], None),
        (["git", "clone", f"https://{S}:x-oauth-basic@example.com/a.git"], None),
        (["app", f"https://example.com/?a=1&access_token={S}&b=2"], None),
        (["app", "--key", "ghp_" + "a1" * 12], f"app --key {MASK}"),
        (["sh", "-c", f"mysql -uroot -p{S} db"], "sh -c mysql -uroot -p*** db"),
        (["sh", "-c", f"app --password '{S} {S}' --port 80"], None),
        (["sh", "-c", f"sh -c 'app --token {S}'"], None),
        ([f"worker: --token {S} idle"], "worker: --token *** idle"),
        (["sh", "-c", f"TOKEN={S} app"], "sh -c TOKEN=***"),
    ],
)
def test_secrets_are_masked(arguments: list[str], shown: str | None) -> None:
    line = command_line(arguments)
    assert S not in line and "a1a1a1" not in line
    assert MASK in line
    if shown is not None:
        assert line == shown


@pytest.mark.parametrize(
    "line",
    [
        "nginx: master process /usr/sbin/nginx -g daemon on;",
        "postgres: app db 192.0.2.7(51234) idle",
        "ssh -p 22 git@example.com",
        "docker run -p 8080:80 --user 1000:1000 web",
        "docker-proxy -proto tcp -host-ip 0.0.0.0 -host-port 8080 -container-ip 192.0.2.2",
        "app --password-file=/run/secret --token-ttl 60",
        "app --tokenizer fast --passive --port=80 --key=/etc/tls.key",
        "git clone ssh://git@example.com/a.git",
        "python -m http.server 8080 --bind ::1",
        "gunicorn app.main:app -w 4 -b unix:/run/app.sock",
        "java -Xmx512m -jar app.jar http://example.com:8080/a@b",
        "psql --no-password db",
    ],
)
def test_what_is_no_secret_stays(line: str) -> None:
    assert command_line(line.split(" ")) == line
    assert command_line([line]) == line


_OPTIONS = ["--password", "--token", "--api-key", "--client-secret", "-Ddb.password", "APP_SECRET"]


@given(
    st.sampled_from(_OPTIONS),
    st.text("abcdefghij0123456789!$%/+ \"'=:@-", min_size=6, max_size=30).filter(
        lambda s: not s.startswith("-") and s.strip() == s
    ),
)
def test_the_value_of_a_secret_option_never_shows(option: str, value: str) -> None:
    assert command_line(["app", f"{option}={value}", "end"]) == f"app {option}={MASK} end"
    if option.startswith("--"):
        assert command_line(["app", option, value, "end"]) == f"app {option} {MASK} end"


@given(st.text("abcXYZ012-._~%!", min_size=4, max_size=20), st.sampled_from(["http", "redis"]))
def test_the_password_of_a_url_never_shows(password: str, scheme: str) -> None:
    secret = "pw" + password
    assert secret not in mask(f"{scheme}://user:{secret}@db.example.com:1/x")


@given(st.lists(st.text(max_size=60), max_size=6))
def test_any_arguments_give_a_line(arguments: list[str]) -> None:
    assert len(command_line(arguments)) <= 1000


@pytest.mark.parametrize("piece", ["a", "x-", "--a=", "'\"", "a:", "?a", "'a ", "eyJaaaaaaaa."])
def test_hostile_lines_cost_little(piece: str) -> None:
    started = time.thread_time()  # other programs may be busy
    command_line([piece * (8192 // len(piece))] * 2)
    assert time.thread_time() - started < 1.0


def test_proxy_variables_are_masked() -> None:
    environment = {
        "https_proxy": f"http://user:{S}@proxy.example.com:3128",
        "HTTP_PROXY": "http://proxy.example.com:3128",
        "no_proxy": "localhost,.example.com",
        "ALL_PROXY": "",
        "OTHER": S,
    }
    assert proxies(environment) == (
        ("HTTP_PROXY", "http://proxy.example.com:3128"),
        ("https_proxy", "http://user:***@proxy.example.com:3128"),
        ("no_proxy", "localhost,.example.com"),
    )
