# SPDX-License-Identifier: GPL-3.0-or-later
"""A container's bundle: config.json and the files of the run directory.

Seed: generateSpec, saveSpec, writeStringToRundir.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from ...frozen import replace
from ...kernel.inroot import landing
from ...model.container import namespaces
from ...model.container.cgroup import for_runtime
from ...model.engine.layout import ContainerLayout
from ...model.engine.record import ContainerRecord
from ...runtime import files, host, timezone
from ...runtime.config.build import BundleRequest, build
from ..core.engine import Engine
from ..core.source import Source
from ..preflight.container import seccomp_profile
from ..resources.accounts import user_of
from ..resources.contract import Joined, Run
from ..wiring import name_files, names
from .account_lines import Accounts, settle
from .hooks import with_hooks

#: The container's user must be able to read them.
_READABLE = 0o644
_NO_ACCOUNTS = Accounts({}, None)


def write_bundle(engine: Engine, run: Run) -> None:
    """Write config.json and the files that it refers to; done at each start."""
    record = run.record
    container = engine.layout.container(record.id)
    paths = {path: engine.layout.volume_data(name) for path, name in record.volumes.items()}
    request = bundle_request(
        container,
        record,
        run.source,
        run.rootfs,
        run.shared,
        volume_paths=paths,
        prepared=run.prepared,
        accounts=_accounts(record, run.source, run.rootfs),
        own_namespaces=run.own_namespaces,
        attached=run.attached,
        servers=run.servers,
    )
    write_config(container, with_hooks(request.spec, build(request)))


def bundle_request(
    container: ContainerLayout,
    record: ContainerRecord,
    source: Source,
    rootfs: str,
    shared: Joined,
    *,
    volume_paths: Mapping[str, str],
    prepared: Mapping[str, str],
    accounts: Accounts = _NO_ACCOUNTS,
    own_namespaces: Mapping[str, str] = MappingProxyType({}),
    attached: names.Attached = (),
    servers: Sequence[str] = (),
) -> BundleRequest:
    """Write the files that config.json refers to, and return what config.json is built from."""
    spec = replace(record.spec, mounts=record.mounts)
    hostname = shared.hostname or namespaces.hostname_of(spec, record.id, os.uname().nodename)
    shm = None if spec.ipc == namespaces.NONE else shared.shm or container.shm
    user = user_of(spec, source, rootfs)
    return BundleRequest(
        id=record.id,
        spec=spec,
        image=source.config,
        rootfs=rootfs,
        user=user if accounts.home is None else replace(user, home=accounts.home),
        hostname=hostname,
        files={
            **_write_files(container, record, hostname, attached, servers),
            **_bound(container, record, accounts.files),
            **shared.files,
        },
        shm=shm,
        volume_paths=volume_paths,
        cgroup_path=for_runtime(record.cgroup),
        host=host.facts(spec),
        seccomp_profile=seccomp_profile(spec.security_opt or ()),
        joined=shared.paths,
        own_namespaces=own_namespaces,
        mapping=record.mapping,
        landings=_landings(rootfs, record),
        prepared=prepared,
    )


def write_config(container: ContainerLayout, config: Mapping[str, Any]) -> None:
    """Write config.json to the container's bundle."""
    _write(f"{container.bundle}/config.json", json.dumps(config).encode(), 0o600)


def _accounts(record: ContainerRecord, source: Source, rootfs: str) -> Accounts:
    """Add account entries for a numeric user; a trial, which does not call this, adds none."""
    spec, image = record.spec, source.config
    name = spec.user if spec.user is not None else (image.user if image else "")
    workdir = spec.workdir or (image.working_dir if image else "") or "/"
    return settle(record, name, user_of(spec, source, rootfs), workdir, rootfs)


def _landings(rootfs: str, record: ContainerRecord) -> dict[str, str]:
    """Return the resolved path of each destination that contains symlinks."""
    found = {path: landing(rootfs, path) for path in record.mounts}
    return {path: leads for path, leads in found.items() if leads != path}


def _write_files(
    container: ContainerLayout,
    record: ContainerRecord,
    hostname: str,
    attached: names.Attached,
    served: Sequence[str],
) -> dict[str, str]:
    spec = record.spec
    texts = {
        **({} if spec.no_hostname else {"/etc/hostname": files.hostname(hostname)}),
        **name_files.hosts(record, hostname, attached),
        **name_files.resolv_conf(spec, attached, served),
        "/run/.containerenv": files.containerenv(
            privileged=spec.privileged,
            name=record.name,
            container_id=record.id,
            image=spec.image,
            image_id=record.image_id or "",
        ),
    }
    contents = {path: text.encode() for path, text in texts.items()}
    if record.spec.timezone is not None:
        contents["/etc/localtime"] = timezone.content(record.spec.timezone)
    return _bound(container, record, contents)


def _bound(
    container: ContainerLayout, record: ContainerRecord, contents: Mapping[str, bytes]
) -> dict[str, str]:
    """Write the files that the container bind-mounts; return their paths on the host by destination."""
    targets = {path: f"{container.files}/{os.path.basename(path).lstrip('.')}" for path in contents}
    for path, content in contents.items():
        _write(targets[path], content, _READABLE)
        if record.mapping is not None:
            os.chown(targets[path], *record.mapping.root)
    return targets


def _write(path: str, content: bytes, mode: int) -> None:
    """Write the file without a sync: each start rewrites it, so damage by a power loss is never read."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode), "wb") as stream:
        os.fchmod(stream.fileno(), mode)  # regardless of the umask
        stream.write(content)
