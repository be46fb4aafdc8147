# SPDX-License-Identifier: GPL-3.0-or-later
"""A netlink client: requests made of attributes, batched and acknowledged one by one; dumps.

Sources: netlink(7), rtnetlink(7), <linux/netlink.h>, <linux/rtnetlink.h>.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Optional, Union

from . import netns

#: <linux/netlink.h>: rtnetlink; netfilter (connection tracking).
ROUTE, NETFILTER = 0, 12

REQUEST, ACK = 0x1, 0x4
#: Flags of a request that adds something: replace an existing one; fail if it exists; create if missing;
#: append.
REPLACE, EXCL, CREATE, APPEND = 0x100, 0x200, 0x400, 0x800
_DUMP = 0x300
_DUMP_INTR = 0x10
_CAPPED, _ACK_TLVS = 0x100, 0x200
_ERROR, _DONE = 2, 3
_ERRMSG = 1

_HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")
_NESTED = 0x8000
_KIND = 0x3FFF

_SOL_NETLINK = 270
_OPT_CAP_ACK, _OPT_EXT_ACK, _OPT_STRICT_CHK = 10, 11, 12

#: The most requests per message: their answers must fit into a socket's default buffer, or the kernel would
#: drop some (ENOBUFS).
_AT_ONCE = 64
#: In bytes. The kernel sends up to 32 KiB of a dump at once if the reader's buffer is large enough.
_ROOM = 1 << 16
#: The most attempts at a dump; it is repeated if something changes meanwhile.
_DUMPS = 20


class Request(NamedTuple):
    """One request: RTM_*, and the body after its header.

    ``what`` names the object in an error; an errno in ``fine`` is not an error.
    """

    kind: int
    body: bytes
    what: str
    flags: int = 0
    fine: tuple[int, ...] = ()


def attribute(kind: int, value: Union[bytes, str, int]) -> bytes:
    """Return a padded attribute; text gets a trailing NUL, numbers have 32 bits."""
    if isinstance(value, int):
        value = struct.pack("=I", value)
    elif isinstance(value, str):
        value = os.fsencode(value) + b"\0"
    length = _ATTRIBUTE.size + len(value)
    return _ATTRIBUTE.pack(length, kind) + value + bytes(-length % 4)


def nested(kind: int, *parts: bytes) -> bytes:
    """Return an attribute that contains others."""
    return attribute(kind | _NESTED, b"".join(parts))


def attributes(data: bytes) -> dict[int, bytes]:
    """Return the attributes in ``data`` by kind; of duplicates the last."""
    found, at = {}, 0
    while at + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, at)
        if length < _ATTRIBUTE.size:
            break
        found[kind & _KIND] = data[at + _ATTRIBUTE.size : at + length]
        at += length + -length % 4
    return found


class Netlink:
    """A netlink socket in a network namespace; a context manager that closes it."""

    def __init__(self, namespace: Union[int, str, None] = None, *, protocol: int = ROUTE) -> None:
        """Open the socket in this thread's namespace, or in that of a descriptor or path; raises OSError."""

        # A socket always belongs to the namespace in which it was created.
        def made() -> socket.socket:
            return _new_socket(protocol)

        self._socket = made() if namespace is None else netns.call(namespace, made)
        self._sequence = 0

    def __enter__(self) -> Netlink:  # noqa: PYI034  (Self came with Python 3.11)
        return self

    def __exit__(self, *_ignored: object) -> None:
        self._socket.close()

    def batch(self, requests: Sequence[Request]) -> list[Optional[bytes]]:
        """Send requests and return the answers: b"" for a plain acknowledgement, None for a fine error.

        All are tried, even if some fail. Raises OSError for the first failure, with the errno, the kernel's
        message (netlink(7), extended acknowledgement) in ``strerror``, and ``what`` as ``filename``.
        """
        outcomes: list[Union[bytes, OSError]] = []
        for start in range(0, len(requests), _AT_ONCE):
            outcomes += self._exchange(requests[start : start + _AT_ONCE])
        return [_answer(request, outcome) for request, outcome in zip(requests, outcomes)]

    def ask(self, request: Request) -> Optional[bytes]:
        """Send one request, as ``batch`` does."""
        return self.batch([request])[0]

    def dump(self, request: Request) -> list[bytes]:
        """Return all objects that an RTM_GET* lists, without message headers; raises OSError."""
        for _ignored in range(_DUMPS):
            found = self._dump(request)
            if found is not None:
                return found
        raise OSError(errno.EAGAIN, "it changes faster than it can be listed", request.what)

    def _exchange(self, requests: Sequence[Request]) -> list[Union[bytes, OSError]]:
        first = self._sequence + 1
        self._send(requests, REQUEST | ACK)
        answers, outcomes = [b""] * len(requests), dict[int, Union[bytes, OSError]]()
        while len(outcomes) < len(requests):
            for kind, flags, sequence, payload in self._received():
                place = sequence - first
                if not 0 <= place < len(requests):
                    continue  # left over from an interrupted exchange
                if kind == _ERROR:
                    outcomes[place] = _error(requests[place], flags, payload) or answers[place]
                else:
                    answers[place] = payload
        return [outcomes[place] for place in range(len(requests))]

    def _dump(self, request: Request) -> Optional[list[bytes]]:
        """Return the listed objects, or None if they changed meanwhile."""
        self._send([request], REQUEST | _DUMP)
        found: list[bytes] = []
        torn = False
        while True:
            for kind, flags, sequence, payload in self._received():
                if sequence != self._sequence:
                    continue
                torn = torn or bool(flags & _DUMP_INTR)
                if kind in (_ERROR, _DONE):
                    if error := _error(request, flags, payload, dump=kind == _DONE):
                        raise error
                    return None if torn else found
                found.append(payload)

    def _send(self, requests: Sequence[Request], flags: int) -> None:
        messages = []
        for request in requests:
            self._sequence += 1
            length = _HEADER.size + len(request.body)
            header = _HEADER.pack(length, request.kind, flags | request.flags, self._sequence, 0)
            messages.append(header + request.body + bytes(-length % 4))
        self._socket.send(b"".join(messages))

    def _received(self) -> Iterator[tuple[int, int, int, bytes]]:
        """Yield kind, flags, sequence number and payload of each message of one datagram."""
        data, at = self._socket.recv(_ROOM), 0
        while at + _HEADER.size <= len(data):
            length, kind, flags, sequence, _port = _HEADER.unpack_from(data, at)
            yield kind, flags, sequence, data[at + _HEADER.size : at + length]
            at += max(length + -length % 4, _HEADER.size)


def _new_socket(protocol: int) -> socket.socket:
    made = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol)
    for option in (_OPT_CAP_ACK, _OPT_EXT_ACK, _OPT_STRICT_CHK):
        try:
            made.setsockopt(_SOL_NETLINK, option, 1)
        except OSError as error:  # noqa: PERF203
            if error.errno != errno.ENOPROTOOPT:  # an older kernel: no messages, dumps unfiltered
                made.close()
                raise
    return made


def _answer(request: Request, outcome: Union[bytes, OSError]) -> Optional[bytes]:
    if isinstance(outcome, bytes):
        return outcome
    if outcome.errno in request.fine:
        return None
    raise outcome


def _error(request: Request, flags: int, payload: bytes, *, dump: bool = False) -> Optional[OSError]:
    """Return the error of ``struct nlmsgerr``, or of a dump's final number; None for an acknowledgement."""
    number = -struct.unpack_from("=i", payload)[0] if len(payload) >= 4 else 0
    if number <= 0:
        return None
    words = _words(flags, payload[4:] if dump else payload[4 + _HEADER.size :])
    return OSError(number, f"{os.strerror(number)}{words and f' ({words})'}", request.what)


def _words(flags: int, rest: bytes) -> str:
    if not flags & _ACK_TLVS:
        return ""
    return attributes(rest).get(_ERRMSG, b"").rstrip(b"\0").decode("utf-8", "replace")
