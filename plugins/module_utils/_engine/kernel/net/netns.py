# SPDX-License-Identifier: GPL-3.0-or-later
"""Pin network namespaces to paths, and run code inside them; sources: network_namespaces(7), setns(2)."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar, Union

from .. import libc, mounts, namespaces, usernamespace

Result = TypeVar("Result")

#: NSFS_MAGIC of <linux/magic.h>
_NSFS = 0x6E736673


def call(namespace: Union[int, str], act: Callable[[], Result]) -> Result:
    """Call ``act`` inside the network namespace of a descriptor or path, and return its result.

    Raises what ``act`` raises. It runs in a thread of its own: the process itself never leaves its namespace.
    What it opens remains bound to the namespace: sockets, and the files of /proc/sys/net.
    """

    def inside() -> Result:
        with _opened(namespace) as fd:
            libc.setns(fd, libc.CLONE_NEWNET)
        return act()

    return _in_a_thread(inside)


def pin(path: str, *, userns_fd: int = -1) -> None:
    """Create a network namespace and bind it on ``path``, a file that is created; keep a pinned one.

    It is owned by the user namespace of the descriptor, or else by ours. Raises OSError, leaving nothing
    mounted.
    """
    if is_pinned(path):
        return
    if userns_fd < 0:
        _in_a_thread(lambda: _pin_new(path))
    else:
        # Only a single-threaded process can enter a user namespace, and can't return: that takes a child.
        with usernamespace.inside(userns_fd, libc.CLONE_NEWNET) as pid:
            namespaces.pin(f"/proc/{pid}/ns/net", path)


def unpin(path: str) -> None:
    """Unpin the namespace and remove the file; do nothing if it is not pinned, or the file does not exist.

    The namespace ends with its last process and descriptor. Mount namespaces that were cloned meanwhile lose
    their copy of the mount too: the kernel detaches mounts on a removed file.
    """
    mounts.unmount(path)
    with suppress(FileNotFoundError):
        os.unlink(path)


def is_pinned(path: str) -> bool:
    """Return whether a namespace is mounted on the path."""
    try:
        with _opened(path) as fd:
            return libc.fstatfs_type(fd) == _NSFS
    except FileNotFoundError:
        return False


@contextmanager
def _opened(namespace: Union[int, str]) -> Iterator[int]:
    if isinstance(namespace, int):
        yield namespace
        return
    fd = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)


def _pin_new(path: str) -> None:
    libc.unshare(libc.CLONE_NEWNET)
    namespaces.pin("/proc/thread-self/ns/net", path)


def _in_a_thread(act: Callable[[], Result]) -> Result:
    results: list[Result] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(act())
        except BaseException as error:  # noqa: BLE001  (raised again in the waiting thread)
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]
