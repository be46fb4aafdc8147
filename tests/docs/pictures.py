# SPDX-License-Identifier: GPL-3.0-or-later
"""Draw the pictures of the guides as SVG: pictures.py DIRECTORY. Their ground is their own, be the page light or dark."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from html import escape
from pathlib import Path

_STYLE = (
    "text { font: 14px sans-serif; fill: #1f2328; text-anchor: middle } .small { font-size: 12px; fill: #57606a }"
    " rect { fill: #ffffff; stroke: #57606a; rx: 6 } .host { fill: #eaeef2 } .container { fill: #ddf4ff }"
    " .ground { fill: #f6f8fa; stroke: none } path { stroke: #0969da; stroke-width: 2; fill: none; marker-end: url(#tip) }"
)
_TIP = (
    '<marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" markerHeight="6" orient="auto-start-reverse">'
    '<polygon points="0,0 8,4 0,8" fill="#0969da"/></marker>'
)


def box(left: int, top: int, width: int, height: int, *lines: str, kind: str = "box") -> str:
    """Return a box with its lines of text at the top, the first one large; all in pixels."""
    middle = left + width // 2
    texts = [
        f'<text class="{"small" if number else "name"}" x="{middle}" y="{top + 22 + 19 * number}">{escape(line)}</text>'
        for number, line in enumerate(lines)
    ]
    shape = f'<rect class="{kind}" x="{left}" y="{top}" width="{width}" height="{height}"/>'
    return "\n".join([shape, *texts])


def arrow(*points: tuple[int, int]) -> str:
    """Return a line through these points with a tip at its end."""
    return f'<path d="M{" L".join(f"{x},{y}" for x, y in points)}"/>'


def picture(width: int, height: int, title: str, parts: Sequence[str]) -> str:
    """Return the whole SVG."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" role="img">'
    )
    ground = f'<rect class="ground" width="{width}" height="{height}"/>'
    return "\n".join(
        [
            head,
            f"<title>{escape(title)}</title>",
            f"<style>{_STYLE}</style>",
            f"<defs>{_TIP}</defs>",
            ground,
            *parts,
            "</svg>\n",
        ]
    )


PICTURES = {
    "networks.svg": picture(
        740,
        330,
        "One host, its bridge, two containers and a published port",
        [
            box(20, 130, 130, 70, "client", "http://192.0.2.7:8080"),
            box(190, 20, 530, 290, "host 192.0.2.7", kind="host"),
            box(210, 130, 150, 70, "inet slipway", "port 8080 leads to", "10.89.0.3 port 80"),
            box(400, 70, 110, 190, "network shop", "bridge", "10.89.0.1"),
            box(560, 70, 140, 80, "web", "eth0 10.89.0.3", "publish: 8080:80", kind="container"),
            box(560, 180, 140, 80, "db", "eth0 10.89.0.2", "nothing published", kind="container"),
            arrow((150, 165), (208, 165)),
            arrow((360, 165), (398, 165)),
            arrow((510, 110), (558, 110)),
            arrow((510, 220), (558, 220)),
        ],
    )
}

if __name__ == "__main__":
    for name, text in PICTURES.items():
        Path(sys.argv[1], name).write_text(text)
