# SPDX-License-Identifier: GPL-3.0-or-later
"""``slipway images``, ``load`` and ``rmi``, with podman's options, output and exit codes."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ...errors import EngineError, NotFound
from ...images.archive.reference import candidates
from ...lifecycle.core.engine import Engine
from ...lifecycle.core.images import find_typed_image
from ...lifecycle.info import info
from ...lifecycle.inspect import filters
from ..cli import listing, output
from ..cli.listing import Field, Shape, short_id
from ..cli.table import age, human_size

#: Exit codes of podman-rmi(1).
_FAILED, _NOT_THERE, _IN_USE = 125, 1, 2
_USUAL = ("ID", "Names", "Size", "Created")


def add(verbs: Any) -> None:
    """Add the verbs."""
    text = "list images"
    parser = verbs.add_parser("images", help=text, description=text)
    listing.add_options(parser, filters=filters.IMAGES, noheading=("--noheading", "-n"))
    parser.set_defaults(verb=_images)
    text = "load the images of an archive and print their names"
    parser = verbs.add_parser("load", help=text, description=text)
    parser.add_argument("--input", "-i", metavar="FILE", help="read this archive (standard input)")
    parser.add_argument("--quiet", "-q", action="store_true", help="print nothing")
    parser.set_defaults(verb=_load, acts=True)
    _add_rmi(verbs)


def _add_rmi(verbs: Any) -> None:
    text = "remove images; an image with several names only loses the given one"
    parser = verbs.add_parser("rmi", help=text, description=text)
    parser.add_argument("names", nargs="*", metavar="IMAGE", help="name or id")
    parser.add_argument("--all", "-a", action="store_true", help="all images that no container uses")
    parser.add_argument("--force", "-f", action="store_true", help="remove all names of the image")
    parser.add_argument("--ignore", "-i", action="store_true", help="ignore missing images")
    parser.set_defaults(verb=_rmi, acts=True)


def _images(engine: Engine, arguments: argparse.Namespace) -> None:
    wanted = filters.parse(arguments.filter, filters.IMAGES)
    found = filters.choose(info.images(engine).result["images"], wanted, filters.IMAGES)
    listing.show(arguments, found, FIELDS, _USUAL, lambda shape: str(shape["Id"]))


def _name(shape: Shape, part: int) -> str:
    """Return the first name's repository (0) or tag (1); a colon before a slash belongs to a port."""
    head, colon, tail = (shape["RepoTags"] or ["<none>:<none>"])[0].rpartition(":")
    return (head, tail)[part] if colon and "/" not in tail else (f"{head}{colon}{tail}", "<none>")[part]


FIELDS: Mapping[str, Field] = {
    "ID": Field("IMAGE ID", lambda shape, whole: shape["Id"] if whole else short_id(str(shape["Id"]))),
    "Names": Field("NAMES", lambda shape, _whole: ", ".join(shape["RepoTags"]) or "<none>"),
    "Repository": Field("REPOSITORY", lambda shape, _whole: _name(shape, 0)),
    "Tag": Field("TAG", lambda shape, _whole: _name(shape, 1)),
    "Digest": Field("DIGEST", lambda shape, _whole: shape["Digest"] or "<none>"),
    "Size": Field("SIZE", lambda shape, _whole: human_size(shape["Size"])),
    "Created": Field("CREATED", lambda shape, _whole: age(shape["Created"])),
    "CreatedSince": Field("CREATED", lambda shape, _whole: age(shape["Created"])),
    "CreatedAt": Field("CREATED AT", lambda shape, _whole: shape["Created"]),
    "Labels": Field("LABELS", lambda shape, _whole: shape["Labels"] or {}),
}


def _load(engine: Engine, arguments: argparse.Namespace) -> None:
    from ...lifecycle.image.load import load
    from ..cli.meter import metered

    with _archive(arguments.input) as path, metered(quiet=arguments.quiet):
        done = load(engine, path)
    for warning in done.warnings:
        sys.stderr.write(f"slipway: {warning}\n")
    for name in () if arguments.quiet else done.brought:
        output.write(f"Loaded image: {name}")


@contextmanager
def _archive(path: str | None) -> Iterator[str]:
    """Yield the archive's path; the standard input is copied to a file, since archives need random access."""
    if path is not None:
        yield os.path.abspath(path)
        return
    if sys.stdin.isatty():
        raise EngineError("cannot read an archive from a terminal", remedy="Use --input FILE")
    import shutil
    import tempfile

    with tempfile.NamedTemporaryFile(prefix="slipway-", suffix=".tar") as file:
        shutil.copyfileobj(sys.stdin.buffer, file, 1 << 20)
        file.flush()
        try:
            yield file.name
        except EngineError as error:  # the name of the temporary file means nothing to the user
            error.message = error.message.replace(file.name, "standard input")
            raise


def _rmi(engine: Engine, arguments: argparse.Namespace) -> int:
    """Remove each image; return the exit code of the first failure."""
    if bool(arguments.names) == arguments.all:
        raise EngineError("expected either image names or --all")
    names = arguments.names or [shape["Id"] for shape in info.images(engine).result["images"]]
    codes = [_remove(engine, name, arguments) for name in names]
    return next(filter(None, codes), 0)


def _remove(engine: Engine, name: str, arguments: argparse.Namespace) -> int:
    from ...lifecycle.image.remove import remove_image

    try:
        found = find_typed_image(engine, name)
        meant = name if {*candidates(name)} & {*found.names} else found.id
        remove_image(engine, meant, force=arguments.force or arguments.all)
    except (EngineError, OSError) as error:
        if arguments.ignore and isinstance(error, NotFound):
            return 0
        output.complain(error, arguments.flags)
        code = error.code if isinstance(error, EngineError) else ""
        return {"not_found": _NOT_THERE, "in_use": _IN_USE}.get(code, _FAILED)
    left = info.images(engine, [found.id]).result["images"]
    for tag in found.names:
        if not left or tag not in left[0]["RepoTags"]:
            output.write(f"Untagged: {tag}")
    if not left:
        output.write(f"Deleted: {found.id}")
    return 0
