# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a network namespace that a path keeps, and do something inside of one; sources: network_namespaces(7), setns(2)."""

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
    """Call ``act`` inside the network namespace of a descriptor or path, and return what it returns; raises what it raises.

    It runs in a thread that ends with it: the process itself never leaves its namespace. What it opens stays what it is:
    sockets belong to the namespace, and the files of /proc/sys/net are those that the opener sees.
    """

    def inside() -> Result:
        with _opened(namespace) as fd:
            libc.setns(fd, libc.CLONE_NEWNET)
        return act()

    return _in_a_thread(inside)


def pin(path: str, *, userns_fd: int = -1) -> None:
    """Make a network namespace and keep it by a mount on ``path``, a file that is made; one that is there already stays.

    It belongs to the user namespace of the descriptor, else to ours. Raises OSError, and leaves no mount then.
    """
    if is_pinned(path):
        return
    if userns_fd < 0:
        _in_a_thread(lambda: _pin_new(path))
    else:
        # Who enters a user namespace must have no other thread, and does not come back: that takes a process.
        with usernamespace.inside(userns_fd, libc.CLONE_NEWNET) as pid:
            namespaces.pin(f"/proc/{pid}/ns/net", path)


def unpin(path: str) -> None:
    """Let go of the namespace, which ends with its last process and its last descriptor; not pinned, or no such file, is fine.

    Mount namespaces that were copied meanwhile lose their copy too: the kernel detaches what is mounted on a file that goes.
    """
    mounts.unmount(path)
    with suppress(FileNotFoundError):
        os.unlink(path)


def is_pinned(path: str) -> bool:
    """Tell whether a namespace is mounted on the path."""
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
        except BaseException as error:  # noqa: BLE001  (raised in the thread that waits)
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]
