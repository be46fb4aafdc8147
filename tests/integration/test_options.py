# SPDX-License-Identifier: GPL-3.0-or-later
"""Every option of a container: set, set again, altered, removed; made from the engine's own table of options.

What a task writes goes the module's way: Ansible's argument spec, the request, the engine.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.slipway.oci.plugins.module_utils._engine.errors import HostLacks, InvalidOption
from ansible_collections.slipway.oci.plugins.module_utils._engine.lifecycle.host.opening import open_engine
from ansible_collections.slipway.oci.plugins.module_utils._engine.lifecycle.preflight import container, limits
from ansible_collections.slipway.oci.plugins.module_utils._engine.lifecycle.resources import (
    id_mapping,
    userns_access,
)
from ansible_collections.slipway.oci.plugins.module_utils._module.tasks.container import converge_container
from ansible_collections.slipway.oci.plugins.module_utils._module.tasks.container_options import argument_spec
from ansible_collections.slipway.oci.plugins.module_utils._module.tasks.container_request import to_request
from journal import JOURNALD, own_journal, own_run

from optioncases import LIVE, NETWORK, ROWS

#: What every task of these tests writes beside the option in question.
BASE = {"name": "box", "image": "localhost/app:1", "network": "none", "state": "created"}
ARGUMENTS = argument_spec()
VALIDATOR = ArgumentSpecValidator(ARGUMENTS)


@pytest.fixture
def want(ready, tmp_path, monkeypatch):
    """Return the function that carries out a task of module container; ``{tmp}`` in a value is the test's directory."""
    # pytest's directories let no user namespace's root pass, and none is started here.
    monkeypatch.setattr(userns_access, "check", lambda *_arguments: None)
    # Nor are options that one version of cgroups alone has.
    monkeypatch.setattr(container, "_check_cgroup_version", lambda *_arguments: None)
    # Nor on a machine with the memory nodes that an alteration needs.
    (tmp_path / "nodes").write_text("0-1\n")
    monkeypatch.setitem(limits._ONLINE, "cpuset_mems", str(tmp_path / "nodes"))
    (tmp_path / "one.env").write_text("MODE=one\n")
    (tmp_path / "two.env").write_text("MODE=two\n")

    def want(**options: Any):
        written = json.loads(json.dumps({**BASE, **options}).replace("{tmp}", str(tmp_path)))
        checked = VALIDATOR.validate(written)
        assert checked.error_messages == []
        request = to_request(checked.validated_parameters)
        with open_engine(ready.layout.root, ready.layout.run_root) as engine:
            return converge_container(engine, request)

    return want


def named(outcome: Any) -> set[str]:
    """Return the names in an outcome's diff."""
    return {item.option for item in outcome.differences}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.option)
def test_option(need, ready, want, row):
    """An option set is a change, set again in other words is none, altered is named in the diff, removed goes back."""
    need(row.option != "init" or shutil.which("catatonit"), "catatonit")
    if row.beside.get("network") == [NETWORK["name"]]:
        ready.network(**NETWORK)
    plain = want(**row.beside)
    first = {**row.beside, row.option: row.first}

    outcome = want(**first)
    assert (outcome.changed, outcome.cost) == (True, row.change)
    assert {name.partition(".")[0] for name in named(outcome)} == {
        name.partition(".")[0] for name in row.names
    }
    stored = outcome.result["spec"]
    assert stored != plain.result["spec"]

    for spelling in (row.option, *ARGUMENTS[row.option].get("aliases", ())):
        again = want(**row.beside, **{spelling: row.same})
        assert (again.actions, named(again), again.result["spec"]) == ((), set(), stored), spelling

    altered = want(**{**first, row.option: row.altered})
    assert (altered.changed, altered.cost, named(altered)) == (True, row.change, row.names)
    assert all(item.before != item.after for item in altered.differences)

    back = want(**first)
    assert (back.changed, named(back), back.result["spec"]) == (True, row.names, stored)

    removed = want(**row.beside)
    assert (removed.changed, named(removed)) == (True, named(outcome))
    assert removed.result["spec"] == plain.result["spec"]
    assert want(**row.beside).actions == ()


def test_private_is_what_unset_means(want):
    """The words for a container's own namespaces are no change from unset where unset means just that."""
    want()
    assert want(pid="private", uts="private", ipc="shareable").actions == ()
    assert named(want(ipc="private", cgroupns="private")) == {"ipc", "cgroupns"}


@pytest.mark.parametrize(
    "option",
    [
        name
        for name, item in ARGUMENTS.items()
        if item["type"] in ("list", "dict") and name in {row.option for row in ROWS}
    ],
)
def test_an_empty_list_or_mapping_is_as_unset(want, option):
    """An empty list or mapping asks for nothing, so it is no change from unset, and back."""
    want()
    empty = [] if ARGUMENTS[option]["type"] == "list" else {}
    assert want(**{option: empty}).actions == ()
    assert want().actions == ()


def test_an_empty_command_is_as_unset(want):
    """An empty command means the image's own, as unset does; the entrypoint's emptiness means that there is none."""
    want()
    assert want(command=[]).actions == ()
    assert named(want(entrypoint=[])) == {"entrypoint"}


def test_one_mount_in_three_words_is_one_mount(want):
    """A tmpfs or a volume is the same whether volume, mount or tmpfs says it."""
    want(tmpfs={"/tmp": "size=1m"}, volume=["data:/data:ro"])
    again = want(mount=["type=tmpfs,dst=/tmp,tmpfs-size=1m", "type=volume,src=data,dst=/data,ro=true"])
    assert again.actions == ()


def test_name(want):
    """Another name is another container, and the first one stays; a name that differs by case too."""
    first = want().result["container"]
    other = want(name="Box")
    assert (other.actions, other.differences) == (("created Box",), ())
    assert want(name="Box").actions == ()
    assert want().result["container"]["Id"] == first["Id"] != other.result["container"]["Id"]


def test_image(want):
    """Another name or the id of the same image is no change, unless image_strict; another image is; none is about the state."""
    image = want().result["container"]["Image"]
    assert [want(image=name).actions for name in ("app:1", image, image[:12])] == [()] * 3
    assert named(want(image=image, image_strict=True)) == {"image"}
    with pytest.raises(InvalidOption, match="leaves nothing to run"):
        want(image="localhost/box:1")
    altered = want(image="localhost/box:1", command=["true"])
    assert (altered.cost, named(altered)) == ("recreate", {"image", "command"})
    assert want().changed
    assert want(image=None).actions == ()


def test_rootfs(want, tmp_path):
    """A directory in place of an image is a change of both options, another directory of the image, and back."""
    plain = want()
    directory, other = tmp_path / "tree", tmp_path / "Tree"
    for path in (directory, other):
        (path / "bin").mkdir(parents=True)
        shutil.copy(shutil.which("busybox"), path / "bin/true")
    first = want(rootfs=True, image=str(directory), command=["/bin/true"])
    assert named(first) == {"image", "rootfs", "command"}
    assert want(rootfs="yes", image=str(directory), command=["/bin/true"]).actions == ()
    assert named(want(rootfs=True, image=str(other), command=["/bin/true"])) == {"image"}
    removed = want()
    assert (named(removed), removed.result["spec"]) == ({"image", "rootfs", "command"}, plain.result["spec"])


def test_network(want):
    """Modes and names are a change from each other, in each spelling; unset means the default network, by each of its names."""
    want(network=["host"])
    for spelling in ("network", "net", "network_mode"):
        assert want(**{"network": None, spelling: "host"}).actions == ()
    for other in ("none", "ns:/proc/self/ns/net"):
        altered = want(network=[other])
        assert (altered.cost, named(altered)) == ("recreate", {"network"})
    assert want(network="ns:/proc//self/ns/net").actions == ()
    assert named(want(network=None)) == {"network"}
    for word in ("bridge", "private", "slipway"):
        assert want(network=word).actions == ()


def test_userns(want, monkeypatch, tmp_path):
    """The words for a user namespace make one value: host is unset, one name serves for both, each part is a difference."""
    for name in ("SUBUID", "SUBGID"):
        tmp_path.joinpath(name).write_text("containers:100000:65536\nann:200000:10\nbob:300000:10\n")
        monkeypatch.setattr(id_mapping, name, str(tmp_path / name))
    plain = want()
    assert want(userns="host").actions == ()
    assert named(want(userns="auto")) == {"userns.mode"}
    assert want(userns_mode="auto").actions == ()
    sized = want(userns="auto:size=2000")
    assert (named(sized), sized.cost) == ({"userns.size"}, "recreate")
    assert sized.result["container"]["HostConfig"]["IDMappings"]["UidMap"] == ["0:100000:2000"]
    assert named(want(subuidname="ann")) == {f"userns.{key}" for key in ("mode", "size", "subuid", "subgid")}
    assert want(subgidname="ann", userns="private").actions == ()
    assert named(want(subuidname="ann", subgidname="bob")) == {"userns.subgid"}
    assert want().result["spec"] == plain.result["spec"]


def test_log_driver(want):
    """A file is what unset means, under both its names; the journal is another, and has a tag but no file's options."""
    want()
    for driver in ("k8s-file", "json-file"):
        assert want(log_driver=driver).actions == ()
    assert want().actions == ()
    with (
        own_run(),
        pytest.raises(HostLacks, match="needs systemd-journald, which is not running on this host"),
    ):
        want(log_driver="journald")
    for driver, options in (
        ("journald", {"max_size": "10m"}),
        ("journald", {"max_size": "10m", "max_file": 2}),
        ("journald", {"path": "/x.log"}),
        ("k8s-file", {"tag": "x"}),
    ):
        with pytest.raises(InvalidOption, match=f"is invalid with log_driver {driver}"):
            want(log_driver=driver, log_opt=options)


def test_log_in_the_journal(need, want):
    """Driver and tag are differences as any other; the same again is none."""
    need(os.path.exists(JOURNALD) and shutil.which("journalctl"), "systemd-journald")
    with own_journal():
        want()
        for _time in range(2):
            changed = want(log_driver="journald")
        assert changed.actions == ()
        outcome = want(log_driver="journald", log_opt={"tag": "{{.Name}}"})
        assert (named(outcome), outcome.cost) == ({"log_opt.tag"}, "recreate")
        assert want(log_driver="journald", log_options={"tag": "{{.Name}}"}).actions == ()
        assert named(want()) == {"log_driver", "log_opt.tag"}


def test_a_file_of_variables_that_has_changed(want, tmp_path):
    """A changed file is a change of the variables in it, by name and value; env is over it."""
    want(env_file=["{tmp}/one.env"])
    tmp_path.joinpath("one.env").write_text("MODE=two\nMORE=x\n")
    outcome = want(env_file=["{tmp}/one.env"])
    assert {(item.option, item.before, item.after) for item in outcome.differences} == {
        ("env.MODE", "one", "two"),
        ("env.MORE", None, "x"),
    }
    assert want(env_file=["{tmp}/one.env"], env={"MODE": "two"}).actions == ()


def test_requires(want):
    """Names in another order are no change; another name is, and takes a new container."""
    for name in ("one", "two"):
        want(name=name)
    assert want(requires=["one", "two"]).actions == ("created box",)
    assert want(requires=["two", "one"]).actions == ()
    outcome = want(requires=["one"])
    assert (named(outcome), outcome.cost) == ({"requires"}, "recreate")
    assert want().actions == ("removed box", "created box")


def test_volumes_from(want):
    """Other words for the same are no change; an access, an order, and what the others mount by now are one."""
    want(name="one", volume=["data:/data", "/etc:/e:ro"])
    want(name="two", volume=["more:/data", "/anonymous"])
    first = want(volumes_from=["one", "two"])
    shown = {mount["Destination"]: mount for mount in first.result["container"]["Mounts"]}
    assert {*shown} == {"/data", "/e", "/anonymous"}
    assert (shown["/data"]["Name"], shown["/e"]["RW"]) == ("more", False)
    assert first.result["container"]["HostConfig"]["VolumesFrom"] == ["one", "two"]
    assert want(volumes_from=["one", "two"]).actions == ()

    turned = want(volumes_from=["two", "one"])
    assert (named(turned), turned.cost) == ({"volumes_from"}, "recreate")
    assert named(want(volumes_from=["two:ro", "one:z,rw"])) == {"volumes_from"}
    assert want(volumes_from=["two:ro", "one:rw,z,z"]).actions == ()
    assert named(want(volumes_from=["one"])) == {"volumes_from"}

    want(name="one", volume=["data:/data:ro", "/etc:/f"])
    outcome = want(volumes_from=["one"])
    assert named(outcome) == {"volumes_from./data", "volumes_from./e", "volumes_from./f"}
    assert want(volumes_from=["one"]).actions == ()
    assert named(want()) == {"volumes_from"}
    assert want().actions == ()


# -- what a running container has of it ------------------------------------------------------------


def environment(pid: int) -> str:
    """Return MODE."""
    variables = Path(f"/proc/{pid}/environ").read_text().split("\0")
    return dict(item.partition("=")[::2] for item in variables).get("MODE", "")


def status(key: str):
    """Return the function that gives a line of a process's status."""

    def look(pid: int) -> str:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return " ".join(dict(line.split(":", 1) for line in lines)[key].split())

    return look


def groups(pid: int) -> str:
    """Return the last of the further groups."""
    return status("Groups")(pid).rpartition(" ")[2]


def limit(pid: int) -> str:
    """Return the limits of open files."""
    (line,) = (
        line
        for line in Path(f"/proc/{pid}/limits").read_text().splitlines()
        if line.startswith("Max open files")
    )
    return " ".join(line.split()[3:5])


def memory(pid: int) -> str:
    """Return the limit of memory, of cgroup v2 or v1."""
    paths = dict(line.split(":", 2)[1:] for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines())
    if "memory" in paths:
        return Path(f"/sys/fs/cgroup/memory{paths['memory']}/memory.limit_in_bytes").read_text().strip()
    return Path(f"/sys/fs/cgroup{paths['']}/memory.max").read_text().strip()


def pids(pid: int) -> str:
    """Return the greatest number of processes, of cgroup v2 or v1."""
    paths = dict(line.split(":", 2)[1:] for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines())
    top = f"/sys/fs/cgroup/pids{paths['pids']}" if "pids" in paths else f"/sys/fs/cgroup{paths['']}"
    return Path(f"{top}/pids.max").read_text().strip()


def mounted(path: str):
    """Return the function that gives the options of a mount, "" where there is none."""

    def look(pid: int) -> str:
        found = [line.split() for line in Path(f"/proc/{pid}/mountinfo").read_text().splitlines()]
        return next((line[5].split(",")[0] for line in found if line[4] == path), "")

    return look


def directory(pid: int) -> str:
    """Return the working directory."""
    return os.readlink(f"/proc/{pid}/cwd")


def capability(number: int):
    """Return the function that tells whether a process has a capability in effect."""
    return lambda pid: str(int(status("CapEff")(pid), 16) >> number & 1)


def words(pid: int) -> str:
    """Return the arguments."""
    return Path(f"/proc/{pid}/cmdline").read_text().rstrip("\0").replace("\0", " ")


IDS = "{0} {0} {0} {0}".format
#: option, value, how to see it, what is seen: unset, with the value.
SEEN = (
    ("command", ["/bin/sleep", "99"], words, "/bin/sleep 1000", "/bin/sleep 99"),
    ("env", {"MODE": "Test"}, environment, "", "Test"),
    ("user", "1000:1000", status("Uid"), IDS(0), IDS(1000)),
    ("group_add", ["2000"], groups, None, "2000"),
    ("workdir", "/data", directory, "/", "/data"),
    ("memory", "256m", memory, None, "268435456"),
    ("volume", ["data:/data:ro"], mounted("/data"), "", "ro"),
    ("tmpfs", {"/tmp": "size=1m"}, mounted("/tmp"), "", "rw"),
    ("read_only", True, mounted("/"), "rw", "ro"),
    ("cap_add", ["NET_ADMIN"], capability(12), "0", "1"),
    ("cap_drop", ["CHOWN"], capability(0), "1", "0"),
    ("security_opt", ["no-new-privileges"], status("NoNewPrivs"), "0", "1"),
    ("ulimit", ["nofile=512:1024"], limit, None, "512 1024"),
    ("cpuset_cpus", "0", status("Cpus_allowed_list"), None, "0"),
    ("pids_limit", 64, pids, "2048", "64"),
)


@pytest.mark.parametrize("seen", SEEN, ids=lambda seen: seen[0])
def test_a_running_container_has_it(want, seen):
    """Set on a running container, it has the option, made anew unless that is live; set again nothing is touched."""
    option, value, look, without, with_ = seen
    running = {"state": "started", "command": ["/bin/sleep", "1000"], "stop_timeout": 0}
    before = want(**running).result["container"]["State"]
    seen_before = look(before["Pid"])
    assert seen_before == without if without is not None else seen_before != with_, seen_before

    outcome = want(**{**running, option: value})
    after = outcome.result["container"]["State"]
    anew = ("stopped box", "removed box", "created box", "started box")
    assert outcome.actions[-4:] == (("updated box",) if outcome.cost == LIVE else anew)
    assert (after["Pid"] == before["Pid"]) is (outcome.cost == LIVE)
    assert (after["Status"], look(after["Pid"])) == ("running", with_)

    again = want(**{**running, option: value})
    assert (again.actions, again.result["container"]["State"]["Pid"]) == ((), after["Pid"])


def test_a_live_option_leaves_the_process_alone(want):
    """A label, the stop signal and the stop timeout of a running container change while it runs on."""
    running = {"state": "started", "command": ["/bin/sleep", "1000"]}
    before = want(**running).result["container"]
    outcome = want(**running, label={"tier": "db"}, stop_signal="KILL", stop_timeout=1)
    after = outcome.result["container"]
    assert (outcome.actions, outcome.cost) == (("updated box",), "live")
    assert named(outcome) == {"label.tier", "stop_signal", "stop_timeout"}
    assert (after["Id"], after["State"]["Pid"]) == (before["Id"], before["State"]["Pid"])
    assert (after["Config"]["Labels"]["tier"], after["Config"]["StopTimeout"]) == ("db", 1)
