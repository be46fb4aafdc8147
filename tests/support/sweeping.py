# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs of the sweep: how the host is made ready for each, how it is run, and how it must be afterwards."""

from __future__ import annotations

import atexit
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from powercut import reboot

import registries
from _engine.agent.install import exit_command
from _engine.errors import EngineError
from _engine.images.archive.open import open_archive
from _engine.images.layers.store import LayerStore
from _engine.images.save.image import OCI_ARCHIVE, OCI_DIR
from _engine.kernel.cgroup import cgroups
from _engine.kernel.net import links, nft
from _engine.kernel.net.addresses import listed
from _engine.kernel.net.netlink import Netlink
from _engine.kernel.process import find_by_argument
from _engine.lifecycle.build.commit import CommitRequest, commit
from _engine.lifecycle.container.exited import exited
from _engine.lifecycle.converge.container import converge
from _engine.lifecycle.converge.request import Request
from _engine.lifecycle.core.outcome import Outcome
from _engine.lifecycle.files.mount import UNMOUNTED, MountRequest, converge_mount
from _engine.lifecycle.host.boot import boot
from _engine.lifecycle.image.pull import pull
from _engine.lifecycle.image.push import Push, push
from _engine.lifecycle.image.save import SaveRequest, save
from _engine.lifecycle.image.tag import tag, untag
from _engine.lifecycle.info import info
from _engine.lifecycle.network.converge import converge_network
from _engine.lifecycle.network.tell import networks
from _engine.lifecycle.store.prune import prune
from _engine.lifecycle.store.repair import check
from _engine.lifecycle.volume.import_archive import VolumeImport, import_volume
from _engine.lifecycle.volume.snapshot import SnapshotRequest, converge_snapshot
from _engine.model.engine.prune import ImagePrune, Prune
from _engine.model.image.pull import Access, Pull
from _engine.model.network.grammar import parse
from _engine.network import rules
from _engine.plan.network import How
from _engine.state import images as image_rows
from _engine.volumes.snapshots import read as kept_of
from dockerarchive import layer, write_archive
from enginehost import Host, eventually

FULL = "localhost/full:1"
FOREVER = ("sleep", "1000")
#: What the image has at /data, for a volume to be filled with.
DATA = {f"data/{name}": text for name, text in {"a": b"first\n", "b": b"second\n" * 1000, "c/d": b""}.items()}
OPTIONS = {"image": FULL, "volume": ["data:/data"], "stop_timeout": 0}
#: What the engine mounts itself: a part of that volume, an overlay over it that is given away, an image.
PREPARED = [
    "type=volume,src=data,dst=/part,subpath=c",
    "type=volume,src=data,dst=/over,O,U",
    f"type=image,src={FULL},dst=/image",
]


def full_layer() -> bytes:
    """Return the layer that a copy-up copies."""
    return layer({"data": None, "data/c": None, **DATA})


@dataclass(frozen=True)
class Case:
    """A verb. ``ready`` comes before, ``act`` is what is swept, ``check`` fails unless the wanted state is there.

    ``most``: how many points are tried where not all would tell more.
    """

    ready: Callable[[Host], object]
    act: Callable[[Host], object]
    check: Callable[[Host], object]
    most: int = sys.maxsize


def start(host: Host, **options: object) -> object:
    """Have the container run."""
    return host.want("started", *FOREVER, **{**OPTIONS, **options})


def running(host: Host) -> None:
    """Check that the container runs once, under one conmon, and its volume is whole."""
    assert host.inspect()["State"]["Status"] == "running"
    record = host.record()
    assert record is not None
    assert record.intent == ""
    container = host.layout.container(record.id)
    # That of the run before may be on its way out: it calls the agent, which finds nothing to do.
    eventually(lambda: len(find_by_argument(container.conmon_pid_file)) == 1, "one conmon", timeout=20.0)
    assert list(cgroups.processes(host.layout.cgroup(record.id))) == [record.process.pid]
    assert os.listdir(host.layout.containers) == [record.id]
    whole(host)


def ended(host: Host) -> None:
    """Check that the container has ended and that nothing of its run is there; its volume is whole."""
    assert host.inspect()["State"]["Status"] == "exited"
    nothing_runs(host)
    whole(host)


def gone(host: Host) -> None:
    """No container is there, and its named volume is whole."""
    assert host.inspect() == {}
    assert os.listdir(host.layout.containers) == []
    nothing_runs(host)
    whole(host)


def nothing_runs(host: Host) -> None:
    """No process and no mount of a container is there; conmon may be on its way out."""
    eventually(lambda: not host.processes(), f"no process: {host.processes()}", timeout=20.0)
    assert host.mounts() == []


def whole(host: Host) -> None:
    """Check that the volume has what the image has, no more and no less."""
    top = host.data("data")
    found = {f"data/{path.relative_to(top)}": path.read_bytes() for path in top.rglob("*") if path.is_file()}
    assert found == DATA


def replaced(host: Host) -> None:
    """Check that the new one runs, and it alone."""
    running(host)
    assert host.record().spec.env == {"NEW": "1"}


def end_unseen(host: Host) -> None:
    """Leave a container that has ended, and that nobody has cleaned up."""
    with host.open() as engine:
        spec = host.spec("true", **OPTIONS)
        converge(engine, Request(spec.name, "started", spec), lambda _engine, keep: ("/bin/true",))
    container = host.layout.container(host.record().id)
    eventually(lambda: os.path.exists(container.exit_file), "an exit file")
    eventually(lambda: not find_by_argument(container.conmon_pid_file), "no conmon")


def clean_up(host: Host) -> None:
    """Do what the agent does at an exit."""
    with host.open() as engine:
        exited(engine, host.record().id, exit_command(engine, keep=False), keep=False)


def stop(host: Host) -> object:
    """Have the container not run."""
    return host.bring("box", "stopped", stop_time=0)


def remove(host: Host) -> object:
    """Have no container."""
    return host.bring("box", "absent", stop_time=0)


def nothing(_host: Host) -> None:
    """Nothing has to be ready."""


def archive(host: Host) -> Path:
    """Return the archive of an image, made once."""
    path = Path(f"{host.top}.load.tar")
    if not path.exists():
        write_archive(path, "localhost/loaded:1", [full_layer(), layer({"e": b"more"})])
    return path


def loaded(host: Host) -> None:
    """Check that the image is there, once, and that each file of its layers is as in the archive."""
    with host.open(read_only=True) as engine, engine.database.reading() as connection:
        names = [row["name"] for row in connection.execute("SELECT name FROM image_names")]
        rows = connection.execute("SELECT chain_id, diff_id FROM layers").fetchall()
    layers = [row["chain_id"] for row in rows]
    store = LayerStore(host.layout.layers, host.layout.staging)
    for row in rows:
        assert sum(map(len, store.assemble(row["chain_id"], diff_id=row["diff_id"])))
    assert "localhost/loaded:1" in names
    assert sorted(os.listdir(host.layout.layers)) == sorted(layers)
    assert os.listdir(host.layout.staging) == []
    digests = {
        hashlib.sha256(path.read_bytes()).hexdigest()
        for one in layers
        for path in Path(host.layout.layer_diff(one)).rglob("data/*")
        if path.is_file()
    }
    assert hashlib.sha256(DATA["data/b"]).hexdigest() in digests


#: The names that a sweep gives.
GIVEN = ["localhost/one:1", "localhost/two:1"]


def tag_image(host: Host) -> None:
    """Give the image two more names."""
    with host.open() as engine:
        tag(engine, "localhost/loaded:1", GIVEN)


def tagged(host: Host) -> None:
    """Check that the image has its names, in the database and beside it; take those that were given away again."""
    with host.open() as engine:
        (shape,) = info.images(engine, GIVEN[:1]).result["images"]
        beside = json.loads(Path(f"{host.layout.images}/{shape['Id']}.json").read_text())
        untag(engine, "localhost/loaded:1", GIVEN)
    assert shape["RepoTags"] == beside["names"] == ["localhost/loaded:1", *GIVEN]


def saved_to(host: Host) -> Path:
    """Return the directory that images are saved into."""
    path = Path(f"{host.top}.saved")
    path.mkdir(exist_ok=True)
    return path


def save_image(host: Host) -> None:
    """Save the image in two forms, over what is there."""
    for form in (OCI_ARCHIVE, OCI_DIR):
        with host.open() as engine:
            save(engine, SaveRequest(("localhost/loaded:1",), str(saved_to(host) / form), form))


def saved(host: Host) -> None:
    """Check that what was saved is whole, and that nothing lies beside it."""
    assert sorted(os.listdir(saved_to(host))) == [OCI_ARCHIVE, OCI_DIR]
    assert os.listdir(host.layout.staging) == []
    for form in (OCI_ARCHIVE, OCI_DIR):
        with open_archive(str(saved_to(host) / form), staging="/nowhere") as found:
            (image,) = found.images
            for one in image.layers:
                found.check(one)
    shutil.rmtree(saved_to(host))


def started_before_a_reboot(host: Host) -> None:
    """Leave what a power cut leaves of a container that is to run always."""
    start(host, restart_policy="always")
    reboot(host)


def refresh(host: Host) -> None:
    """Do what the first call after a reboot does."""
    with host.open():
        pass


def refreshed(host: Host) -> None:
    """Check that nothing of the earlier boot is left, and that the container can be started."""
    record = host.record()
    assert record is not None
    assert (record.status, record.process, record.intent, record.interrupted) == (
        "configured",
        None,
        "",
        True,
    )
    assert os.listdir(host.layout.run_containers) == os.listdir(host.layout.exits) == []
    nothing_runs(host)
    whole(host)


def boot_host(host: Host) -> None:
    """Do what the boot unit does."""
    with host.open() as engine:
        failed = [one.error for one in boot(engine, exit_command(engine, keep=False)) if one.error]
    if failed:
        raise EngineError(failed[0])


def leave_agent(host: Host) -> None:
    """Have the agent on the host."""
    with host.open() as engine:
        exit_command(engine, keep=False)


def agent_works(host: Host) -> None:
    """Check that the agent runs, and that nothing but it is there."""
    subprocess.run([host.layout.agent_program, "ps"], check=True, stdout=subprocess.DEVNULL)
    home = os.readlink(f"{host.layout.agent}/current")
    assert sorted(os.listdir(host.layout.agent)) == sorted(["current", home])


def live_with_tmpfs(host: Host) -> object:
    """Have the container live for a moment, with a volume that has a file system of its own, too."""
    host.volume("own", "present", "type=tmpfs")
    start(host, volume=[*OPTIONS["volume"], "own:/own"])
    return stop(host)


OLD, NEW = {"a": b"old\n", "d/b": b"old\n" * 1000}, {"a": b"new\n", "d/c": b"new\n" * 1000}


def filled(host: Host) -> None:
    """Leave a volume that holds the old content."""
    host.volume("content")
    for name, text in OLD.items():
        path = host.data("content") / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text)


def new_archive(host: Host) -> Path:
    """Return an archive with the new content, made once."""
    path = Path(f"{host.top}.content.tar")
    if not path.exists():
        path.write_bytes(layer({"d": None, **NEW}))
    return path


def import_content(host: Host) -> None:
    """Have the new content in the volume."""
    with host.open() as engine:
        import_volume(engine, VolumeImport("content", str(new_archive(host)), force=True))


def snapshot(host: Host, state: str = "present") -> None:
    """Have the snapshot, or the volume as it is."""
    with host.open() as engine:
        converge_snapshot(engine, SnapshotRequest("content", state, "one"))


def kept_and_changed(host: Host) -> None:
    """Leave a volume with the new content and a snapshot of the old one."""
    filled(host)
    snapshot(host)
    import_content(host)
    with host.open() as engine:
        for one in kept_of(host.layout.volume("content"))[1:]:
            converge_snapshot(engine, SnapshotRequest("content", "absent", one.name))


def holds(wanted: dict[str, bytes], *kept: tuple[str, dict[str, bytes]]) -> Callable[[Host], None]:
    """Return what checks a volume's content and its snapshots, by why they were kept, and that nothing is beside them."""

    def check(host: Host) -> None:
        top = host.data("content")
        assert _contents(top) == wanted
        found = kept_of(str(top.parent))
        told = [(one.reason, _contents(top.parent / "snapshots" / one.name / "data")) for one in found]
        assert told == [*kept]
        assert {*os.listdir(top.parent)} <= {"data", "snapshots", "origin.json", ".staging"}
        assert os.listdir(top.parent / ".staging") == os.listdir(host.layout.staging) == []

    return check


def _contents(top: Path) -> dict[str, bytes]:
    return {str(path.relative_to(top)): path.read_bytes() for path in top.rglob("*") if path.is_file()}


def mount(host: Host) -> None:
    """Have the root file system mounted for tools on the host."""
    with host.open() as engine:
        converge_mount(engine, MountRequest("box"))


def mounted(host: Host) -> None:
    """Check that it is mounted, once, and goes when nobody wants it any more."""
    (entry,) = host.mounts()
    assert entry == f"mount {host.layout.container(host.record().id).merged}"
    with host.open() as engine:
        converge_mount(engine, MountRequest("box", UNMOUNTED))
    assert host.mounts() == []


def change_network(host: Host) -> None:
    """Have a network, then another one in its place, then none beside it."""
    for task in ({"name": "app"}, {"name": "app", "internal": True}, {"name": "other"}):
        _network(host, task)
    _network(host, {"name": "other"}, "absent")


def _network(host: Host, task: dict[str, object], state: str = "present") -> None:
    with host.open() as engine:
        converge_network(engine, parse(task), state)


def network_changed(host: Host) -> None:
    """Check that there is the one network, as it was asked for last."""
    with host.open() as engine:
        (shape,) = networks(engine).result["networks"]
        with engine.database.reading() as connection:
            rows = connection.execute("SELECT name, removing FROM networks").fetchall()
    assert (shape["name"], shape["internal"], [*map(tuple, rows)]) == ("app", True, [("app", 0)])


#: A container in two networks, with ports of the host.
IN_NETWORKS = {"network": ["one:alias=first", "two"], "publish": ["8080:80", "8080:80/udp"]}


def start_in_networks(host: Host) -> object:
    """Have the container run in two networks."""
    return start(host, **IN_NETWORKS)


def two_networks(host: Host) -> None:
    """Leave two networks, the second with IPv6."""
    host.network("one", subnet="10.97.1.0/24")
    host.network("two", subnet=["10.97.2.0/24", "fd97:2::/64"])


def in_networks(host: Host) -> None:
    """Check that the container runs, that the kernel has its interfaces, rules and ports, each once, and nothing more."""
    running(host)
    record = host.record()
    assert [one.addresses for one in record.endpoints] == [("10.97.1.2",), ("10.97.2.2", "fd97:2::2")]
    there = host.links()
    assert len(there) == 5, there  # two bridges, two ends, one table
    objects = nft.table("inet", rules.table_of(host.layout.root))
    assert len(rules.owned(objects, record.id)) == 4
    with suppress(OSError):
        socket.create_server(("", 8080)).close()
        raise AssertionError("nobody holds the port")


def out_of_networks(host: Host) -> None:
    """Check that the container has ended, and that the kernel has nothing of its networks; its addresses are kept."""
    ended(host)
    there = host.links()
    assert there == []
    assert len(host.record().endpoints) == 2


def gone_from_networks(host: Host) -> None:
    """Check that there is no container, and nothing of networks but the networks."""
    gone(host)
    there = host.links()
    assert there == []


def live(*networks: str, beside: bool = False) -> Callable[[Host], None]:
    """Return what leaves the container running in these networks, with a port, and perhaps another one in both."""

    def ready(host: Host) -> None:
        two_networks(host)
        start(host, network=[*networks], publish=["8080:80"])
        if beside:
            host.start(*FOREVER, name="beside", image=FULL, network=["two", "one"], stop_timeout=0)

    return ready


def lives_with(interfaces: str, port: int, many: int, *addresses: str) -> Callable[[Host], None]:
    """Return what checks that the container runs on with these interfaces, addresses and port, and that there is no more.

    ``many``: how many interfaces and tables the host has.
    """

    def check(host: Host) -> None:
        record = host.record()
        assert (host.inspect()["State"]["Status"], record.intent) == ("running", "")
        with Netlink(f"/proc/{record.process.pid}/ns/net") as netlink:
            inside = {link.name: link.ifindex for link in links.listed(netlink)}
            found = {one.address.partition("/")[0] for one in listed(netlink)} & {*addresses}
        assert (sorted(inside), found) == (sorted(["lo", *interfaces.split()]), {*addresses})
        there = host.links()
        assert len(there) == many, there
        keys = [
            one.key for one in rules.owned(nft.table("inet", rules.table_of(host.layout.root)), record.id)
        ]
        assert {*keys} == {f"6 . {port}"}
        for each in (8080, 8081):
            with suppress(OSError):
                socket.create_server(("", each)).close()
                assert each != port, "nobody holds the port"
        assert not os.path.exists(f"{host.layout.container(record.id).run}/networks.json")
        whole(host)

    return check


def remove_by_force(host: Host) -> object:
    """Have no second network, whoever is in it."""
    return host.network("two", "absent", how=How(force=True))


def remake(host: Host) -> object:
    """Have another first network, whoever is in it; one that is so already is not made anew."""
    return host.network("one", subnet="10.97.8.0/24", how=How(recreate=not remade(host)))


def remade(host: Host) -> bool:
    """Tell whether the first network is another one already."""
    with host.open(read_only=True) as engine:
        (shape,) = networks(engine, ["one"]).result["networks"]
    return bool(shape["subnets"][0]["subnet"] == "10.97.8.0/24")


class Corp:
    """A network of plugins, whose addresses lie beside the engine."""

    def __init__(self, host: Host) -> None:
        self.top = Path(f"{host.top}.cni")
        self.top.mkdir(exist_ok=True)

    def ready(self, host: Host) -> None:
        """Leave the network; no address is given out, whatever an earlier run did."""
        shutil.rmtree(self.top / "corp", ignore_errors=True)
        ipam = {"type": "host-local", "ranges": [[{"subnet": "10.97.3.0/24"}]], "dataDir": str(self.top)}
        bridge = {"type": "bridge", "bridge": "corp0", "isGateway": True, "ipam": ipam}
        plugins = [
            bridge,
            {"type": "tuning", "dataDir": str(self.top), "sysctl": {"net.core.somaxconn": "77"}},
        ]
        text = json.dumps({"name": "corp", "cniVersion": "1.0.0", "plugins": plugins})
        (self.top / "list").write_text(text)
        host.network("corp", driver="cni", opt={"conflist": str(self.top / "list")})

    @property
    def leased(self) -> list[str]:
        """Return the addresses that are given out."""
        return [path.name for path in self.top.glob("corp/10.*")]


def by_plugins(host: Host) -> None:
    """Leave a network of plugins."""
    Corp(host).ready(host)


def start_by_plugins(host: Host) -> object:
    """Have the container run there."""
    return start(host, network=["corp"])


def in_plugins_network(host: Host) -> None:
    """Check that the container runs with the one address that is given out."""
    running(host)
    assert [*host.record().endpoints[0].addresses] == Corp(host).leased


def out_of_plugins_network(host: Host) -> None:
    """Check that the container has ended, and no address is given out."""
    ended(host)
    assert Corp(host).leased == []


def written(host: Host) -> None:
    """Leave a container that runs, and has written and removed something."""
    start(host)
    root = Path(f"/proc/{host.inspect()['State']['Pid']}/root")
    (root / "etc/written").write_bytes(DATA["data/b"])
    (root / "etc/group").unlink()


def commit_box(host: Host) -> None:
    """Commit the container."""
    with host.open() as engine:
        commit(engine, CommitRequest("box", "localhost/loaded:1", cache_key="sweep"))


def committed(host: Host) -> None:
    """Check that the image is there, once, with what was written; that the container runs, and nothing else is left."""
    running(host)
    with host.open(read_only=True) as engine, engine.database.reading() as connection:
        image = image_rows.by_name(connection, "localhost/loaded:1")
        known = image_rows.all(connection)
        layers = [row["chain_id"] for row in connection.execute("SELECT chain_id FROM layers")]
    assert sum("slipway.oci.stage" in one.config.decode() for one in known) == 1
    assert sorted(os.listdir(host.layout.layers)) == sorted(layers)
    assert os.listdir(host.layout.staging) == []
    top = Path(host.layout.layer_diff(image.layers[-1].chain_id))
    assert sorted(path.name for path in (top / "etc").iterdir()) == ["group", "written"]
    assert (top / "etc/written").read_bytes() == DATA["data/b"]


#: What an image is pulled by, wherever its registry listens.
PULLED = "registry.example/team/loaded:1"
#: The registries of this run by network namespace; each ends with us.
_REGISTRIES: dict[str, registries.Registry] = {}
_RUNNING = ExitStack()
atexit.register(_RUNNING.close)


def registry_of(host: Host) -> registries.Registry:
    """Return a registry in this network namespace that has the image."""
    here = os.readlink("/proc/thread-self/ns/net")
    if here not in _REGISTRIES:
        top = Path(tempfile.mkdtemp(prefix="sweep-registry-"))
        _RUNNING.callback(shutil.rmtree, top, ignore_errors=True)
        _REGISTRIES[here] = _RUNNING.enter_context(registries.registry(top / "registry"))
        _REGISTRIES[here].push(f"docker-archive:{archive(host)}", "team/loaded:1")
    return _REGISTRIES[here]


def access_of(host: Host) -> Access:
    """Return how the registry is reached."""
    there = registry_of(host)
    conf = Path(f"{host.top}.registries.json")
    entry = {"prefix": "registry.example", "location": there.address, "insecure": True}
    conf.write_text(json.dumps({"registry": [entry]}))
    return Access(registries_conf=str(conf), retry_delay=0.05)


def pull_image(host: Host) -> None:
    """Pull the image from the registry."""
    access = access_of(host)
    with host.open() as engine:
        pull(engine, Pull(PULLED, "always", access=access))


def to_push(host: Host) -> None:
    """Load the image, and choose a repository that the registry does not have."""
    registry_of(host)
    host.load(archive(host))
    Path(f"{host.top}.repository").write_text(f"registry.example/team/pushed-{os.urandom(4).hex()}:1")


def push_image(host: Host) -> Outcome:
    """Push the image to that repository."""
    access, name = access_of(host), Path(f"{host.top}.repository").read_text()
    with host.open() as engine:
        return push(engine, Push("loaded:1", name, access))


def pushed(host: Host) -> None:
    """Check that the registry has the image, and that the store is whole."""
    assert push_image(host).actions == ()
    whole_store(host)


def pulled(host: Host) -> None:
    """Check that the image is there, that its files are as in the archive, and that nothing is wrong with the store."""
    with host.open(read_only=True) as engine:
        assert PULLED in info.images(engine, [PULLED]).result["images"][0]["RepoTags"]
        assert check(engine).result["faults"] == []
    whole_store(host)


def whole_store(host: Host) -> None:
    """Check that each layer has a row, and that nothing is under way."""
    with host.open(read_only=True) as engine, engine.database.reading() as connection:
        known = [row["chain_id"] for row in connection.execute("SELECT chain_id FROM layers")]
    assert sorted(os.listdir(host.layout.layers)) == sorted(known)
    assert os.listdir(host.layout.staging) == os.listdir(f"{host.layout.blobs}/partial") == []


def two_to_prune(host: Host) -> None:
    """Leave an image without a name, one with, and a container that has ended."""
    pull_image(host)
    host.build("localhost/loaded:1", layer({"x": b"1"}))
    host.build("localhost/loaded:1", layer({"x": b"2"}))
    start(host)
    stop(host)


def prune_all(host: Host) -> None:
    """Prune containers and images."""
    with host.open() as engine:
        prune(engine, Prune(containers=(), images=ImagePrune()))
        prune(engine, Prune(images=ImagePrune(all=True, filters=(("reference", "*loaded"),))))


def pruned(host: Host) -> None:
    """Check that the image of other tests is there, and nothing else."""
    gone(host)
    whole_store(host)
    with host.open(read_only=True) as engine:
        left = [shape["RepoTags"] for shape in info.images(engine).result["images"]]
        assert check(engine).result["faults"] == []
    assert not [tags for tags in left if not tags or "loaded" in tags[0]]


def torn(host: Host) -> None:
    """Leave a pulled image with a torn layer, without what lies beside it, and a layer that nobody has."""
    pull_image(host)
    with host.open(read_only=True) as engine, engine.database.reading() as connection:
        image = image_rows.by_name(connection, PULLED)
    shutil.rmtree(host.layout.layer_diff(image.layers[0].chain_id))
    Path(host.layout.layer_diff(image.layers[1].chain_id), "e").write_bytes(b"less")
    Path(host.layout.images, f"{image.id.removeprefix('sha256:')}.json").unlink()
    Path(host.layout.layers, "f" * 64).mkdir()


def repair_store(host: Host) -> None:
    """Check the store and repair it."""
    with host.open() as engine:
        check(engine, repair=True)


CASES = {
    "create and start with copy-up": Case(nothing, start, running),
    "start": Case(lambda host: (start(host), stop(host)), start, running),
    "stop": Case(start, stop, ended),
    "start and stop with a tmpfs": Case(live_with_tmpfs, live_with_tmpfs, ended),
    "restart": Case(
        lambda host: start(host, mount=PREPARED),
        lambda host: host.bring("box", "restarted", stop_time=0),
        running,
    ),
    "replace": Case(start, lambda host: start(host, env={"NEW": "1"}), replaced),
    "remove": Case(start, remove, gone),
    "remove a stopped one": Case(lambda host: (start(host), stop(host)), remove, gone),
    "cleanup at exit": Case(end_unseen, clean_up, ended),
    "refresh": Case(started_before_a_reboot, refresh, refreshed),
    "boot": Case(started_before_a_reboot, boot_host, running),
    "mount": Case(lambda host: host.want("created", *FOREVER, **OPTIONS), mount, mounted),
    # Hundreds of files are written in the same way.
    "agent": Case(lambda host: shutil.rmtree(host.layout.agent), leave_agent, agent_works, most=150),
    "image load": Case(nothing, lambda host: host.load(archive(host)), loaded),
    "pull": Case(registry_of, pull_image, pulled),
    "prune": Case(two_to_prune, prune_all, pruned),
    "repair": Case(torn, repair_store, pulled),
    "image tag": Case(lambda host: host.load(archive(host)), tag_image, tagged),
    "image save": Case(lambda host: host.load(archive(host)), save_image, saved),
    "commit": Case(written, commit_box, committed),
    "push": Case(to_push, push_image, pushed),
    "start in networks": Case(two_networks, start_in_networks, in_networks),
    "stop in networks": Case(
        lambda host: (two_networks(host), start_in_networks(host)), stop, out_of_networks
    ),
    "replace in networks": Case(
        lambda host: (two_networks(host), start_in_networks(host)),
        lambda host: start(host, **IN_NETWORKS, env={"NEW": "1"}),
        in_networks,
    ),
    "remove in networks": Case(
        lambda host: (two_networks(host), start_in_networks(host)), remove, gone_from_networks
    ),
    "start by plugins": Case(by_plugins, start_by_plugins, in_plugins_network, most=100),
    "stop by plugins": Case(
        lambda host: (by_plugins(host), start_by_plugins(host)), stop, out_of_plugins_network, most=60
    ),
    "attach in networks": Case(
        live("one"),
        lambda host: start(host, network=["one", "two:alias=x"], publish=["8081:80"]),
        lives_with("eth0 eth1", 8081, 5, "10.97.1.2", "10.97.2.2", "fd97:2::2"),
    ),
    "detach in networks": Case(
        live("one", "two"),
        lambda host: start(host, network=["two:ip=10.97.2.9"], publish=["8080:80"]),
        lives_with("eth1", 8080, 3, "10.97.2.9", "fd97:2::2"),
    ),
    "remove by force in networks": Case(
        live("one", "two", beside=True), remove_by_force, lives_with("eth0", 8080, 4, "10.97.1.2")
    ),
    "remake in networks": Case(
        live("one", "two", beside=True), remake, lives_with("eth0 eth1", 8080, 7, "10.97.2.2", "fd97:2::2")
    ),
    "network": Case(nothing, change_network, network_changed),
    "volume import": Case(filled, import_content, holds(NEW, ("before-import", OLD))),
    "volume snapshot": Case(filled, snapshot, holds(OLD, ("asked", OLD))),
    "volume restore": Case(
        kept_and_changed,
        lambda host: snapshot(host, "restored"),
        holds(OLD, ("asked", OLD), ("before-restore", NEW)),
    ),
}
