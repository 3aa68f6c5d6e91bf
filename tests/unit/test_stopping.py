"""What is ended to free a port, and what is never ended: tables without a process."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest

from netwhy.core.observations import Owner, Socket
from netwhy.core.stopping import Surroundings, Unit, plan
from netwhy.system.cgroups import Home, home_of
from netwhy.system.forwarders import behind_of, publishes

AROUND = Surroundings(pid=900, ancestors=frozenset({900, 800, 1}), ssh_port=22)
PROGRAM = Owner(
    pid=50,
    name="api",
    user="ada",
    uid=1000,
    command="/srv/api",
    parents=((40, "bash"), (1, "init")),
)
SUDO = "sudo would also show its process id"


def held(*owners: Owner, port: int = 8080, address: str = "0.0.0.0", **more: object) -> Socket:
    return Socket("tcp", ip_address(address), port, "LISTEN", owners=owners, **more)  # type: ignore[arg-type]


def service(owner: Owner, main: int, unit: str = "api.service") -> tuple[Owner, Surroundings]:
    known = {unit: Unit(("systemctl",), main)}
    return replace(owner, unit=unit), replace(AROUND, units=known)


@pytest.mark.parametrize(
    ("owner", "words"),
    [
        (Owner(pid=1, name="systemd", uid=0), "pid 1 holds it"),
        (Owner(pid=1, name="systemd", uid=0, unit="web.socket"), "pid 1 holds it"),  # unknown unit
        (replace(PROGRAM, name="systemd", unit="user@1000.service"), "a user's session"),
        (Owner(pid=70, name="dockerd", uid=0, unit="docker.service"), "all containers would end"),
        (replace(PROGRAM, pid=900), "netwhy itself"),
        (replace(PROGRAM, pid=800), "above this very command"),
        (Owner(uid=0, user="root", hidden=SUDO), "a process of user root: " + SUDO),
        (Owner(uid=0, hidden="the kernel itself does"), "the kernel itself does"),
        (Owner(), "its process cannot be seen"),
        (
            Owner(pid=60, name="docker-proxy", behind="the Docker container at 172.17.0.2:80"),
            "only forwards the port to the Docker container at 172.17.0.2:80; stop that:"
            " docker ps --filter publish=8080/tcp",
        ),
        (Owner(pid=60, name="rootlessport", behind="a rootless container (podman)"), "podman ps"),
        (replace(PROGRAM, container="0123456789ab (docker)"), "docker stop 0123456789ab"),
        (
            replace(PROGRAM, container="0123456789ab (kubernetes pod 1-2)"),
            "Kubernetes would start it again",
        ),
    ],
)
def test_it_is_refused_with_the_reason(owner: Owner, words: str) -> None:
    found = plan(8080, "tcp", [held(owner)], AROUND)
    assert found.steps == ()
    assert len(found.refusals) == 1 and words in found.refusals[0]


def test_one_holder_that_must_not_end_saves_them_all() -> None:
    shared = held(PROGRAM, Owner(pid=1, name="systemd", uid=0))
    assert plan(8080, "tcp", [shared], AROUND).steps == ()


def test_the_ssh_server_of_this_session_is_refused_and_another_is_not() -> None:
    sshd = replace(PROGRAM, name="sshd")
    assert plan(22, "tcp", [held(sshd, port=22)], AROUND).refusals
    assert not plan(2222, "tcp", [held(sshd, port=2222)], AROUND).refusals


@pytest.mark.parametrize(
    ("owner", "word"),
    [
        (PROGRAM, None),
        (replace(PROGRAM, uid=0), "api"),
        (replace(PROGRAM, name="postgres"), "postgres"),
        (replace(PROGRAM, name="redis-server"), "redis-server"),
        (replace(PROGRAM, name="redistribute"), None),
    ],
)
def test_who_is_ended_by_a_yes_and_who_by_its_name(owner: Owner, word: str | None) -> None:
    (step,) = plan(8080, "tcp", [held(owner)], AROUND).steps
    assert (step.pid, step.word) == (50, word)


def test_only_listeners_of_exactly_that_port() -> None:
    other = replace(PROGRAM, pid=51)
    sockets = [
        held(PROGRAM),
        held(other, port=80),
        held(other, port=18080),
        replace(held(other), state="ESTAB", remote=(ip_address("192.0.2.7"), 443)),
        replace(held(other), state="BOUND"),
        replace(held(other), transport="udp", state="UNCONN"),
    ]
    found = plan(8080, "tcp", sockets, AROUND)
    assert [step.pid for step in found.steps] == [50]
    assert [step.pid for step in plan(8080, "udp", sockets, AROUND).steps] == [51]


def test_of_a_family_of_holders_the_topmost_is_ended() -> None:
    worker = Owner(pid=52, name="api", uid=1000, parents=((50, "api"), (40, "bash")))
    grandchild = Owner(pid=53, name="api", uid=1000, parents=((52, "api"), (50, "api")))
    found = plan(8080, "tcp", [held(grandchild, worker, PROGRAM)], AROUND)
    assert [step.pid for step in found.steps] == [50]
    assert found.pids == {50, 52, 53}
    orphans = plan(8080, "tcp", [held(worker, replace(worker, pid=54))], AROUND)
    assert {step.pid for step in orphans.steps} == {52, 54}


@pytest.mark.parametrize(
    ("main", "parents", "stops_unit"),
    [
        (50, ((1, "systemd"),), True),  # it is the service
        (45, ((45, "api"), (1, "systemd")), True),  # a worker of the service
        (45, ((45, "cron"), (1, "systemd")), False),  # a job that lives in the service of cron
        (0, ((1, "systemd"),), False),
    ],
)
def test_a_unit_is_stopped_when_the_port_is_its_business(
    main: int, parents: tuple[tuple[int, str], ...], stops_unit: bool
) -> None:
    owner, around = service(replace(PROGRAM, parents=parents), main)
    (step,) = plan(8080, "tcp", [held(owner)], around).steps
    assert (step.command == ("systemctl", "stop", "api.service")) is stops_unit
    assert (step.pid is None) is stops_unit


def test_a_socket_unit_goes_before_its_service() -> None:
    around = replace(
        AROUND,
        units={"web.socket": Unit(("systemctl",), 0), "web.service": Unit(("systemctl",), 50)},
    )
    manager = Owner(pid=1, name="systemd", uid=0, unit="web.socket")
    found = plan(8080, "tcp", [held(replace(PROGRAM, unit="web.service"), manager)], around)
    assert [step.command[-1] for step in found.steps] == ["web.socket", "web.service"]
    assert found.refusals == ()


def test_a_user_s_own_unit_is_reached_by_the_user_s_manager() -> None:
    owner = replace(PROGRAM, unit="dev.service")
    around = replace(AROUND, units={"dev.service": Unit(("systemctl", "--user"), 50)})
    (step,) = plan(8080, "tcp", [held(owner)], around).steps
    assert step.command == ("systemctl", "--user", "stop", "dev.service")


def test_containers_are_stopped_by_their_runtime() -> None:
    around = replace(AROUND, tools=frozenset({"docker", "podman"}), published="fedcba987654")
    for container, command in (
        ("0123456789ab (docker)", ("docker", "stop", "0123456789ab")),
        ("0123456789ab (podman)", ("podman", "stop", "0123456789ab")),
    ):
        (step,) = plan(8080, "tcp", [held(replace(PROGRAM, container=container))], around).steps
        assert step.command == command
    unseen = Owner(uid=0, user="root", container="0123456789ab (docker)", hidden=SUDO)
    (step,) = plan(8080, "tcp", [held(unseen)], around).steps
    assert step.command == ("docker", "stop", "0123456789ab")
    for name in ("docker-proxy", "dockerd"):
        proxy = Owner(pid=60, name=name, uid=0)
        (step,) = plan(8080, "tcp", [held(proxy)], around).steps
        assert (step.command, step.word) == (("docker", "stop", "fedcba987654"), name)


def test_inside_a_container_its_own_processes_are_processes() -> None:
    around = replace(AROUND, home="0123456789ab (docker)")
    (step,) = plan(
        8080, "tcp", [held(replace(PROGRAM, container="0123456789ab (docker)"))], around
    ).steps
    assert step.pid == 50


def test_what_is_lost_is_told() -> None:
    around = replace(AROUND, children={50: [(51, "worker")], 51: [(52, "convert")]})
    sockets = [
        held(PROGRAM, connections=3),
        held(PROGRAM, port=9092),
        held(PROGRAM, port=9090, address="::1"),
        held(PROGRAM, port=9090, address="127.0.0.1"),
        held(replace(PROGRAM, pid=70), port=9091),
    ]
    assert plan(8080, "tcp", sockets, around).losses == (
        "3 connected clients",
        "other ports of the same processes: tcp 127.0.0.1:9090, tcp [::1]:9090, tcp 0.0.0.0:9092",
        "processes below: worker (pid 51), convert (pid 52)",
    )


# --------------------------------------------------------------------- who stands behind a holder


@pytest.mark.parametrize(
    ("name", "command", "behind"),
    [
        (
            "docker-proxy",
            "/usr/bin/docker-proxy -proto tcp -host-ip 0.0.0.0 -host-port 8080"
            " -container-ip 172.17.0.2 -container-port 80 -use-listen-fd",
            "the Docker container at 172.17.0.2:80",
        ),
        (
            "docker-proxy",
            "docker-proxy -proto tcp -host-ip :: -host-port 80 -container-ip fd00::2"
            " -container-port 80",
            "the Docker container at [fd00::2]:80",
        ),
        ("docker-proxy", "", "a Docker container"),
        ("rootlessport", "rootlessport", "a rootless container (podman)"),
        ("rootlessport-ch", "rootlessport-child", "a rootless container (podman)"),
        (
            "pasta.avx2",
            "/usr/bin/pasta.avx2 --config-net -t 8080-8080:80-80",
            "a rootless container's",
        ),
        ("slirp4netns", "slirp4netns -c 1 tap0", "a rootless container's network"),
        (
            "systemd-socket-",
            "/usr/lib/systemd/systemd-socket-proxyd 127.0.0.1:8081",
            "what socket activation forwards to: 127.0.0.1:8081",
        ),
        ("nginx", "nginx: master process", None),
        ("docker-prox", "docker-proxy -container-ip 1", None),
    ],
)
def test_forwarders(name: str, command: str, behind: str | None) -> None:
    found = behind_of(name, command)
    assert (found is None) if behind is None else (found or "").startswith(behind)


def test_the_docker_proxy_of_a_port_is_told_by_its_own_options() -> None:
    command = "/usr/bin/docker-proxy -proto tcp -host-ip 0.0.0.0 -host-port 8080 -container-ip x"
    assert publishes(command, "tcp", 8080)
    assert not publishes(command, "udp", 8080)
    assert not publishes(command, "tcp", 80)
    assert not publishes("sh -c docker-proxy -host-port 8080", "tcp", 8080)
    assert not publishes("", "tcp", 8080)


ID = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("path", "home"),
    [
        ("/system.slice/nginx.service", Home("nginx.service")),
        ("/system.slice/ssh.socket", Home("ssh.socket")),
        ("/init.scope", Home("init.scope")),
        ("/system.slice/system-getty.slice/getty@tty1.service", Home("getty@tty1.service")),
        (f"/system.slice/docker-{ID}.scope", Home(None, "0123456789ab (docker)")),
        (f"/docker/{ID}", Home(None, "0123456789ab (docker)")),
        (
            f"/machine.slice/libpod-{ID}.scope/container",
            Home(None, "0123456789ab (podman)"),
        ),
        (
            "/user.slice/user-1000.slice/user@1000.service/app.slice/dev.service",
            Home("dev.service"),
        ),
        ("/user.slice/user-1000.slice/session-3.scope", Home("session-3.scope")),
        ("/user.slice/user-1000.slice/user@1000.service/init.scope", Home("user@1000.service")),
        ("/", Home()),
        ("", Home()),
    ],
)
def test_the_home_of_a_cgroup_path(path: str, home: Home) -> None:
    assert home_of(path) == home
