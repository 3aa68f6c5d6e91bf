"""The pictures of the README: the running dashboard in a world of the lab, with real faults.

    python scripts/screenshots.py [SCENE…]

Each scene builds the office of the lab, starts the dashboard there as an unprivileged user, lets
it watch while all is well, breaks something, and takes its pictures, wide and narrow, on a dark
and a light ground: SVG by Textual, PNG by Chromium (left out where there is none).
Nothing leaves the machine: the dashboard sees only the lab's networks, and Chromium gets a network
of its own with nothing in it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT))

from tests.lab.entries import Step  # noqa: E402
from tests.lab.nodes import PATH, environment  # noqa: E402
from tests.lab.session import run_step, serve_step  # noqa: E402
from tests.lab.worlds import ADDRESSES, World, new_folder  # noqa: E402

OUTPUT = PROJECT / "screenshots"
INSIDE = Path(__file__).with_name("screenshot_inside.py")
HOSTNAME = "web-03"


DARK, LIGHT = "textual-dark", "textual-light"


@dataclass(frozen=True)
class Shot:
    """One picture: its name, columns and rows, and the theme."""

    name: str
    columns: int
    rows: int
    theme: str = DARK


def shots(name: str, rows: int = 36, *, wide: bool = True) -> tuple[Shot, ...]:
    """A view in the middle and narrow size, dark and light, and wide."""
    found = [
        Shot(name, 120, rows),
        Shot(f"{name}-light", 120, rows, LIGHT),
        Shot(f"{name}-narrow", 80, 24),
        Shot(f"{name}-narrow-light", 80, 24, LIGHT),
    ]
    return (*found, Shot(f"{name}-wide", 200, 50)) if wide else tuple(found)


@dataclass(frozen=True)
class Scene:
    """Pictures of one moment.  `breaks` are done after `well_s` seconds, the first at `at_s`."""

    name: str
    shots: tuple[Shot, ...]
    targets: tuple[str, ...] = ()
    serve: tuple[str, ...] = ()
    run: tuple[str, ...] = ()  # programs of the same user on the client
    breaks: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    well_s: float = 14.0
    at_s: float = 30.0


_OFFICE = (
    "db.example.com:5432",
    "server.example.com:8080",
    "www.example.com:80",
    "printer.example.com:9100",
    "pair.example.com:22",
    "{server}:22",
    "post.example.com:25",
    "udp://{server}:7",
)

SCENES = (
    Scene(
        "dashboard", shots("dashboard"), _OFFICE,
        breaks=("router2: firewall forward tcp dport 5432 reject with icmp type admin-prohibited",
                "server: firewall input tcp dport 8080 drop"),
    ),
    Scene(
        "root-cause", shots("root-cause", wide=False),
        ("db.example.com:5432", "server.example.com:80", "www.example.com:80", "{server}:22",
         "{printer}:9100"),
        breaks=("resolver: firewall input meta l4proto { tcp, udp } th dport 53 drop",),
        at_s=44.0,
    ),
    Scene(
        "this-machine", shots("this-machine", wide=False),
        breaks=("router1: ip addr del {gateway}/24 dev lan",), at_s=34.0,
    ),
    Scene(
        "ports", shots("ports", 30), ("127.0.0.1:5432",),
        serve=("client: tcp:22 tcp:127.0.0.1:5432 udp-echo:5353 tcp6:8080",),
        run=("/usr/bin/python3 -m http.server --bind 0.0.0.0 8080",
             "/usr/bin/python3 -m http.server --bind 127.0.0.1 9090"),
        keys=("2", "G", "k", "k"), well_s=0.0, at_s=6.0,
    ),
    Scene(
        "help", (Shot("help", 100, 36), Shot("help-light", 100, 36, LIGHT)), ("{server}:22",),
        keys=("question_mark",), well_s=0.0, at_s=5.0,
    ),
)  # fmt: skip


def _filled(text: str) -> str:
    for name, address in ADDRESSES.items():
        text = text.replace("{" + name + "}", address)
    return text


def _step(text: str) -> Step:
    node, _, command = _filled(text).partition(": ")
    return Step(node, command)


def play(scene: Scene) -> list[Path]:
    """Plays one scene and returns the SVGs."""
    world = World(new_folder())
    try:
        world.build()
        world.allow_ping()
        for text in scene.serve:
            serve_step(world, _step(text))
        for text in scene.run:
            world.client.start(*text.split(), unprivileged=True)
        drawn = [world.folder / f"{shot.name}.svg" for shot in scene.shots]
        for picture in drawn:
            picture.touch()
            picture.chmod(0o666)
        process = _start(world, scene)
        time.sleep(scene.well_s)
        for text in scene.breaks:
            run_step(world, _step(text))
        said, _ = process.communicate(timeout=scene.at_s + 60)
        if process.returncode != 0:
            raise SystemExit(f"{scene.name}: {said}")
        return [_kept(picture) for picture in drawn]
    finally:
        world.remove()


def _kept(picture: Path) -> Path:
    """The picture among those of the project, without what belongs to this machine only."""
    drawn = _without_fonts_from_the_network(picture.read_text())
    if str(PROJECT) in drawn.replace("&#160;", " "):
        raise SystemExit(f"{picture.stem}: a folder of this machine is in the picture")
    result = OUTPUT / picture.name
    result.write_text(drawn)
    return result


def _start(world: World, scene: Scene) -> subprocess.Popen[str]:
    client = world.client
    unprivileged = client.enter_unprivileged[len(client.enter) :]
    named = ("unshare", "--uts", "sh", "-c", f'hostname {HOSTNAME}; exec "$@"', "sh")
    taken = (f"{shot.name}:{shot.columns}:{shot.rows}:{shot.theme}" for shot in scene.shots)
    command = (
        sys.executable, str(INSIDE), str(world.folder), ",".join(taken), str(scene.at_s),
        ",".join(scene.keys), *map(_filled, scene.targets),
    )  # fmt: skip
    return subprocess.Popen(
        (*client.enter, *named, *unprivileged, *command), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**environment(), "TERM": "xterm-256color", "COLORTERM": "truecolor"},
    )  # fmt: skip


def _without_fonts_from_the_network(svg: str) -> str:
    """A picture must not make its reader's machine fetch something."""
    svg = re.sub(r"@font-face\s*\{.*?\}", "", svg, flags=re.DOTALL)
    return svg.replace("Fira Code", "DejaVu Sans Mono, Fira Code")


def draw(svg: Path) -> Path | None:
    """The PNG of an SVG; None where there is no Chromium."""
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    size = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg.read_text())
    if browser is None or size is None:
        return None
    width, height = (round(float(number)) for number in size.groups())
    png = svg.with_suffix(".png")
    with tempfile.TemporaryDirectory(prefix="netwhy-pictures-") as folder:
        page = Path(folder, "page.html")
        page.write_text(
            f'<body style="margin:0;background:#000"><img src="{svg.as_uri()}" width="{width}">'
        )
        alone = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "-r", "--net"]
        command = [
            *alone, browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
            "--no-first-run", "--disable-background-networking", "--disable-component-update",
            "--disable-sync", "--hide-scrollbars", f"--user-data-dir={folder}/profile",
            f"--window-size={width},{height}", f"--screenshot={png}", page.as_uri(),
        ]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True, timeout=120)
    return png


def main(wanted: list[str]) -> None:
    os.environ["PATH"] = PATH
    OUTPUT.mkdir(exist_ok=True)
    if unknown := set(wanted) - {scene.name for scene in SCENES}:
        raise SystemExit(f"no scene is called {', '.join(sorted(unknown))}")
    for scene in SCENES:
        if not wanted or scene.name in wanted:
            for svg in play(scene):
                png = draw(svg)
                print(svg.relative_to(PROJECT), "" if png is None else png.relative_to(PROJECT))
    if not wanted:
        shown = {shot.name for scene in SCENES for shot in scene.shots}
        for old in OUTPUT.iterdir():
            if old.stem not in shown:
                old.unlink()


if __name__ == "__main__":
    main(sys.argv[1:])
