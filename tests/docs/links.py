# SPDX-License-Identifier: GPL-3.0-or-later
"""Check that every link between pages of a site leads to a file and an anchor that exist."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from urllib.parse import unquote, urlsplit

_TAG = re.compile(r"<[a-z][^>]*>")
_ATTRIBUTE = re.compile(r'\b(id|href|src)="([^"]*)"')


class Page:
    """The anchors of a page, and what it links to."""

    def __init__(self, path: Path) -> None:
        found = [attribute for tag in _TAG.findall(path.read_text()) for attribute in _ATTRIBUTE.findall(tag)]
        self.anchors = {unescape(value) for name, value in found if name == "id"}
        self.links = {unescape(value) for name, value in found if name != "id" and value}


def dead(site: Path) -> list[str]:
    """Return each link of the site that leads nowhere, with its page."""
    pages = {path: Page(path) for path in sorted(site.rglob("*.html"))}
    return [
        f"{path.relative_to(site)}: {link}"
        for path, page in pages.items()
        for link in sorted(page.links)
        if not _is_alive(pages, path, link)
    ]


def _is_alive(pages: dict[Path, Page], path: Path, link: str) -> bool:
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return True
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if not target.is_file():
        return False
    anchor = unquote(parts.fragment)
    return not anchor or target not in pages or anchor in pages[target].anchors
