# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare wanted files with existing ones, and return the changes to make; pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, Optional

from ..errors import EngineError, Setting, Words
from ..frozen import dataclass, replace
from ..model.values.sparse import Extents, Piece

FILE, DIRECTORY, SYMLINK, SPECIAL = "file", "directory", "symlink", "special file"
#: An existing entry that is never changed: excluded, or another mount.
KEPT = "kept"

CREATE, DELETE, KIND, CONTENT = "create", "delete", "kind", "content"
OWNER, GROUP, MODE = "owner", "group", "mode"
#: The changes that write the file itself.
REWRITES = frozenset({CREATE, KIND, CONTENT})

Pieces = Callable[[], Iterator[Piece]]

_SETUID = 0o6000
#: The default modes of new entries.
_NEW_FILE, _NEW_DIRECTORY = 0o644, 0o755


class KindDiffers(EngineError):
    """A directory would replace something else, or something else a directory; ``path`` names it."""

    code = "kind_differs"


@dataclass(frozen=True)
class Wanted:
    """A wanted file, directory or symbolic link.

    ``mode``, ``uid``, ``gid`` None: an existing entry keeps its own, and a new one gets the ``usual_`` ones. ``pieces``
    returns the content of a file, ``size`` bytes, and ``parts`` its data ranges (None: no holes); ``link`` is the
    target of a symbolic link.
    """

    kind: str
    mode: Optional[int] = None
    uid: Optional[int] = None
    gid: Optional[int] = None
    size: int = 0
    link: str = ""
    mtime_ns: Optional[int] = None
    pieces: Pieces = lambda: iter(())
    parts: Optional[Callable[[], Extents]] = None
    usual_mode: Optional[int] = None
    usual_uid: int = 0
    usual_gid: int = 0


@dataclass(frozen=True)
class Found:
    """An existing entry."""

    kind: str
    mode: int = 0
    uid: int = 0
    gid: int = 0
    size: int = 0
    link: str = ""


@dataclass(frozen=True)
class Attributes:
    """A task's attributes for all files; ids are the target file system's, None keeps the source's."""

    uid: Optional[int] = None
    gid: Optional[int] = None
    mode: Optional[int] = None
    directory_mode: Optional[int] = None


class Change(NamedTuple):
    """A path, relative to the place, and the kinds of its change (CREATE, CONTENT, MODE, ...)."""

    path: str
    what: tuple[str, ...]


#: Wanted entries by path, relative to the place; with ``a/b`` there is also ``a``.
Tree = Mapping[str, Wanted]


def memory(content: bytes, *, mode: Optional[int] = None) -> Wanted:
    """Return a wanted file with this content."""
    return Wanted(FILE, mode=mode, size=len(content), pieces=lambda: iter(((0, content),)))


def with_attributes(tree: Tree, attributes: Attributes) -> dict[str, Wanted]:
    """Return the tree with the owners and modes that a task sets."""
    return {path: _with(wanted, attributes) for path, wanted in tree.items()}


def _with(wanted: Wanted, said: Attributes) -> Wanted:
    mode = said.directory_mode if wanted.kind == DIRECTORY else said.mode
    return replace(
        wanted,
        uid=wanted.uid if said.uid is None else said.uid,
        gid=wanted.gid if said.gid is None else said.gid,
        mode=wanted.mode if mode is None else mode,
    )


def without_setuid(tree: Tree) -> dict[str, Wanted]:
    """Return the tree without setuid and setgid, which must not spread from one container to another."""
    return {
        path: replace(wanted, mode=_plain(wanted.mode), usual_mode=_plain(wanted.usual_mode))
        for path, wanted in tree.items()
    }


def _plain(mode: Optional[int]) -> Optional[int]:
    return None if mode is None else mode & ~_SETUID


def owned(tree: Tree, uid: int, gid: int) -> dict[str, Wanted]:
    """Return the tree with these owners for new entries only, whatever the source's are."""
    return {
        path: replace(wanted, uid=None, gid=None, usual_uid=uid, usual_gid=gid)
        for path, wanted in tree.items()
    }


def below(tree: Tree, top: str) -> dict[str, Wanted]:
    """Return the tree below ``top``, with its parent directories, which keep their attributes."""
    moved = {f"{top}/{path}" if top else path: wanted for path, wanted in tree.items()}
    above: set[str] = set()
    for path in moved:
        for parent in _above(path):
            if parent in above:
                break
            above.add(parent)
    return {**{path: Wanted(DIRECTORY) for path in above}, **moved}


def compare(
    tree: Tree,
    found: Mapping[str, Found],
    same_content: Callable[[str], bool],
    *,
    delete: bool = False,
    overwrite: bool = False,
) -> list[Change]:
    """Return the changes, parents first, then the deletions, children first.

    ``delete``: also delete what is not wanted. ``overwrite``: allow a directory to replace something else, or something
    else a directory, which otherwise raises KindDiffers.
    """
    changes = []
    for path in sorted(tree, key=lambda path: path.split("/")):
        what = _differences(tree[path], found.get(path), lambda path=path: same_content(path))  # type: ignore[misc]
        if KIND in what and not overwrite:
            _check_kinds(path, tree[path], found[path])
        if what:
            changes.append(Change(path, what))
    return changes + (_deletions(tree, found) if delete else [])


def _differences(wanted: Wanted, found: Optional[Found], same_content: Callable[[], bool]) -> tuple[str, ...]:
    if found is None:
        return (CREATE,)
    if found.kind == KEPT:
        return ()
    if found.kind != wanted.kind:
        return (KIND,)
    what = []
    if wanted.kind == FILE and (wanted.size != found.size or not same_content()):
        what.append(CONTENT)
    if wanted.kind == SYMLINK and wanted.link != found.link:
        what.append(CONTENT)
    if wanted.uid not in (None, found.uid):
        what.append(OWNER)
    if wanted.gid not in (None, found.gid):
        what.append(GROUP)
    if wanted.kind != SYMLINK and wanted.mode not in (None, found.mode):
        what.append(MODE)
    return tuple(what)


def _check_kinds(path: str, wanted: Wanted, found: Found) -> None:
    if DIRECTORY in (wanted.kind, found.kind):
        raise KindDiffers(
            f"{path} is a {found.kind}, but should be a {wanted.kind}",
            remedy=Words("Write ", Setting("overwrite", True), " to replace it"),
            path=path,
        )


def _deletions(tree: Tree, found: Mapping[str, Found]) -> list[Change]:
    stays = {*tree, *(path for path, item in found.items() if item.kind == KEPT)}
    # The parents of an entry that stays also stay; an entry that is replaced as a whole takes everything below with it.
    stays |= {above for path in stays for above in _above(path)}
    replaced = {path for path, wanted in tree.items() if path in found and wanted.kind != DIRECTORY}
    going = [path for path in found if path not in stays and not replaced & {*_above(path)}]
    return [Change(path, (DELETE,)) for path in sorted(going, key=lambda path: path.split("/"), reverse=True)]


def _above(path: str) -> Iterator[str]:
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def settled(wanted: Wanted, found: Optional[Found], what: tuple[str, ...]) -> Wanted:
    """Return the wanted entry with its owner and mode filled in from the existing one, or the defaults."""
    kept = found if found is not None and not {CREATE, KIND} & {*what} else None
    usual = _NEW_DIRECTORY if wanted.kind == DIRECTORY else _NEW_FILE
    mode = kept.mode if kept else usual if wanted.usual_mode is None else wanted.usual_mode
    return replace(
        wanted,
        mode=mode if wanted.mode is None else wanted.mode,
        uid=wanted.uid if wanted.uid is not None else kept.uid if kept else wanted.usual_uid,
        gid=wanted.gid if wanted.gid is not None else kept.gid if kept else wanted.usual_gid,
    )
