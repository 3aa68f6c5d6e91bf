"""Themes: measured on the screen, chosen by key, by name and by the terminal."""

from __future__ import annotations

import re
from itertools import combinations, product

import pytest
from rich._palettes import EIGHT_BIT_PALETTE
from rich.color import Color, ColorSystem, ColorType
from rich.segment import Segment
from tests.net.servers import eventually
from tests.tui.test_goldens import broken
from tests.tui.world import World, refused, until, works
from textual.geometry import Region

from netwhy.core import settings
from netwhy.core.model import Verdict
from netwhy.output.layout import Page
from netwhy.tui.app import NetwhyApp
from netwhy.tui.look import glyph, word
from netwhy.tui.themes import OWN, THEMES, first_theme, terminal_theme

pytestmark = pytest.mark.tui

Rgb = tuple[float, float, float]

#: The sixteen colours and the default pair (text, ground) of two palettes, as xterm's sources and
#: the PC's VGA have them.
XTERM = (
    "000000 cd0000 00cd00 cdcd00 0000ee cd00cd 00cdcd e5e5e5 "
    "7f7f7f ff0000 00ff00 ffff00 5c5cff ff00ff 00ffff ffffff"
)
VGA = (
    "000000 aa0000 00aa00 aa5500 0000aa aa00aa 00aaaa aaaaaa "
    "555555 ff5555 55ff55 ffff55 5555ff ff55ff 55ffff ffffff"
)


def rgb(text: str) -> Rgb:
    return tuple(int(text[n : n + 2], 16) / 255 for n in (0, 2, 4))  # type: ignore[return-value]


def luminance(color: Rgb) -> float:
    """Relative luminance (WCAG 2.2)."""
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in color)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Rgb, other: Rgb) -> float:
    """Contrast ratio (WCAG 2.2), 1 to 21."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


RACK = "textual-toastrack"


def drawn(app: NetwhyApp) -> list[Segment]:
    """The pieces of the screen; of a dialog only itself, since what is behind it is dimmed."""
    strips = app.screen._compositor.render_strips()
    if app.screen.is_modal:
        # The dialog and the keys below it are two boxes.
        parts = [[w, *w.walk_children()] for w in app.screen.children if w.id != RACK]
        seen = [[w.region for w in part if w.region] for part in parts]
        boxes = [Region.from_union(regions) for regions in seen if regions]
        strips = [s.crop(b.x, b.right) for b in boxes for s in strips[b.y : b.bottom]]
    return [segment for strip in strips for segment in strip if segment.style]


def shown_color(color: Color | None, palette: str, default: str, *, eight_bit: bool) -> Rgb:
    if color is None or color.type is ColorType.DEFAULT:
        return rgb(default)
    if eight_bit and color.type is ColorType.TRUECOLOR:
        number = color.downgrade(ColorSystem.EIGHT_BIT).number
        assert number is not None and number >= 16
        triplet = EIGHT_BIT_PALETTE[number]
        return tuple(part / 255 for part in triplet)  # type: ignore[return-value]
    if color.triplet is not None:
        return tuple(part / 255 for part in color.triplet)  # type: ignore[return-value]
    assert color.number is not None and color.number < 16
    return rgb(palette.split()[color.number])


#: Lines and blocks that carry no text: borders, scroll bars, the cursor's mark.
FRAME = re.compile(r"[\s─━│┃┏┓┗┛╭╮╰╯┌┐└┘├┤▌▐▕▏▔▁▊▎█▄▀▇▆▅▃▂]*")


def faint(app: NetwhyApp, palette: str, text: str, ground: str, least: float) -> set[str]:
    """Texts on the screen that are too close to their ground, with their ratio."""
    found = set()
    assert drawn(app)
    for segment, eight_bit in product(drawn(app), (False, True)):
        style = segment.style
        assert style is not None
        front = shown_color(style.color, palette, text, eight_bit=eight_bit)
        back = shown_color(style.bgcolor, palette, ground, eight_bit=eight_bit)
        if not FRAME.fullmatch(segment.text) and contrast(front, back) < least:
            ratio = f"{contrast(front, back):.2f}"
            found.add(f"{ratio}{' in 256 colours' * eight_bit} {segment.text.strip()!r} {style}")
    return found


async def states(app: NetwhyApp, pilot: object, faults: list[str], measure: object) -> None:
    """Every surface that carries text, one after the other."""
    steps: list[tuple[str, tuple[str, ...], str]] = [
        ("list", (), "ROOT CAUSE"),
        ("second row", ("down",), ""),
        ("degraded row", ("down",), ""),
        ("ok row", ("down", "down"), ""),
        ("why", ("tab",), ""),
        ("help", ("question_mark",), "Help"),
        ("add", ("escape", "a"), "Add a target"),
        ("add, a fault", (*"a:99999", "enter"), "out of range"),
        ("palette", ("escape", "ctrl+p"), "Search"),
        ("details", ("escape", "escape", "home", "enter"), "Probes"),
        ("filter", ("escape", "slash", *"zz"), "Nothing matches"),
    ]
    for name, keys, wanted in steps:
        await pilot.press(*keys)  # type: ignore[attr-defined]
        if wanted:
            await until(pilot, wanted)  # type: ignore[arg-type]
        await pilot.pause(0.1)  # type: ignore[attr-defined]
        faults += [f"{name}: {fault}" for fault in sorted(measure())]  # type: ignore[operator]


@pytest.mark.parametrize("theme", THEMES)
async def test_every_text_stands_out_from_its_ground(theme: str) -> None:
    least = 7.0 if theme == "high-contrast" else 4.5
    own = next(t for t in OWN if t.name == theme)
    palettes = [(XTERM, "e5e5e5", "000000"), (VGA, "aaaaaa", "000000")]
    if not own.dark:
        palettes = [(XTERM, "000000", "ffffff"), (VGA, "000000", "ffffff")]
    app = World().app(theme=theme)
    faults: list[str] = []
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await until(pilot, "No targets.")
        app.frozen = True
        app.refresh_views(broken())
        app.say("A message.", "information")
        app.say("A warning.", "warning")
        app.say("An error.", "error")
        await until(pilot, "A warning.")

        def measure() -> set[str]:
            return {f for p, text, back in palettes for f in faint(app, p, text, back, least)}

        await states(app, pilot, faults, measure)
    assert faults == [], "\n".join(faults)


#: Linear RGB as people see it who lack one kind of cone (Machado, Oliveira, Fernandes 2009).
VISIONS = {
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}


def lab(linear: tuple[float, ...]) -> tuple[float, float, float]:
    """CIELAB of linear sRGB, D65."""
    red, green, blue = (min(1.0, max(0.0, part)) for part in linear)
    x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.95047
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.08883
    fx, fy, fz = (c ** (1 / 3) if c > 0.008856 else 7.787 * c + 16 / 116 for c in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def apart(one: str, other: str, vision: str) -> float:
    """How far two colours are from each other for these eyes (CIE76; 2.3 is just noticed)."""
    seen = []
    for color in (one, other):
        linear = [luminance((c, c, c)) for c in rgb(color.removeprefix("#"))]
        seen.append(
            lab(tuple(sum(a * b for a, b in zip(r, linear, strict=True)) for r in VISIONS[vision]))
        )
    return float(sum((a - b) ** 2 for a, b in zip(*seen, strict=True)) ** 0.5)


@pytest.mark.parametrize("vision", VISIONS)
def test_the_states_differ_for_every_kind_of_colour_vision(vision: str) -> None:
    theme = next(t for t in OWN if t.name == "colour-blind")
    states = (theme.error, theme.warning, theme.success, theme.primary)
    for one, other in combinations(states, 2):
        assert one and other and apart(one, other, vision) > 15, (one, other)


def test_state_is_never_told_by_colour_alone() -> None:
    for ascii_only in (False, True):
        page = Page(ascii=ascii_only)
        verdicts = [*Verdict, None]
        assert len({word(v) for v in verdicts}) == len(verdicts)
        assert len({glyph(v, page) for v in Verdict}) == len(Verdict)


def test_the_themes_are_those_that_are_documented() -> None:
    assert list(settings.THEMES) == ["auto", *THEMES]


async def test_t_goes_through_all_and_says_each() -> None:
    app = World(refused("db.example:5432")).app(theme="dark")
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await until(pilot, "1 failing")
        seen = []
        for _ in THEMES:
            await pilot.press("t")
            seen.append(app.theme)
            words = settings.THEMES[app.theme].split(",")[0][:30]
            await until(pilot, f"Theme {app.theme}: {words}")
        assert seen == [*THEMES[1:], THEMES[0]]


@pytest.mark.parametrize(
    ("wanted", "light", "colorfgbg", "theme"),
    [
        (None, None, "", "dark"),
        (None, True, "15;0", "light"),  # what the terminal says counts more than the variable
        ("auto", False, "0;15", "dark"),
        ("auto", None, "0;15", "light"),
        ("light", False, "", "light"),
        ("terminal", True, "", "terminal"),
    ],
)
def test_the_first_theme(
    wanted: str | None, light: bool | None, colorfgbg: str, theme: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("COLORFGBG", colorfgbg)
    assert first_theme(wanted, light) == theme


@pytest.mark.parametrize(
    ("colorfgbg", "theme"),
    [
        ("", "dark"),
        ("15;0", "dark"),
        ("0;15", "light"),
        ("0;default;7", "light"),
        ("7;8", "dark"),
        ("junk", "dark"),
    ],
)
def test_colorfgbg(colorfgbg: str, theme: str) -> None:
    assert terminal_theme(colorfgbg) == theme


async def test_an_unknown_theme_is_told_and_replaced() -> None:
    async with works_app(theme="drak").run_test(size=(120, 40), notifications=True) as pilot:
        await until(pilot, "There is no theme 'drak'; there are auto, dark, light")
        assert pilot.app.theme == "dark"


async def test_a_ground_told_late_changes_only_what_follows_it() -> None:
    for theme, after in ((None, "light"), ("auto", "light"), ("colour-blind", "colour-blind")):
        async with works_app(theme=theme).run_test(size=(100, 30)) as pilot:
            await until(pilot, "1 ok")
            pilot.app.found_ground(True)  # type: ignore[attr-defined]
            await eventually(lambda: pilot.app.ground is True)  # type: ignore[attr-defined]
            assert pilot.app.theme == after


def works_app(**options: object) -> NetwhyApp:
    return World(works("web.example:80")).app(**options)  # type: ignore[arg-type]


async def test_without_colour_t_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with works_app().run_test(size=(100, 30), notifications=True) as pilot:
        await until(pilot, "1 ok")
        await pilot.press("t")
        await until(pilot, "NO_COLOR is set")


async def test_an_empty_no_color_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "")
    app = works_app(theme="dark")
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, "1 ok")
        assert any(s.style is not None and s.style.color for s in drawn(app))


async def test_without_colour_the_choice_in_the_palette_is_underlined(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = works_app()
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, "1 ok")
        await pilot.press("ctrl+p")
        await until(pilot, "Search for commands", "Back")
        await pilot.press("down")

        def marked() -> set[str]:
            return {s.text.strip() for s in drawn(app) if s.style and s.style.underline}

        await eventually(lambda: "Back" in marked())
        assert "Add" not in marked()
