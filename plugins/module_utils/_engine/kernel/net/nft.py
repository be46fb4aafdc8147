# SPDX-License-Identifier: GPL-3.0-or-later
"""Change and read nftables, each change as one transaction.

Sources: nft(8), libnftables(3), libnftables-json(5). Uses libnftables in this process if it can be loaded,
else the program nft. Acts in the network namespace of the calling thread.
"""

from __future__ import annotations

import ctypes
from typing import Any, Optional

from ...errors import CommandFailed, HostLacks
from .. import command

LIBRARY, PROGRAM = "libnftables.so.1", "nft"

#: <nftables/libnftables.h>: output as JSON, with protocols, priorities and all other symbols as numbers.
_JSON = 1 << 4
_NUMERIC = 1 << 7 | 1 << 8 | 1 << 9
#: Timeout of the program in seconds: a transaction of thousands of elements takes one or two.
_TIMEOUT = 60
_WORDS = 2000

_loaded: list[Any] = []


def is_there() -> bool:
    """Return whether the library or the program is installed."""
    return _library() is not None or command.find_program(PROGRAM) is not None


def backend() -> str:
    """Return which is installed, LIBRARY or PROGRAM; raises HostLacks if neither is."""
    if _library() is not None:
        return LIBRARY
    if command.find_program(PROGRAM) is None:
        raise HostLacks(
            "neither the library libnftables nor the program nft is installed",
            remedy="Apply the role slipway.oci.host, which installs what the engine needs",
            program=PROGRAM,
        )
    return PROGRAM


def apply(script: str) -> None:
    """Execute all commands of a script, or none of them.

    Raises CommandFailed with the message of nftables, and HostLacks.
    """
    _run(script, as_json=False)


def has_table(family: str, name: str) -> bool:
    """Return whether a table exists; raises as ``apply``."""
    found = _listed(f"list tables {family}")
    return any(item["table"]["name"] == name for item in found if "table" in item)


def table(family: str, name: str) -> Optional[list[dict[str, Any]]]:
    """Return a table's objects as in libnftables-json(5), numbers for symbols; None if there is no table."""
    return _listed(f"list table {family} {name}") if has_table(family, name) else None


def chains() -> list[dict[str, Any]]:
    """Return all chains, of all tables, as in libnftables-json(5); raises as ``apply``."""
    return [item["chain"] for item in _listed("list chains") if "chain" in item]


def _listed(what: str) -> list[dict[str, Any]]:
    import json  # not needed for changes

    try:
        found: list[dict[str, Any]] = json.loads(_run(what, as_json=True))["nftables"]
    except ValueError:  # truncated at command.OUTPUT_LIMIT
        raise CommandFailed(f"nftables returned truncated output for: {what}", stderr="") from None
    return found


def _run(script: str, *, as_json: bool) -> str:
    library = _library() if backend() == LIBRARY else None
    if library is None:
        return _by_program(script, as_json=as_json)
    return _by_library(library, script, as_json=as_json)


def _by_program(script: str, *, as_json: bool) -> str:
    # With --json, nft first tries to parse its input as JSON, which drains the pipe: so pass the command as
    # an argument.
    how = ["--json", "--numeric", script] if as_json else ["-f", "-"]
    done = command.run([PROGRAM, *how], timeout=_TIMEOUT, stdin=script.encode(), check=False)
    if done.returncode:
        raise _refused(done.stderr)
    return done.stdout.decode("utf-8", "replace")


def _by_library(library: Any, script: str, *, as_json: bool) -> str:
    context = library.nft_ctx_new(0)
    if not context:
        raise CommandFailed("libnftables can't create a context: out of memory", stderr="")
    try:
        library.nft_ctx_buffer_output(context)
        library.nft_ctx_buffer_error(context)
        library.nft_ctx_output_set_flags(context, _JSON | _NUMERIC if as_json else 0)
        if library.nft_run_cmd_from_buffer(context, script.encode()):
            raise _refused(library.nft_ctx_get_error_buffer(context))
        return str(library.nft_ctx_get_output_buffer(context).decode("utf-8", "replace"))
    finally:
        library.nft_ctx_free(context)


def _refused(stderr: bytes) -> CommandFailed:
    said = stderr.decode("utf-8", "replace").strip()
    # The first line is the error; the command, which may be long, follows with a marker.
    return CommandFailed(
        f"nftables failed: {said.partition(chr(10))[0]}", program=PROGRAM, stderr=said[:_WORDS]
    )


def _library() -> Optional[Any]:
    """Return the library, loaded once, or None if it is not installed."""
    if not _loaded:
        _loaded.append(_load())
    return _loaded[0]


def _load() -> Optional[Any]:
    try:
        library = ctypes.CDLL(LIBRARY)
    except OSError:
        return None
    context, text = ctypes.c_void_p, ctypes.c_char_p
    for name, result, arguments in (
        ("nft_ctx_new", context, (ctypes.c_uint32,)),
        ("nft_ctx_free", None, (context,)),
        ("nft_ctx_buffer_output", ctypes.c_int, (context,)),
        ("nft_ctx_buffer_error", ctypes.c_int, (context,)),
        ("nft_ctx_output_set_flags", None, (context, ctypes.c_uint)),
        ("nft_ctx_get_output_buffer", text, (context,)),
        ("nft_ctx_get_error_buffer", text, (context,)),
        ("nft_run_cmd_from_buffer", ctypes.c_int, (context, text)),
    ):
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library
