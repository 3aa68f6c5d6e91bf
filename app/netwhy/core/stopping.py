"""What would have to end so that a port becomes free, what is lost with it, and what must not.

Pure: the holders and their surroundings in, a plan out.  The same plan is shown and carried out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from netwhy.core.observations import Owner, Socket, endpoint

#: Programs that keep data: ended only by who says their name.
_DATABASES = (
    "postgres", "mysqld", "mariadbd", "mongod", "mongos", "redis-server", "valkey-server", "etcd",
    "memcached", "clickhouse", "influxd", "cockroach", "cassandra", "beam.smp", "oracle", "tnslsnr",
    "sqlservr", "rabbitmq", "nfsd", "slapd", "elasticsearch", "opensearch",
)  # fmt: skip
#: Who holds the ports of Docker's containers: a proxy each, or the daemon where there are none.
FORWARDS_FOR_DOCKER = ("docker-proxy", "dockerd")
_RUNTIMES = {"docker": "docker", "podman": "podman", "containerd": "nerdctl"}
_NAMED = 6  # so many names of a kind are written out


@dataclass(frozen=True, slots=True)
class Unit:
    """A systemd unit as its manager tells of it: the command that reaches it, its main process."""

    systemctl: tuple[str, ...]
    main_pid: int


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the plan must know beside the sockets.

    `ancestors` are this process and those above it; `children` maps a pid to the processes below
    it; `published` is the id of the container for which docker-proxy holds the port; `tools` are
    the commands that can be run here; `home` is the container that this process lives in.
    """

    pid: int
    ancestors: frozenset[int] = frozenset()
    ssh_port: int | None = None
    units: Mapping[str, Unit] = field(default_factory=dict)
    children: Mapping[int, Sequence[tuple[int, str]]] = field(default_factory=dict)
    published: str | None = None
    tools: frozenset[str] = frozenset()
    home: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do: a command to run, or a process to signal (`pid`).

    `word` is what must be typed before it happens, None where yes is enough.
    """

    what: str
    command: tuple[str, ...] = ()
    pid: int | None = None
    word: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done to free a port, what that costs, and why it is not done (`refusals`)."""

    port: int
    transport: str
    listeners: tuple[Socket, ...]
    steps: tuple[Step, ...] = ()
    losses: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()

    @property
    def pids(self) -> frozenset[int]:
        """Every process that holds the port now."""
        return frozenset(o.pid for s in self.listeners for o in s.owners if o.pid is not None)

    @property
    def words(self) -> tuple[str, ...]:
        """What must be typed before anything happens; empty where yes is enough."""
        return tuple(dict.fromkeys(step.word for step in self.steps if step.word))

    @property
    def needs_privilege(self) -> bool:
        """Is a holder unseen for want of privilege only?"""
        owners = [o for s in self.listeners for o in s.owners]
        return any(o.pid is None and o.hidden.startswith("sudo") for o in owners)

    @property
    def spelled(self) -> str:
        """The port as `--stop` takes it."""
        return f"{self.port}/udp" if self.transport == "udp" else str(self.port)


def plan(port: int, transport: str, sockets: Sequence[Socket], around: Surroundings) -> Plan:
    """The plan for exactly that port: its listeners only, never a client whose source port it is.

    `sockets` are all listeners of this machine, with owners and connections.
    """
    listeners = tuple(
        s for s in sockets if s.port == port and s.transport == transport and s.listening
    )
    owners = _distinct(o for s in listeners for o in (s.owners or (Owner(uid=s.uid),)))
    refusals = tuple(r for o in owners if (r := _refusal(o, port, transport, around)))
    steps = () if refusals else _steps(owners, around)
    return Plan(
        port, transport, listeners, steps, _losses(listeners, sockets, steps, around), refusals
    )


def _distinct(owners: Iterable[Owner]) -> tuple[Owner, ...]:
    return tuple({(o.pid, o.unit, o.container, o.uid): o for o in owners}.values())


def _refusal(owner: Owner, port: int, transport: str, around: Surroundings) -> str | None:
    """Why this holder is not ended; None where it may be."""
    if transport == "tcp" and port == around.ssh_port:
        # Whatever its name: sshd, dropbear, or the service manager that holds ssh.socket.
        return f"{owner.label} is the SSH server of this session: nobody could log in again"
    if owner.pid is None:
        return _unreachable(owner, around)
    if _is_manager(owner) and not _socket_unit(owner, around):
        return _manager_refusal(owner, port)
    if owner.pid == around.pid:
        return "netwhy itself holds it"
    if owner.pid in around.ancestors and owner.pid != 1:
        return f"{owner.label} is above this very command: to end it would end this session"
    if owner.name == "docker-proxy" and _container(owner, around) is None:
        return (
            f"{owner.label} only forwards the port to {owner.behind or 'a container'}; stop that:"
            f" docker ps --filter publish={port}/{transport}"
        )
    if owner.name == "dockerd" and _container(owner, around) is None:
        return (
            f"{owner.label} may hold it for a container, and all containers would end with it:"
            f" docker ps --filter publish={port}/{transport}"
        )
    if owner.behind and owner.name != "docker-proxy":
        return f"{owner.label} holds it for {owner.behind}; stop that instead: podman ps"
    return _unstoppable_container(owner, around)


def _is_manager(owner: Owner) -> bool:
    """The system's or a user's service manager: it holds ports for socket units."""
    return owner.pid == 1 or owner.name == "systemd"


def _manager_refusal(owner: Owner, port: int) -> str:
    who, ends = ("pid 1", "this system") if owner.pid == 1 else (owner.label, "a user's session")
    user = "" if owner.pid == 1 else " --user"
    return (
        f"{who} holds it: ending that would end {ends}.  It may hold the port for a socket unit:"
        f" systemctl{user} list-sockets | grep {port}"
    )


def _unreachable(owner: Owner, around: Surroundings) -> str | None:
    if _container(owner, around) or owner.unit in around.units:
        return None  # the owner can be addressed without seeing its process
    return f"{owner.label}: {owner.hidden or 'its process cannot be seen'}"


def _unstoppable_container(owner: Owner, around: Surroundings) -> str | None:
    if not owner.container or owner.container == around.home or _container(owner, around):
        return None
    name, _, runtime = owner.container.partition(" (")
    if runtime.startswith("kubernetes"):
        return (
            f"{owner.label} runs in {owner.container}: Kubernetes would start it again.  Scale"
            " down or delete what owns the pod: kubectl get pods -A -o wide"
        )
    tool = _RUNTIMES.get(runtime.rstrip(")"))
    advice = f": {tool} stop {name}" if tool else ""
    return f"{owner.label} runs in container {owner.container}, which is what to stop{advice}"


def _steps(owners: Sequence[Owner], around: Surroundings) -> tuple[Step, ...]:
    """Units and containers by their own commands, everything else by its topmost processes."""
    steps: dict[tuple[str, ...], Step] = {}
    rest: list[Owner] = []
    for owner in owners:
        container, unit = _container(owner, around), _acting_unit(owner, owners, around)
        if container:
            steps[container] = Step(f"stop container {container[-1]}", container, word=_word(owner))
        elif unit:
            command = (*around.units[unit].systemctl, "stop", unit)
            steps[command] = Step(f"stop {unit}", command, word=_word(owner))
        else:
            rest.append(owner)
    # A socket unit goes first: its service could be started again by the next client.
    found = sorted(steps.values(), key=lambda step: not step.what.endswith(".socket"))
    pids = {o.pid for o in rest}
    for owner in rest:
        if owner.pid is not None and not pids & {pid for pid, _name in owner.parents}:
            label = owner.label + (f" of user {owner.user}" if owner.user else "")
            found.append(Step(f"end {label}", pid=owner.pid, word=_word(owner)))
    return tuple(found)


def _word(owner: Owner) -> str | None:
    """What must be typed to end it: root's processes and databases are not ended by a y."""
    name = owner.name or owner.unit or ""
    grave = owner.uid == 0 or any(name.startswith(d) for d in _DATABASES)
    return (name or "root") if grave else None


def _container(owner: Owner, around: Surroundings) -> tuple[str, ...] | None:
    """The command that stops the owner's container; None where there is none to be run."""
    if owner.name in FORWARDS_FOR_DOCKER:
        if around.published and "docker" in around.tools:
            return ("docker", "stop", around.published)
        return None
    if not owner.container or owner.container == around.home:
        return None
    name, _, runtime = owner.container.partition(" (")
    tool = _RUNTIMES.get(runtime.rstrip(")"))
    return (tool, "stop", name) if tool and tool in around.tools else None


def _acting_unit(owner: Owner, owners: Sequence[Owner], around: Surroundings) -> str | None:
    """The unit whose business this holder is.

    A job of cron and a program that was started from a daemon live in its service too: so the
    unit's main process must be a holder, or a parent of the same name.
    """
    unit = owner.unit
    if unit is None or unit not in around.units:
        return None
    if unit.endswith(".socket"):
        return unit
    main = around.units[unit].main_pid
    if owner.pid is None or main in {o.pid for o in owners}:
        return unit
    return unit if (main, owner.name) in owner.parents else None


def _socket_unit(owner: Owner, around: Surroundings) -> bool:
    return bool(owner.unit and owner.unit.endswith(".socket") and owner.unit in around.units)


def _losses(
    listeners: Sequence[Socket],
    sockets: Sequence[Socket],
    steps: Sequence[Step],
    around: Surroundings,
) -> tuple[str, ...]:
    """What else ends: clients, other ports of the same processes, their children."""
    said: list[str] = []
    clients = {(s.address, s.port): s.connections or 0 for s in listeners}
    number = sum(clients.values())
    if number:
        said.append(f"{number} connected client" + "s" * (number != 1))
    pids = {o.pid for s in listeners for o in s.owners if o.pid is not None}
    beside = sorted(
        (s for s in sockets if s.listening and s not in listeners),
        key=lambda s: (s.port, s.transport, s.address.version, s.address),
    )
    others = [
        f"{s.transport} {endpoint(s.address, s.port)}"
        for s in beside
        if pids & {o.pid for o in s.owners}
    ]
    if others:
        said.append("other ports of the same processes: " + _listed(others))
    below: dict[int, str] = {}
    waiting = [step.pid for step in steps if step.pid is not None]
    while waiting:
        for pid, name in around.children.get(waiting.pop(), ()):
            if pid not in below:
                below[pid] = name
                waiting.append(pid)
    if below:
        said.append("processes below: " + _listed([f"{n} (pid {p})" for p, n in below.items()]))
    return tuple(said)


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
