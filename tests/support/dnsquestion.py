# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask a name server one question (RFC 1035), from a network namespace."""

from __future__ import annotations

import socket
import struct
from contextlib import closing

from _engine.kernel.net import netns

A, AAAA = 1, 28


def answers(path: str, what: str, server: str, kind: int = A) -> list[str]:
    """Return the addresses that whoever is in a network namespace is told of a name, none when there is no such name.

    Raises OSError without an answer.
    """
    labels = b"".join(bytes([len(word)]) + word.encode() for word in what.split("."))
    question = struct.pack(">6H", 7, 0x100, 1, 0, 0, 0) + labels + struct.pack(">BHH", 0, kind, 1)
    version = socket.AF_INET6 if ":" in server else socket.AF_INET

    def ask() -> bytes:
        with closing(socket.socket(version, socket.SOCK_DGRAM)) as made:
            made.settimeout(5.0)
            made.connect((server, 53))
            made.send(question)
            return made.recv(512)

    answer = netns.call(path, ask)
    size, count = {A: 4, AAAA: 16}[kind], struct.unpack(">H", answer[6:8])[0]
    ends = [len(answer) - (size + 12) * back for back in range(count)]
    return [
        socket.inet_ntop(socket.AF_INET6 if size == 16 else socket.AF_INET, answer[end - size : end])
        for end in ends
    ]
