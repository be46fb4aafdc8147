# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of a new container against its own files, before anything is changed."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from typing import Optional

from ...errors import EngineError, InvalidOption
from ...frozen import replace
from ...kernel import untrusted_files
from ...kernel.files import held
from ...kernel.inroot import open_in_root
from ...model.container.spec import ContainerSpec
from ...model.engine.record import ContainerRecord
from ...model.mounts.mount import BIND, TMPFS, VOLUME, Mount
from ...rootfs import view
from ...runtime import hooks, host
from ...runtime.config import process
from ...runtime.config.request import BundleRequest
from ..core.engine import Engine
from ..core.source import Source
from ..preflight import hooks as hook_checks
from ..preflight.container_paths import UNKNOWN, Paths
from ..preflight.program import NotRunnable, Runner, Search
from ..resources.accounts import user_of
from .prediction import Shown, shown

#: Mount points of the runtime, whose content is unknown before the start.
_KERNELS = ("/proc", "/sys", "/dev")
#: Paths that every container has, whatever its devices.
_OWN = frozenset(
    "/dev/mqueue /dev/ptmx /dev/pts /dev/shm /etc/hostname /etc/hosts /etc/resolv.conf /run/.containerenv".split()
)
#: The path at which an init is checked: the directory of its real path may not exist before the runtime creates it.
_INIT = f"/{os.path.basename(process.INIT)}"
#: Files that runtimes read in the container before they start its program.
_ACCOUNTS = ("/etc/passwd", "/etc/group")


def check_files(engine: Engine, record: ContainerRecord, source: Source, *, starts: bool = True) -> bool:
    """Raise InvalidOption for a program, working directory or mount point that a new container can't use.

    Returns whether the program is in the root file system itself, and so exists whatever is mounted. It is looked up only
    if the container starts (``starts``).
    """
    spec = record.spec
    if not (spec.rootfs or source.image):
        return False
    with ExitStack() as stack:
        try:
            root = stack.enter_context(held(_open_root(engine, spec, source)))
        except (EngineError, OSError):  # this host can show it only at the start
            return False
        known, seen = _mounts(engine, record, source, stack)
        for mount in record.mounts.values():
            fd = seen.get(mount.destination, UNKNOWN)
            _check_place(root, seen, mount, known.get(mount.destination), fd)
        seen.update(dict.fromkeys(_KERNELS, UNKNOWN))
        _check_accounts(Paths(root, seen), spec)
        _check_devices(Paths(root, seen), spec)
        request = _request(spec, source)
        _check_workdir(Paths(root, seen), request)
        name, path = _program(request)  # podman's create refuses a container without a program, too
        found = hooks.find(spec.hooks_dir)
        if found:  # a hook may provide the program, or change it
            hook_checks.check(found, spec, name, Paths(root, seen))
            return False
        if not starts:  # a container for data often names a program that it does not have
            return False
        _check_init(root, seen, request, record)
        return _search(root, seen, request, record).check(name, path)


def explained(engine: Engine, record: ContainerRecord, source: Source, error: EngineError) -> EngineError:
    """Return a start's error, with what is wrong with the program, if anything, and a shell's ``rc``."""
    lowers = source.lowers[::-1]
    try:
        with ExitStack() as stack:
            root = (
                _open_root(engine, record.spec, source)
                if record.spec.rootfs
                else _open_own(engine, record, lowers)
            )
            stack.enter_context(held(root))
            _known, seen = _mounts(engine, record, source, stack)
            seen.update(dict.fromkeys(_KERNELS, UNKNOWN))
            request = _request(record.spec, source)
            _search(root, seen, request, record).check(*_program(request))
    except NotRunnable as found:
        error.fields.setdefault("rc", found.fields["rc"])
        error.message = f"{found.message} ({error.message})"
    except (EngineError, OSError):  # no further explanation
        pass
    return error


def _open_own(engine: Engine, record: ContainerRecord, lowers: tuple[str, ...]) -> int:
    container = engine.layout.container(record.id)
    return view.open_container(container, lowers, engine.layout.staging, driver=record.driver).fd


def _mounts(
    engine: Engine, record: ContainerRecord, source: Source, stack: ExitStack
) -> tuple[dict[str, Shown], dict[str, int]]:
    """Return by destination what mounts show, and a descriptor of each that hides the image's content."""
    known = shown(engine, record, source)
    seen = {path: _open(one, stack) for path, one in known.items() if not one.filled}
    seen.update({mount.destination: UNKNOWN for mount in record.mounts.values() if _is_own(mount)})
    return known, seen


def _request(spec: ContainerSpec, source: Source) -> BundleRequest:
    user, facts = user_of(spec, source, spec.image), host.facts(replace(spec, device=None))
    return BundleRequest("", spec, source.config, "", user, "", "", facts)


def _open_root(engine: Engine, spec: ContainerSpec, source: Source) -> int:
    if spec.rootfs:
        return os.open(spec.image, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    return view.open_image(source.lowers[::-1], engine.layout.staging)


def _open(one: Shown, stack: ExitStack) -> int:
    """Return a descriptor of what a mount shows, UNKNOWN if that can't be known now."""
    if one.path is None:
        return UNKNOWN
    subpath = one.mount.value("subpath")
    with suppress(OSError):
        whole = stack.enter_context(held(os.open(one.path, os.O_PATH | os.O_CLOEXEC)))
        return (
            whole if subpath is None else stack.enter_context(held(open_in_root(whole, subpath, os.O_PATH)))
        )
    return UNKNOWN


def _is_own(mount: Mount) -> bool:
    """Return whether a mount has its own content, unknown here; a tmpfs starts with the image's content."""
    return mount.kind not in (BIND, VOLUME, TMPFS) or "notmpcopyup" in mount.options


# -- mount points --------------------------------------------------------------------------------------


def _check_place(root: int, seen: Mapping[str, int], mount: Mount, one: Optional[Shown], fd: int) -> None:
    """Refuse a mount over another file type: a directory needs a directory, a file needs a file."""
    above = {
        path: other for path, other in seen.items() if mount.destination.startswith(f"{path.rstrip('/')}/")
    }
    is_directory = _shows_directory(one, fd)
    option = {TMPFS: "tmpfs", BIND: "volume", VOLUME: "volume"}.get(mount.kind, "mount")
    value = f"{mount.source}:{mount.destination}" if mount.source else mount.destination
    try:
        with Paths(root, above).find(mount.destination) as found:
            if found is None or is_directory is None:
                return
            there = stat.S_ISDIR(os.fstat(found.fd).st_mode)
    except NotADirectoryError:
        raise InvalidOption(
            option, value, "can't be mounted: a parent of its destination is a file in the image"
        ) from None
    except OSError:  # missing: the runtime creates it
        return
    if there != is_directory:
        what = ("a file", "a directory")
        raise InvalidOption(
            option,
            value,
            f"can't be mounted: it is {what[is_directory]}, and {mount.destination} is {what[there]} in the image",
        )


def _check_accounts(paths: Paths, spec: ContainerSpec) -> None:
    """Refuse account files that are endless or block a reader: the runtime reads them at the start."""
    for path in _ACCOUNTS:
        with suppress(OSError), paths.find(path) as found:
            if found is None or untrusted_files.keeps_nobody_waiting(found.fd):
                continue
            option, value = ("image", spec.image) if found.in_root else ("volume", path)
            why = f"can't be used: {path} would not be a regular file, and would block the OCI runtime"
            raise InvalidOption(option, value, why, remedy="Mount a file there, or /dev/null")


def _check_devices(paths: Paths, spec: ContainerSpec) -> None:
    """Refuse a device where the container has a file or a directory: runtimes silently keep that instead."""
    for device in (spec.device or {}).values():
        there = "the container's own" if device.destination in _OWN else _there(paths, device.destination)
        if there and not (there.startswith("a directory") and os.path.isdir(device.source)):
            value, place = f"{device.source}:{device.destination}", device.destination
            why = f"can't be created: {place} is {there}"
            raise InvalidOption(
                "device", value, why, remedy="Use a path that does not exist in the container"
            )


def _there(paths: Paths, path: str) -> str:
    """Return a text about what occupies a path; "" for nothing, or for a device, which may be replaced."""
    try:
        with paths.find(path) as found:
            mode = 0 if found is None else os.fstat(found.fd).st_mode
    except NotADirectoryError:
        return "below a file"
    except OSError:
        return ""
    kind = "a directory" if stat.S_ISDIR(mode) else "a file" if stat.S_ISREG(mode) else ""
    return f"{kind} in the container" if kind else ""


def _shows_directory(one: Optional[Shown], fd: int) -> Optional[bool]:
    if one is None or one.filled:
        return True
    return None if fd == UNKNOWN else stat.S_ISDIR(os.fstat(fd).st_mode)


def _check_workdir(paths: Paths, request: BundleRequest) -> None:
    """Refuse a working directory that is a file; the runtime creates a missing one."""
    cwd = process.working_directory(request)
    option = "workdir" if request.spec.workdir else "image"
    try:
        with paths.find(cwd) as found:
            if found is None or stat.S_ISDIR(os.fstat(found.fd).st_mode):
                return
    except FileNotFoundError:
        return
    except OSError as error:
        why = f"can't be the working directory: {os.strerror(error.errno or 0)}"
        raise InvalidOption(option, cwd, why) from None
    raise InvalidOption(option, cwd, "can't be the working directory: it is a file in the container")


# -- the program ---------------------------------------------------------------------------------------


def _search(root: int, seen: Mapping[str, int], request: BundleRequest, record: ContainerRecord) -> Search:
    spec, user = request.spec, request.user
    held_by_root = process.capabilities(request).get("effective", ())
    runner = Runner(
        user.uid,
        frozenset((user.gid, *user.groups)),
        overrides="CAP_DAC_OVERRIDE" in held_by_root,
        foreign=spec.userns is not None,
    )
    where = f"in the directory {spec.image}" if spec.rootfs else f"in image {spec.image}"
    executes = {place: "noexec" not in mount.options for place, mount in record.mounts.items()}
    return Search(
        Paths(root, seen, runner.may_pass, executes),
        runner,
        cwd=process.working_directory(request),
        option=_option(spec, request),
        where=where,
        kernels=[place for place in _KERNELS if place not in record.mounts],
    )


def _check_init(root: int, seen: Mapping[str, int], request: BundleRequest, record: ContainerRecord) -> None:
    """Refuse a host's init that can't be run in the container, which may lack the loader that it needs."""
    path = request.host.init_path
    if path is None or not os.path.isfile(path):  # preflight has reported that
        return
    with held(os.open(path, os.O_PATH | os.O_CLOEXEC)) as fd:
        try:
            _search(root, {**seen, _INIT: fd}, request, record).check(_INIT, "")
        except NotRunnable as error:
            option = "init_path" if request.spec.init_path else "init"
            why = f"can't be run in the container: {error.message.partition(': ')[2]}"
            raise InvalidOption(option, path, why, remedy="Use a statically linked program") from None


def _option(spec: ContainerSpec, request: BundleRequest) -> str:
    """Return the name of the option that sets the program."""
    if spec.entrypoint:
        return "entrypoint"
    of_image = request.image is not None and request.image.entrypoint and spec.entrypoint is None
    return "command" if spec.command and not of_image else "image"


def _program(request: BundleRequest) -> tuple[str, str]:
    """Return the program and the value of PATH."""
    argv = process.arguments(replace(request, spec=replace(request.spec, init=False)))
    variables = dict(item.partition("=")[::2] for item in process.environment(request))
    return argv[0], variables.get("PATH", process.PATH)
