"""One entry in one world: inject, prove, ask netwhy, compare."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.lab.entries import Entry, Step
from tests.lab.inside.speakers import KINDS as SPEAKERS
from tests.lab.nodes import LabError, Node
from tests.lab.worlds import INSIDE, TRUSTED, World, wait_ready

#: Longest that a check may take before it is ended.
PATIENCE_S = 40.0

#: What the client trusts: the authority of the lab and nobody else.
TRUST = {"SSL_CERT_FILE": f"/etc/{TRUSTED}"}

#: The interfaces of a router towards the client and away from it.
_SIDES = {"router1": ("lan", "wan"), "router2": ("wan", "dmz")}


@dataclass
class Answer:
    """What came of one entry: the document of netwhy, and everything that is wrong with it."""

    entry: Entry
    document: dict[str, Any] = field(default_factory=dict)
    exit: int = -1
    wall_ms: float = 0.0
    cause_right: bool = False
    verdict_right: bool = False
    false_alarm: bool = False
    wrong: list[str] = field(default_factory=list)


def netwhy_command() -> list[str]:
    """The installed command beside this Python, else the module."""
    script = Path(sys.executable).with_name("netwhy")
    return [str(script)] if script.exists() else [sys.executable, "-m", "netwhy"]


def confined(entry: Entry) -> tuple[str, ...]:
    """What starts a program of this entry under the policy that confines it."""
    if not entry.sandbox:
        return ()
    return (sys.executable, str(INSIDE / "sandbox.py"), *entry.sandbox, "--")


def inject(world: World, entry: Entry) -> None:
    """Makes the fault.  Raises LabError."""
    if entry.ping:
        world.allow_ping()
    for step in entry.inject:
        run_step(world, step)
    for step in entry.serve:
        serve_step(world, step)
    for name, text in entry.files.items():
        path = world.client.etc / name
        path.unlink()
        if text.startswith("LINK "):
            path.symlink_to(text.removeprefix("LINK "))
        elif text != "MISSING":
            path.write_text(text)


def run_step(world: World, step: Step) -> None:
    """Does one step of `inject`.  Raises LabError."""
    verb, _, rest = step.command.partition(" ")
    node = world.nodes[step.node]
    if verb == "firewall":
        chain, _, rule = rest.partition(" ")
        node.run("nft", "add", "rule", "inet", "lab", chain, rule)
    elif verb == "nft":
        node.run("nft", rest)
    elif verb == "meet":
        node.run(sys.executable, str(INSIDE / "symptom.py"), f"neighbour {rest} = answers")
    elif verb == "relay":
        wait_ready(
            node.start(sys.executable, str(INSIDE / "relay.py"), *_SIDES[step.node], *rest.split())
        )
    elif verb == "set":
        name, _, value = rest.partition(" ")
        node.set({name: value})
    else:
        node.run(*step.command.split())


def serve_step(world: World, step: Step) -> None:
    """Starts one service of `serve`, on a node or on a node "as nobody".  Raises LabError."""
    node, _, who = step.node.partition(" as ")
    program, *words = step.command.split()
    if program in ("nameserver", "dnsmasq", "unbound"):
        return name_server_step(world.nodes[node], program, words)
    service = (sys.executable, *_program(world, step.command.split()))
    wait_ready(world.nodes[node].start(*service, unprivileged=bool(who)))


def name_server_step(node: Node, program: str, words: list[str]) -> None:
    """Starts a resolver: our own, or a real one.  Raises LabError."""
    if program == "nameserver":
        wait_ready(node.start(sys.executable, str(INSIDE / "nameserver.py"), *words))
    elif program == "dnsmasq":
        plain = ("-C", "/dev/null", "--bind-interfaces", "--no-resolv", "--no-hosts")
        # Debug mode (-d) does one thing at a time: a question over TCP to a dead upstream would
        # stop it altogether.  Only root can do without.
        mode = ("-d",) if node.in_user_namespace else ("-k", "-u", "root", "--pid-file")
        node.start("dnsmasq", *mode, *plain, *words)
    else:
        zones = INSIDE / "zones"
        config = node.folder / f"unbound-{words[0]}.conf"
        text = (zones / f"unbound-{words[0]}.conf").read_text()
        config.write_text(text.replace("@ZONES@", str(zones)))
        node.start("unbound", "-d", "-p", "-c", str(config))


def _program(world: World, specs: list[str]) -> tuple[str, ...]:
    """Services that speak have a program of their own, which needs the certificates."""
    if specs[0].partition(":")[0] in SPEAKERS:
        return (str(INSIDE / "speakers.py"), str(world.certificates), *specs)
    return (str(INSIDE / "services.py"), *specs)


def prove(world: World, entry: Entry) -> None:
    """Sees with bare sockets that the fault is there.  Raises LabError with what is not so."""
    if not entry.symptom:
        return
    command = (*confined(entry), sys.executable, str(INSIDE / "symptom.py"), *entry.symptom)
    for _ in range(3):
        done = world.client.run_unprivileged(command, timeout=PATIENCE_S, env=TRUST)
        if done.returncode == 0:
            break
        # Links that were just put back may still be coming up, and packets of the entry before may
        # have told the kernel of a neighbour that is gone now.
        time.sleep(0.5)
        world.forget_neighbours()
    else:
        raise LabError(f"the fault is not there: {(done.stdout + done.stderr).strip()}")
    world.forget_neighbours()


def ask(world: World, entry: Entry) -> Answer:
    """Runs `netwhy check` as an unprivileged user on the client."""
    limit = ["prlimit", f"--{entry.limit}", "--"] if entry.limit else []
    program = [*limit, *confined(entry), *netwhy_command()]
    command = [*program, "check", "--format", "json", *entry.targets]
    started = time.monotonic()
    done = world.client.run_unprivileged(
        command, timeout=PATIENCE_S, env={**TRUST, **entry.environment}
    )
    answer = Answer(entry, exit=done.returncode, wall_ms=(time.monotonic() - started) * 1000)
    try:
        answer.document = json.loads(done.stdout)
    except ValueError:
        answer.wrong.append(f"no JSON; exit {done.returncode}: {done.stdout[-500:]}{done.stderr}")
        return answer
    if done.stderr.strip():
        answer.wrong.append(f"said on standard error: {done.stderr.strip()[:500]}")
    _compare(answer)
    return answer


def _compare(answer: Answer) -> None:
    expect, document = answer.entry.expect, answer.document
    wrong = answer.wrong
    verdict = document["verdict"]
    answer.verdict_right = verdict in expect.verdicts
    if not answer.verdict_right:
        wrong.append(f"verdict {verdict}, not {' or '.join(expect.verdicts)}")
    if answer.exit != expect.exit:
        wrong.append(f"exit {answer.exit}, not {expect.exit}")
    if answer.wall_ms > expect.within_s * 1000:
        wrong.append(f"took {answer.wall_ms / 1000:.1f} s, more than {expect.within_s} s")
    if expect.roots is not None:
        roots = [root["cause"] for root in document["root_causes"]]
        if roots != list(expect.roots):
            wrong.append(f"root causes {roots}, not {list(expect.roots)}")
    found = {f["cause"] for target in document["targets"] for f in target["findings"]}
    wrong += [f"{cause} is not among the findings" for cause in expect.also if cause not in found]
    wrong += _untold(answer)
    targets = {target["target"]: target for target in document["targets"]}
    if missing := set(expect.each) - set(targets):
        wrong.append(f"no word of {', '.join(sorted(missing))}")
    right = []
    for name, target in targets.items():
        cause = expect.each.get(name, expect.cause)
        if cause is None or cause == "ok":
            right.append(_compare_healthy(answer, target))
        else:
            right.append(_compare_finding(answer, name, cause, target["findings"]))
    answer.cause_right = any(right) if expect.others else all(right)


def _compare_healthy(answer: Answer, target: dict[str, Any]) -> bool:
    failures = [f for f in target["findings"] if f["severity"] == "failure"]
    allowed = answer.entry.expect.allowed
    warnings = [
        f for f in target["findings"] if f["severity"] == "warning" and f["cause"] not in allowed
    ]
    answer.false_alarm |= bool(failures)
    answer.wrong += [f"false {f['severity']}: {told(f)}" for f in failures + warnings]
    return not failures


def _compare_finding(answer: Answer, name: str, cause: str, findings: list[dict[str, Any]]) -> bool:
    expect, wrong = answer.entry.expect, answer.wrong
    if not findings:
        wrong.append(f"{name}: no finding at all, not {cause}")
        return False
    first = findings[0]
    rivals = {rival["cause"] for rival in first["alternatives"]}
    if first["cause"] in expect.others:
        return False
    if first["cause"] in expect.or_rival_of and cause in rivals:
        return True
    if first["cause"] != cause:
        wrong.append(f"{name}: {told(first)}, not {cause}")
        return False
    evidence = expect.evidence if cause == expect.cause else ()
    wrong += _missing_words(first, evidence)
    wrong += [f"{rival} is not named as a rival" for rival in expect.rivals if rival not in rivals]
    return True


def _untold(answer: Answer) -> list[str]:
    """What further findings lack: one of each cause must have all its words."""
    wrong: list[str] = []
    for cause, words in answer.entry.expect.told.items():
        every = (f for target in answer.document["targets"] for f in target["findings"])
        lacks = [_missing_words(f, words) for f in every if f["cause"] == cause]
        wrong += min(lacks, key=len, default=[f"{cause} is not among the findings"])
    return wrong


def _missing_words(finding: dict[str, Any], words: Sequence[str]) -> list[str]:
    said = "\n".join([finding["title"], finding["subject"], *finding["evidence"]])
    return [f"no word of {word!r} in {told(finding)}" for word in words if not _says(said, word)]


def _says(text: str, word: str) -> bool:
    """Is the word there, and not merely as the beginning of a longer address or number?"""
    return re.search(rf"(?<![\w.]){re.escape(word)}(?!\w|\.\d)", text, re.IGNORECASE) is not None


def told(finding: dict[str, Any]) -> str:
    evidence = " | ".join(finding["evidence"])
    return f"{finding['cause']} ({finding['confidence']}): {finding['title']} [{evidence}]"
