# SPDX-License-Identifier: GPL-3.0-or-later
"""Draw the pictures of the guides as SVG: pictures.py DIRECTORY. Each has a light and a dark form, and follows its page."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from html import escape
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "plugins/module_utils"))
from _engine.model.container import status

_LIGHT = {
    "ground": "#ffffff",
    "text": "#1f2328",
    "small": "#57606a",
    "line": "#6e7781",
    "plain": "#f6f8fa",
    "host": "#eaeef2",
    "container": "#ddf4ff",
    "good": "#dafbe1",
    "arrow": "#0969da",
    "back": "#9a6700",
}
_DARK = {
    "ground": "#131416",
    "text": "#e6edf3",
    "small": "#a5adb6",
    "line": "#8b949e",
    "plain": "#1c2128",
    "host": "#22272e",
    "container": "#12324f",
    "good": "#12361f",
    "arrow": "#58a6ff",
    "back": "#d29922",
}


def _rules(colours: Mapping[str, str]) -> str:
    fills = " ".join(f".{name} {{ fill: {colours[name]} }}" for name in ("host", "container", "good"))
    return (
        f"text {{ fill: {colours['text']} }} .small {{ fill: {colours['small']} }}"
        f" rect {{ fill: {colours['plain']}; stroke: {colours['line']} }} {fills}"
        f" .ground {{ fill: {colours['ground']}; stroke: none }}"
        f" path {{ stroke: {colours['arrow']} }} polygon {{ fill: {colours['arrow']} }}"
        f" .back {{ stroke: {colours['back']} }} polygon.back {{ fill: {colours['back']}; stroke: none }}"
    )


_STYLE = (
    "text { font: 15px sans-serif; text-anchor: middle } .small { font-size: 13px } .left { text-anchor: start }"
    " rect { rx: 6 } .ground { rx: 0 } path { stroke-width: 2; fill: none; marker-end: url(#tip) }"
    " .back { marker-end: url(#back) } .main { stroke-width: 3 } "
    f"{_rules(_LIGHT)} @media (prefers-color-scheme: dark) {{ {_rules(_DARK)} }}"
)


def _tip(name: str, kind: str = "") -> str:
    return (
        f'<marker id="{name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="9" markerHeight="9"'
        ' markerUnits="userSpaceOnUse" orient="auto-start-reverse">'
        f'<polygon class="{kind}" points="0,0 8,4 0,8"/></marker>'
    )


def box(left: int, top: int, width: int, height: int, *lines: str, kind: str = "box") -> str:
    """Return a box with its lines of text at the top, the first one large; all in pixels."""
    middle = left + width // 2
    texts = [
        f'<text class="{"small" if number else "name"}" x="{middle}" y="{top + 24 + 20 * number}">{escape(line)}</text>'
        for number, line in enumerate(lines)
    ]
    shape = f'<rect class="{kind}" x="{left}" y="{top}" width="{width}" height="{height}"/>'
    return "\n".join([shape, *texts])


def note(left: int, top: int, text: str) -> str:
    """Return a small line of text that begins at this place."""
    return f'<text class="small left" x="{left}" y="{top}">{escape(text)}</text>'


def arrow(*points: tuple[int, int], kind: str = "way") -> str:
    """Return a line through these points with a tip at its end."""
    return f'<path class="{kind}" d="M{" L".join(f"{x},{y}" for x, y in points)}"/>'


def arc(side: int, top: int, bottom: int, bulge: int, kind: str) -> str:
    """Return a curve between two heights of a side, which stands out by ``bulge``; a tip is at its end."""
    return f'<path class="{kind}" d="M{side},{top} C{side + bulge},{top} {side + bulge},{bottom} {side},{bottom}"/>'


def picture(width: int, height: int, title: str, parts: Sequence[str]) -> str:
    """Return the whole SVG."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" role="img">'
    )
    return "\n".join(
        [
            head,
            f"<title>{escape(title)}</title>",
            f"<style>{_STYLE}</style>",
            f"<defs>{_tip('tip')}{_tip('back', 'back')}</defs>",
            f'<rect class="ground" width="{width}" height="{height}"/>',
            *parts,
            "</svg>\n",
        ]
    )


#: What a line of the picture of states says below the state's name.
_STATES = {
    status.CONFIGURED: "recorded, never started",
    status.CREATED: "the OCI runtime knows it",
    status.RUNNING: "its process runs",
    status.PAUSED: "its processes are frozen",
    status.UNKNOWN: "never set by this engine",
    status.STOPPED: "ended, cleanup pending",
    status.EXITED: "ended, cleaned up",
}
#: The way of most containers, drawn thick.
_MAIN = {
    (status.CONFIGURED, status.CREATED),
    (status.CREATED, status.RUNNING),
    (status.RUNNING, status.STOPPED),
    (status.STOPPED, status.EXITED),
}
_LEFT, _WIDTH, _HEIGHT, _STEP = 120, 230, 54, 84


def _moves(moves: Mapping[str, AbstractSet[str]]) -> Iterator[tuple[int, int, bool]]:
    """Yield the positions of each move's two states, and whether the way of most containers has it."""
    order = list(_STATES)
    for before in order:
        for after in sorted(moves[before] - {status.REMOVING}, key=order.index):
            yield order.index(before), order.index(after), (before, after) in _MAIN


def _move(before: int, after: int, is_main: bool) -> str:  # noqa: FBT001
    """Return a move as a curve: forward ones at the right side, those back up at the left."""
    forward = after > before
    side = _LEFT + _WIDTH if forward else _LEFT
    # Curves that leave and those that arrive have their own half of a side, and the longer ones stand out more.
    top = 20 + before * _STEP + _HEIGHT // 2 + (8 if forward else -8)
    bottom = 20 + after * _STEP + _HEIGHT // 2 + (-8 if forward else 8)
    bulge = (24 + 20 * abs(after - before)) * (1 if forward else -1)
    kind = "main" if is_main else "way"
    return arc(side, top, bottom, bulge, kind if forward else f"{kind} back")


def states(moves: Mapping[str, AbstractSet[str]]) -> str:
    """Return the picture of a container's states, made from the table of moves between them."""
    if {*_STATES, status.REMOVING} != set(moves):
        msg = f"a state has no text in {__file__}: {set(moves) ^ {*_STATES, status.REMOVING}}"
        raise ValueError(msg)
    if not all(status.REMOVING in moves[state] for state in _STATES) or moves[status.REMOVING]:
        msg = "the picture says that each state may move to removing, and that nothing follows"
        raise ValueError(msg)
    boxes = [
        box(
            _LEFT,
            20 + place * _STEP,
            _WIDTH,
            _HEIGHT,
            state,
            text,
            kind="good" if state in status.ALIVE else "container",
        )
        for place, (state, text) in enumerate(_STATES.items())
    ]
    end = 20 + len(_STATES) * _STEP
    last = box(_LEFT, end, _WIDTH, _HEIGHT, status.REMOVING, "from any state; nothing follows", kind="host")
    return picture(
        480,
        end + _HEIGHT + 20,
        "The states of a container, and the moves between them",
        [*(_move(*move) for move in _moves(moves)), *boxes, last],
    )


def host() -> str:
    """Return the picture of the front page."""
    return picture(
        480,
        420,
        "The controller runs a task on a host; the task starts conmon and the OCI runtime, and ends; the container runs on",
        [
            box(20, 20, 440, 54, "controller", "ansible-playbook, collection slipway.oci"),
            arrow((240, 74), (240, 132)),
            note(252, 108, "ssh, as long as a task takes"),
            box(20, 134, 440, 266, "host", kind="host"),
            box(40, 172, 190, 76, "the engine", "Python, standard library", "runs as long as the task"),
            box(250, 172, 190, 76, "crun or runc", "starts the container", "and ends"),
            arrow((230, 210), (248, 210)),
            box(40, 300, 190, 76, "conmon", "one for each container:", "output, exit status"),
            box(250, 300, 190, 76, "app", "your container,", "no daemon above it", kind="container"),
            arrow((135, 248), (135, 298)),
            arrow((345, 248), (345, 298)),
            arrow((230, 338), (248, 338)),
        ],
    )


def copy_up() -> str:
    """Return the picture of a volume's first content."""
    return picture(
        480,
        450,
        "Copy-up: the first start copies the image's files to a stage beside the empty volume, and renames it in one step",
        [
            box(20, 20, 205, 90, "image app:1", "/data/table.db", "/data/spool", kind="container"),
            box(255, 20, 205, 90, "volume app-data", "fresh and empty"),
            arrow((122, 110), (122, 158)),
            note(134, 138, "1  copy: owners, modes, links, holes"),
            box(
                20,
                160,
                440,
                72,
                "stage beside the volume",
                "no container sees it; a killed task leaves nothing else",
            ),
            arrow((240, 232), (240, 280)),
            note(252, 260, "2  sync, then one rename"),
            box(20, 282, 440, 72, "volume app-data", "table.db and spool: all of it, or none", kind="good"),
            arrow((240, 354), (240, 388)),
            note(252, 376, "3  mount"),
            box(120, 390, 240, 44, "container app: /data", kind="container"),
        ],
    )


def networks() -> str:
    """Return the picture of a network with a published port."""
    return picture(
        480,
        460,
        "One host, its bridge, two containers and a published port",
        [
            box(130, 20, 220, 54, "client", "asks http://192.0.2.7:8080"),
            arrow((240, 74), (240, 148)),
            box(20, 110, 440, 330, "host 192.0.2.7", kind="host"),
            box(90, 150, 300, 54, "inet slipway", "port 8080 leads to 10.89.0.3 port 80"),
            arrow((240, 204), (240, 238)),
            box(40, 240, 400, 54, "network shop", "bridge 10.89.0.1"),
            arrow((135, 294), (135, 338)),
            arrow((345, 294), (345, 338)),
            box(40, 340, 190, 78, "web", "eth0 10.89.0.3", "publish: 8080:80", kind="container"),
            box(250, 340, 190, 78, "db", "eth0 10.89.0.2", "nothing published", kind="container"),
        ],
    )


def pictures() -> dict[str, str]:
    """Return all pictures by file name."""
    return {
        "copy-up.svg": copy_up(),
        "host.svg": host(),
        "networks.svg": networks(),
        "states.svg": states(status.MOVES),
    }


if __name__ == "__main__":
    for name, text in pictures().items():
        Path(sys.argv[1], name).write_text(text)
