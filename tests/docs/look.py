# SPDX-License-Identifier: GPL-3.0-or-later
"""Look at the site in a headless browser: look.py SITE [--pictures DIRECTORY]. Each fault is printed, and makes it fail.

No page scrolls sideways and no block of code is cut at 360, 768 and 1440 px; every link between pages is alive; colours have the
contrast of WCAG 2 AA in both themes, with the other rules of axe-core; the tabulator key reaches every link and button.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import browser
import links

WIDTHS = (360, 768, 1440)
#: axe-core as npm has it: version, and the SHA-256 of axe.min.js.
AXE, AXE_SHA256 = "4.14.1", "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
_KEPT = Path(__file__).parents[2] / ".build/axe" / AXE / "axe.min.js"
#: The pages whose colours are looked at in the dark theme too; between them they have each kind of block.
_KINDS = (
    "index",
    "docs/start",
    "docs/lifecycle",
    "docs/networks",
    "plugins/query_filter",
    "plugins/host_role",
    "plugins/container_connection",
)
#: Of the many pages that antsibull-docs makes of one template, and of the longest, only those above are looked at with axe-core.
_LONG = (
    "CHANGELOG",
    "README",
    "genindex",
    "docs/architecture",
    "docs/compat",
    "docs/seed",
    "docs/benchmarks",
)

_SIDEWAYS = """(() => {
  const width = document.documentElement.clientWidth, found = [];
  if (document.documentElement.scrollWidth > width)
    found.push(`scrolls sideways: ${document.documentElement.scrollWidth} px`);
  for (const block of document.querySelectorAll('pre'))
    if (block.offsetParent && block.scrollWidth > block.clientWidth + 1)
      found.push('code is cut: ' + block.innerText.slice(0, 50));
  for (const table of document.querySelectorAll('.table-wrapper'))
    if (table.offsetParent && table.scrollWidth > table.clientWidth + 1)
      found.push('a table is cut: ' + table.innerText.slice(0, 50));
  return found;
})()"""
_AXE = """axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa'], resultTypes: ['violations']}).then(
  found => found.violations.flatMap(rule => rule.nodes.slice(0, 3).map(
    node => `${rule.id}: ${node.target.join(' ')}: ${(node.any[0] || node.all[0] || node.none[0] || {}).message || ''}`)))"""
#: All that a keyboard user has to reach on the page, as it is shown.
_TARGETS = """(() => {
  window.reached = new Set();
  document.addEventListener('focusin', event => window.reached.add(event.target));
  window.wanted = [...document.querySelectorAll('a[href], button, input:not([type=hidden], [type=checkbox]), summary')].filter(
    one => one.checkVisibility({visibilityProperty: true}) && one.getClientRects().length);
  return window.wanted.length;
})()"""
_UNREACHED = (
    "window.wanted.filter(one => !window.reached.has(one) && one.checkVisibility({visibilityProperty: true}))"
    ".map(one => one.outerHTML.slice(0, 90))"
)


def axe() -> str | None:
    """Return the text of axe-core, fetched by npm where it is not kept yet; None where neither works."""
    if not _KEPT.is_file() and not _fetched():
        return None
    text = _KEPT.read_bytes()
    if hashlib.sha256(text).hexdigest() != AXE_SHA256:
        sys.exit(f"{_KEPT} is not axe-core {AXE} as it was when it was pinned")
    return text.decode()


def _fetched() -> bool:
    if not shutil.which("npm"):
        return False
    with tempfile.TemporaryDirectory() as work:
        argv = ["npm", "pack", "--silent", f"axe-core@{AXE}"]
        if subprocess.run(argv, check=False, cwd=work, stdout=subprocess.DEVNULL).returncode:
            return False
        with tarfile.open(next(Path(work).glob("*.tgz"))) as archive:
            member = archive.extractfile("package/axe.min.js")
            _KEPT.parent.mkdir(parents=True, exist_ok=True)
            _KEPT.write_bytes(member.read() if member else b"")
    return True


def pages(site: Path) -> list[Path]:
    """Return the pages of the site."""
    return [path for path in sorted(site.rglob("*.html")) if "_static" not in path.parts]


def shape(tab: browser.Tab, site: Path) -> Iterator[str]:
    """Yield what is too wide on any page at any width."""
    for path in pages(site):
        tab.resize(WIDTHS[-1])
        tab.open(path.as_uri())
        for width in WIDTHS:
            tab.resize(width)
            for found in tab.run(_SIDEWAYS):
                yield f"{path.relative_to(site)} at {width} px: {found}"


def colours(tab: browser.Tab, site: Path, rules: str) -> Iterator[str]:
    """Yield what axe-core finds: on guides in the light theme, and on a page of each kind in the dark one."""
    tab.resize(WIDTHS[-1])
    for path in pages(site):
        name = str(path.relative_to(site).with_suffix(""))
        is_plain = name in _LONG or path.parent.name == "plugins"
        for scheme in (
            *(["light"] if name in _KINDS or not is_plain else []),
            *(["dark"] if name in _KINDS else []),
        ):
            tab.prefer(scheme)
            tab.open(path.as_uri())
            tab.run(rules + "; 0")
            for found in tab.run(_AXE):
                yield f"{name}, {scheme}: {found}"


def keyboard(tab: browser.Tab, site: Path) -> Iterator[str]:
    """Yield what the tabulator key does not reach on the front page, wide and narrow."""
    for width in (WIDTHS[0], WIDTHS[-1]):
        tab.resize(width)
        tab.open((site / "index.html").as_uri())
        for _press in range(tab.run(_TARGETS) + 20):
            tab.press_tab()
        for missed in tab.run(_UNREACHED):
            yield f"index.html at {width} px: not reached by the keyboard: {missed}"


def photograph(tab: browser.Tab, site: Path, into: Path, names: list[str]) -> None:
    """Write screenshots of some pages, at each width and in both themes."""
    into.mkdir(parents=True, exist_ok=True)
    for name in names:
        for scheme in ("light", "dark"):
            tab.prefer(scheme)
            for width in WIDTHS:
                tab.resize(width)
                tab.open((site / f"{name}.html").as_uri())
                tab.picture(into / f"{name.replace('/', '-')}-{width}-{scheme}.png")


def faults(site: Path) -> Iterator[str]:
    """Yield all that is wrong with the site."""
    yield from (f"dead link: {link}" for link in links.dead(site))
    rules = axe()
    if rules is None:
        print("skipped: contrast and other rules of axe-core: no npm")
        if os.environ.get("CI"):
            yield "CI lacks npm, which fetches axe-core"
    checks = [(shape, ()), (keyboard, ()), *([(colours, (rules,))] if rules else [])]
    with ThreadPoolExecutor() as pool:
        for found in pool.map(lambda check: _checked(check[0], site, check[1]), checks):
            yield from found


def _checked(check: Any, site: Path, more: tuple[str, ...]) -> list[str]:
    """Run a check in a browser of its own, and print how long it took."""
    start = time.monotonic()
    with browser.tab() as tab:
        found = [*check(tab, site, *more)]
    print(f"{check.__name__}: {time.monotonic() - start:.1f} s")
    return found


def main(site: str, *words: str) -> int:
    """Print each fault and return how the program ends."""
    top = Path(site).resolve()
    if not browser.program():
        print("skipped: this machine has no Chromium (make system installs it)")
        return 1 if os.environ.get("CI") else 0
    if words[:1] == ("--pictures",):
        with browser.tab() as tab:
            photograph(tab, top, Path(words[1]), [*words[2:]])
        return 0
    found = list(faults(top))
    print(*found, sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
