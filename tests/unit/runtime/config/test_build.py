# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from _engine.errors import HostLacks, InvalidOption
from _engine.frozen import replace
from _engine.model.container.spec import ContainerSpec
from _engine.model.image.config import ImageConfig
from _engine.model.values.capabilities import CAPABILITIES, DEFAULT
from _engine.runtime.config import build, linux, mounts, process
from _engine.runtime.config.users import ResolvedUser

ALL = frozenset(CAPABILITIES)
HOST = build.HostFacts(
    rlimits={"nofile": (1024, 4096), "nproc": (-1, -1)}, capabilities=ALL - {"CAP_SYS_RESOURCE"}
)
ROOT = ResolvedUser(0, 0, (), "/root", "root")
APP = ResolvedUser(1000, 1000, (1000, 2000), "/home/app", "app")
IMAGE = ImageConfig(
    entrypoint=("/entry",), cmd=("image", "cmd"), env=("A=image", "B=image", "E", "=no"), working_dir="/work"
)


def request(options=None, **changes):
    """Return a request for these module options."""
    raw = {"name": "x", "image": "i", "network": ["none"], **(options or {})}
    base = build.BundleRequest(
        id="ab" * 32,
        spec=ContainerSpec.parse(raw),
        image=IMAGE,
        rootfs="/merged",
        user=ROOT,
        hostname="host1",
        cgroup_path="/slipway/ab",
        host=HOST,
        files={"/etc/hosts": "/run/x/hosts", "/run/.containerenv": "/run/x/env"},
        shm="/run/x/shm",
    )
    return replace(base, **changes)


ARGUMENTS = {
    "image alone": ({}, ["/entry", "image", "cmd"]),
    "command": ({"command": ["a"]}, ["/entry", "a"]),
    "empty command": ({"command": []}, ["/entry", "image", "cmd"]),
    "entrypoint drops the image's command": ({"entrypoint": ["/e"]}, ["/e"]),
    "entrypoint and command": ({"entrypoint": ["/e"], "command": ["a"]}, ["/e", "a"]),
    "no entrypoint": ({"entrypoint": "", "command": ["a"]}, ["a"]),
    "no entrypoint, the image's command": ({"entrypoint": []}, ["image", "cmd"]),
    "no entrypoint in words": ({"entrypoint": ""}, ["image", "cmd"]),
}


@pytest.mark.parametrize("case", ARGUMENTS)
def test_arguments(case):
    """Entrypoint and command override the image's by podman's rules."""
    options, wanted = ARGUMENTS[case]
    assert process.arguments(request(options)) == wanted


@pytest.mark.parametrize(
    ("options", "image"),
    [({"entrypoint": ""}, replace(IMAGE, cmd=())), ({"rootfs": True, "image": "/r"}, None)],
)
def test_nothing_to_run_is_refused(options, image):
    """A container without any command is an error that names the option."""
    with pytest.raises(InvalidOption) as caught:
        build.build(request(options, image=image))
    assert caught.value.fields["option"] == "command"


def test_init_runs_the_command():
    """With init, the host's program is bound into the container and runs the command."""
    host = replace(HOST, init_path="/usr/bin/tini")
    made = build.build(request({"init": True}, host=host))
    assert made["process"]["args"] == ["/run/podman-init", "--", "/entry", "image", "cmd"]
    bound = next(item for item in made["mounts"] if item["destination"] == "/run/podman-init")
    assert (bound["source"], bound["options"]) == ("/usr/bin/tini", ["bind", "rprivate", "ro"])


def test_init_that_is_missing_names_the_role():
    """On a host without an init program, the error names the role that installs one."""
    with pytest.raises(HostLacks) as caught:
        build.build(request({"init": True}))
    assert "slipway.oci.host" in caught.value.remedy


ENVIRONMENT = {
    "defaults": (
        {},
        {},
        {"A": "image", "B": "image", "E": "", "container": "oci", "HOME": "/root", "HOSTNAME": "host1"},
    ),
    "own over file over image": (
        {"env": {"A": "own"}},
        {"A": "file", "B": "file"},
        {"A": "own", "B": "file"},
    ),
    "own home and name": ({"env": {"HOME": "/h", "HOSTNAME": "n"}}, {}, {"HOME": "/h", "HOSTNAME": "n"}),
    "terminal": ({"tty": True}, {}, {"TERM": "xterm"}),
    "own terminal": ({"tty": True, "env": {"TERM": "vt100"}}, {}, {"TERM": "vt100"}),
    "equals sign": ({"env": {"A": "x=y"}}, {}, {"A": "x=y"}),
}


@pytest.mark.parametrize("case", ENVIRONMENT)
def test_environment(case):
    """Later sources win: defaults, image, env_file, env."""
    options, from_files, wanted = ENVIRONMENT[case]
    made = process.environment(request(options, env_from_files=from_files))
    found = dict(item.split("=", 1) for item in made)
    assert {name: found[name] for name in wanted} == wanted
    assert len(found) == len(made)
    assert found["PATH"].startswith("/usr/local/sbin:")


TWO = frozenset({"CAP_NET_ADMIN", "CAP_CHOWN"})
CAPABILITY_SETS = {
    "default": ({}, ROOT, {"bounding": DEFAULT, "effective": DEFAULT, "permitted": DEFAULT}),
    "user": ({}, APP, {"bounding": DEFAULT}),
    "added to a user": (
        {"cap_add": ["net_admin", "chown"]},
        APP,
        {
            "bounding": DEFAULT | {"CAP_NET_ADMIN"},
            **dict.fromkeys(("effective", "permitted", "inheritable", "ambient"), TWO),
        },
    ),
    "none": ({"cap_drop": ["all"]}, ROOT, {}),
    "privileged ignores what is dropped": (
        {"privileged": True, "cap_drop": ["kill"]},
        ROOT,
        dict.fromkeys(("bounding", "effective", "permitted"), HOST.capabilities),
    ),
    "privileged user": ({"privileged": True, "cap_add": ["kill"]}, APP, {"bounding": HOST.capabilities}),
    "what the host lacks": (
        {"cap_drop": ["all"], "cap_add": ["sys_resource", "kill"]},
        ROOT,
        dict.fromkeys(("bounding", "effective", "permitted"), frozenset({"CAP_KILL"})),
    ),
}


@pytest.mark.parametrize("case", CAPABILITY_SETS)
def test_capabilities(case):
    """The sets follow podman's rules for root, other users and privileged containers."""
    options, user, wanted = CAPABILITY_SETS[case]
    made = process.capabilities(request(options, user=user))
    assert {name: set(names) for name, names in made.items()} == {
        name: set(names) for name, names in wanted.items()
    }


def limits(options=None, **changes):
    """Return the rlimits by name."""
    return {
        item["type"][7:]: (item["soft"], item["hard"])
        for item in process.rlimits(request(options, **changes))
    }


def test_default_limits_fit_the_host():
    """Defaults above this process's hard limit are lowered to it; unlimited stays."""
    assert limits() == {"NOFILE": (4096, 4096), "NPROC": (1048576, 1048576)}
    able = replace(HOST, capabilities=ALL)
    assert limits(host=able)["NOFILE"] == (1048576, 1048576)


ENDLESS = 2**64 - 1
#: The option ulimit, the container's limits by name, and (wanted, granted) of those reported as lowered.
GIVEN_LIMITS = {
    "as written": (["nofile=10:4096", "core=-1"], {"NOFILE": (10, 4096), "CORE": (ENDLESS, ENDLESS)}, {}),
    "in words": (["core=unlimited"], {"CORE": (ENDLESS, ENDLESS)}, {}),
    "above": (["nofile=5000"], {"NOFILE": (4096, 4096)}, {"nofile": (5000, 4096)}),
    "the hard one above": (["nofile=10:-1"], {"NOFILE": (10, 4096)}, {"nofile": (ENDLESS, 4096)}),
}


@pytest.mark.parametrize("case", GIVEN_LIMITS)
def test_given_limits(case):
    """The user's limits are set; those above the host's are lowered and reported."""
    asked, wanted, told = GIVEN_LIMITS[case]
    got = limits({"ulimit": asked})
    assert {name: got[name] for name in wanted} == wanted
    assert process.lowered_limits(request({"ulimit": asked}).spec, HOST) == told


def test_no_process_may_have_more_files_than_the_kernel_lets():
    """Even with CAP_SYS_RESOURCE, nofile is capped at fs.nr_open."""
    able = replace(HOST, capabilities=ALL, most_files=100_000)
    assert limits({"ulimit": ["nofile=-1"]}, host=able)["NOFILE"] == (100_000, 100_000)
    assert limits(host=able)["NOFILE"] == (100_000, 100_000)


@pytest.mark.parametrize(
    ("options", "wanted"),
    [({}, "/work"), ({"workdir": "/own"}, "/own")],
)
def test_working_directory(options, wanted):
    """The task's directory is used, else the image's, else the root."""
    assert build.build(request(options))["process"]["cwd"] == wanted
    assert build.build(request({**options, "command": ["a"]}, image=None))["process"]["cwd"] == options.get(
        "workdir", "/"
    )


def test_apparmor_needs_apparmor():
    """A profile is passed to the runtime, or refused without AppArmor; unconfined is none."""
    options = {"security_opt": ["apparmor=mine"]}
    able = replace(HOST, apparmor=True)
    assert build.build(request(options, host=able))["process"]["apparmorProfile"] == "mine"
    with pytest.raises(InvalidOption, match="AppArmor"):
        build.build(request(options))
    assert "apparmorProfile" not in build.build(request({"security_opt": ["apparmor=unconfined"]}))["process"]


@pytest.mark.parametrize(
    ("options", "profile"),
    [
        ({}, "default"),
        ({"security_opt": ["no-new-privileges"]}, "default"),
        ({"security_opt": ["apparmor=unconfined"]}, None),
        ({"security_opt": ["apparmor=mine"]}, "mine"),
        ({"privileged": True}, None),
    ],
)
def test_apparmor_default(options, profile):
    """Without a profile a container gets the host's default, a privileged one gets none."""
    host = replace(HOST, apparmor=True, apparmor_default="default")
    assert build.build(request(options, host=host))["process"].get("apparmorProfile") == profile


def mounted(options=None, **changes):
    """Return the mounts by destination, in order."""
    return {item["destination"]: item for item in mounts.build(request(options, **changes))}


def test_mounts_are_ordered_by_depth():
    """No mount hides an earlier one."""
    options = {"volume": ["/h:/z/y/x", "/h:/z", "/h:/z/y"], "tmpfs": {"/run": ""}}
    made = [*mounted(options)]
    depths = [path.count("/") for path in made]
    assert depths == sorted(depths)
    assert made.index("/z") < made.index("/z/y") < made.index("/z/y/x")


def test_users_mounts_replace_the_default_ones():
    """The user's mounts replace default ones at the same destination."""
    made = mounted({"volume": ["/h:/etc/hosts", "/h:/dev/shm", "/h:/proc"], "tmpfs": {"/sys": ""}})
    assert all(made[path]["source"] == "/h" for path in ("/etc/hosts", "/dev/shm", "/proc"))
    assert made["/sys"]["type"] == "tmpfs"
    assert "/sys/fs/cgroup" not in made


def test_nothing_is_made_in_a_users_directory():
    """A user's /dev or /run gets none of the engine's files, which would appear on the host."""
    made = mounted({"volume": ["/h:/dev", "/h:/run"]})
    assert not {"/dev/pts", "/dev/mqueue", "/run/.containerenv"} & set(made)


def test_read_only_root_keeps_some_places_writable():
    """The usual temporary directories are tmpfs, unless the user mounts there."""
    made = mounted({"read_only": True, "volume": ["/h:/tmp"]})
    assert made["/tmp"]["type"] == "bind"
    assert made["/run"]["type"] == made["/var/tmp"]["type"] == "tmpfs"
    assert "ro" in made["/etc/hosts"]["options"]
    assert build.build(request({"read_only": True}))["root"] == {"path": "/merged", "readonly": True}


def test_read_only_without_exception():
    """Without tmpfs for temporary directories, they, /dev and /dev/shm are read-only too."""
    made = mounted({"read_only": True, "read_only_tmpfs": False, "tmpfs": {"/own": ""}})
    assert not {"/tmp", "/run", "/var/tmp"} & {*made}
    assert all("ro" in made[path]["options"] for path in ("/dev", "/dev/shm"))
    assert "rw" in made["/own"]["options"]
    for options in ({"read_only": True}, {"read_only_tmpfs": False}):
        assert all("ro" not in mounted(options)[path]["options"] for path in ("/dev", "/dev/shm"))


OPTIONS = {
    "bind": ({"volume": ["/h:/d"]}, "bind", {"rw", "rprivate", "rbind"}),
    "bind read-only": ({"volume": ["/h:/d:ro,noexec"]}, "bind", {"ro", "noexec", "rprivate", "rbind"}),
    "bind not recursive": ({"volume": ["/h:/d:bind,rslave"]}, "bind", {"rw", "bind", "rslave"}),
    "relabelled": ({"volume": ["/h:/d:Z"]}, "bind", {"rw", "rprivate", "rbind"}),
    "bind of a mount with flags": (
        {"volume": ["/flags:/d"]},
        "bind",
        {"rw", "rprivate", "rbind", "nosuid", "nodev"},
    ),
    "volume": ({"volume": ["data:/d:nocopy"]}, "bind", {"rw", "rprivate", "rbind", "nosuid", "nodev"}),
    "tmpfs": (
        {"tmpfs": {"/d": "size=1m"}},
        "tmpfs",
        {"rw", "rprivate", "nosuid", "nodev", "size=1048576", "tmpcopyup"},
    ),
    "image": (
        {"mount": ["type=image,src=i,dst=/d"]},
        "bind",
        {"ro", "rprivate", "rbind", "nosuid", "nodev"},
    ),
    "writable image": (
        {"mount": ["type=image,src=i,dst=/d,rw=true,subpath=a"]},
        "bind",
        {"rw", "rprivate", "rbind", "nosuid", "nodev"},
    ),
    "overlay": ({"volume": ["/h:/d:O,U,upperdir=/u,workdir=/w"]}, "bind", {"rw", "rprivate", "rbind"}),
    "part of a volume": (
        {"mount": ["src=data,dst=/d,subpath=a,ro"]},
        "bind",
        {"ro", "rprivate", "rbind", "nosuid", "nodev"},
    ),
    "idmapped": (
        {"volume": ["/h:/d:idmap=uids=0-1-1,create,suid"]},
        "bind",
        {"rw", "rprivate", "rbind", "suid"},
    ),
    "recursively read-only": ({"volume": ["/h:/d:rro"]}, "bind", {"rro", "rprivate", "rbind"}),
    "not recursive": ({"volume": ["/h:/d:bind"]}, "bind", {"rw", "private", "bind"}),
    "tmpfs of the user": (
        {"tmpfs": {"/d": "U,noswap,noatime"}, "user": "app"},
        "tmpfs",
        {"rw", "rprivate", "nosuid", "nodev", "tmpcopyup", "noswap", "noatime", "uid=1000", "gid=1000"},
    ),
    "ramfs": (
        {"mount": ["type=ramfs,dst=/d,tmpfs-mode=700,suid"]},
        "ramfs",
        {"rw", "rprivate", "nodev", "mode=700"},
    ),
    "devpts": ({"mount": ["type=devpts,dst=/d,uid=5,max=7"]}, "devpts", {"uid=5", "max=7"}),
    "empty tmpfs": (
        {"mount": ["type=tmpfs,dst=/d,notmpcopyup"]},
        "tmpfs",
        {"rw", "rprivate", "nosuid", "nodev"},
    ),
}


@pytest.mark.parametrize("case", OPTIONS)
def test_mount_options(case):
    """Each kind of mount has podman's defaults, and no option that is not mount(2)'s."""
    options, kind, wanted = OPTIONS[case]
    host = replace(HOST, bind_flags={"/flags": ("nosuid", "nodev")})
    prepared = {"/d": "/run/x/mounts/0"}
    made = mounted(options, host=host, volume_paths={"/d": "/volumes/data"}, prepared=prepared, user=APP)[
        "/d"
    ]
    assert (made["type"], set(made["options"])) == (kind, wanted)
    assert len(made["options"]) == len(wanted)


def test_volume_is_bound_from_its_data():
    """A volume's mount has its data directory as the source."""
    assert mounted({"volume": ["data:/d"]}, volume_paths={"/d": "/v/data"})["/d"]["source"] == "/v/data"


def test_what_is_prepared_is_bound():
    """A prepared mount of any kind is bound from where the engine mounted it."""
    options = {"volume": ["data:/v:O", "/h:/b:idmap"], "mount": ["type=image,src=i,dst=/i"]}
    paths = {"/v": "/v/data", "/other": "/v/other"}
    made = mounted(options, volume_paths=paths, prepared={path: f"/run{path}" for path in ("/v", "/b", "/i")})
    assert [made[path]["source"] for path in ("/v", "/b", "/i", "/other")] == [
        "/run/v",
        "/run/b",
        "/run/i",
        "/v/other",
    ]


def test_the_order_is_that_of_where_they_land():
    """A destination that an image's symlink redirects above another is mounted before it."""
    options = {"volume": ["/h:/run/x", "/h:/var/run", "/h:/a"]}
    assert [path for path in mounted(options) if path in ("/a", "/run/x", "/var/run")] == [
        "/a",
        "/run/x",
        "/var/run",
    ]
    made = mounted(options, landings={"/var/run": "/run"})
    assert [path for path in made if path in ("/a", "/run/x", "/var/run")] == ["/a", "/var/run", "/run/x"]


def test_volumes_of_the_image_are_mounted():
    """A volume that the image declares has defaults; an option with the same path wins."""
    made = mounted({"volume": ["/h:/b:ro"]}, volume_paths={"/a": "/v/1", "/b": "/v/2"})
    assert (made["/a"]["source"], made["/b"]["source"]) == ("/v/1", "/h")
    assert set(made["/a"]["options"]) == {"rw", "rprivate", "rbind", "nosuid", "nodev"}


def test_without_shm_no_mount():
    """A container without an SHM mounted by the engine gets no mount."""
    assert "/dev/shm" not in mounted(shm=None)


NAMESPACES = {
    "v2": ("v2", "none", {"pid", "ipc", "uts", "mount", "network", "cgroup"}),
    "v1": ("v1", "none", {"pid", "ipc", "uts", "mount", "network"}),
    "hybrid": ("hybrid", "host", {"pid", "ipc", "uts", "mount"}),
    "host network": ("v2", "host", {"pid", "ipc", "uts", "mount", "cgroup"}),
}


@pytest.mark.parametrize("case", NAMESPACES)
def test_namespaces(case):
    """The container has its own of each kind, except the host's network and, on v1, the cgroup."""
    version, network, wanted = NAMESPACES[case]
    host = replace(HOST, cgroup_version=version)
    made = linux.namespaces(request({"network": [network]}, host=host))
    assert {namespace["type"] for namespace in made} == wanted
    assert all("path" not in namespace for namespace in made)


def test_shared_namespaces():
    """Shared namespaces have paths, the host's are omitted, and neither is modified."""
    options = {"network": ["container:a"], "uts": "ns:/x", "pid": "host", "ipc": "container:b"}
    shared = request(options, joined={"network": "/proc/7/ns/net", "uts": "/x", "pid": "", "ipc": ""})
    assert {item["type"]: item.get("path") for item in linux.namespaces(shared)} == {
        "network": "/proc/7/ns/net",
        "uts": "/x",
        "mount": None,
        "cgroup": None,
    }
    made = build.build(shared)
    assert "hostname" not in made
    assert "sysctl" not in made["linux"]


RESOURCES = {
    "nothing": ({}, {"pids": {"limit": 2048}}),
    "no limit of processes": ({"pids_limit": 0}, {}),
    "memory": ({"pids_limit": -1, "memory": "1m"}, {"memory": {"limit": 1048576, "swap": 2097152}}),
    "no swap": (
        {"pids_limit": -1, "memory": "1m", "memory_swap": "1m"},
        {"memory": {"limit": 1048576, "swap": 1048576}},
    ),
    "all swap": ({"pids_limit": -1, "memory": "1m", "memory_swap": -1}, {"memory": {"limit": 1048576}}),
    "cpus": (
        {"pids_limit": 7, "cpus": "0.25"},
        {"pids": {"limit": 7}, "cpu": {"quota": 25000, "period": 100000}},
    ),
    "cpu set": (
        {"pids_limit": -1, "cpu_shares": 5, "cpuset_cpus": "0,1"},
        {"cpu": {"shares": 5, "cpus": "0-1"}},
    ),
}


@pytest.mark.parametrize("case", RESOURCES)
def test_resources(case):
    """Limits are in the kernel's units, and unlimited ones are omitted."""
    options, wanted = RESOURCES[case]
    made = linux.resources(request(options))
    assert made.pop("devices") == [{"allow": False, "access": "rwm"}]
    assert made == wanted


def test_swap_is_left_out_where_the_kernel_does_not_count_it():
    """A kernel without swap accounting would reject the limit."""
    host = replace(HOST, swap_limit=False)
    assert linux.resources(request({"memory": "1m"}, host=host))["memory"] == {"limit": 1048576}


def test_devices_are_made_and_allowed():
    """A device is created in the container, and its cgroup allows the requested access."""
    host = replace(HOST, devices={"/dev/x": build.DeviceNode("c", 1, 7, 0o666, 0, 5, "rw")})
    made = build.build(request(host=host))["linux"]
    assert made["devices"] == [
        {"path": "/dev/x", "type": "c", "major": 1, "minor": 7, "fileMode": 0o666, "uid": 0, "gid": 5}
    ]
    assert made["resources"]["devices"][1] == {
        "allow": True,
        "type": "c",
        "major": 1,
        "minor": 7,
        "access": "rw",
    }


def hidden(*words, **options):
    """Return masked and read-only paths for these security options."""
    base = request(options)
    spec = replace(base.spec, security_opt=words or None)
    made = build.build(replace(base, spec=spec))["linux"]
    return made.get("maskedPaths", []), made.get("readonlyPaths", [])


def test_paths_are_hidden_and_shown():
    """Paths are masked, made read-only, added and removed as requested."""
    masked, read_only = hidden()
    assert {"/proc/kcore", "/sys/firmware"} <= set(masked)
    assert "/proc/sys" in read_only
    assert "/proc/kcore" not in hidden("unmask=/proc/kcore:/sys/firmware")[0]
    assert [path for path in hidden("unmask=/proc/*")[0] if path.startswith("/proc")] == []
    assert {"/a", "/b"} <= set(hidden("mask=/a:/b")[0])
    assert hidden("unmask=ALL", "mask=/a") == (["/a"], [])
    assert hidden(privileged=True) == ([], [])


FILTERS = {
    "default": ((), {}, True),
    "unconfined": (("seccomp=unconfined",), {}, False),
    "privileged": ((), {"privileged": True}, False),
    "a profile, though privileged": (("seccomp=/p.json",), {"privileged": True}, True),
}


@pytest.mark.parametrize("case", FILTERS)
def test_seccomp_filter(case):
    """There is a filter unless the user or privileged disables it, or the kernel lacks seccomp."""
    words, options, wanted = FILTERS[case]
    made = request({**options, "security_opt": list(words)})
    assert ("seccomp" in linux.build(made)) is wanted
    assert "seccomp" not in linux.build(replace(made, host=replace(HOST, seccomp=False)))


def test_own_profile_is_used():
    """The user's profile is resolved and replaces ours."""
    document = {"defaultAction": "SCMP_ACT_LOG", "syscalls": []}
    made = linux.build(request({"security_opt": ["seccomp=/p.json"]}, seccomp_profile=document))
    assert made["seccomp"]["defaultAction"] == "SCMP_ACT_LOG"


def test_sysctl():
    """Root's group may ping in the container's own network; the user's sysctl wins."""
    assert linux.build(request())["sysctl"] == {"net.ipv4.ping_group_range": "0 0"}
    options = {"sysctl": {"net.ipv4.ping_group_range": "1 0", "kernel.msgmax": "5"}}
    assert linux.build(request(options))["sysctl"] == options["sysctl"]
    assert "sysctl" not in linux.build(request({"network": ["host"]}))


def test_user_is_in_the_bundle():
    """The process has the resolved user and groups."""
    assert build.build(request(user=APP))["process"]["user"] == {
        "uid": 1000,
        "gid": 1000,
        "umask": 0o022,
        "additionalGids": [1000, 2000],
    }
