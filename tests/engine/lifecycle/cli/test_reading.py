# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs of ``slipway`` that inspect, copy and remove, like podman's."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from dockerarchive import write_archive

SLEEP = ("sleep", "1000")
pytestmark = pytest.mark.parametrize("runtime", ["crun"])  # the runtime does not matter here


@pytest.fixture
def slipway(host, agent):
    """Return the function that runs the program; it returns exit code, output and errors."""

    def run(*argv, **settings):
        done = subprocess.run(
            [agent[0], *argv], check=False, capture_output=True, text=True, timeout=120, **settings
        )
        return done.returncode, done.stdout, done.stderr

    return run


@pytest.fixture
def three(host):
    """Return the ids of three containers: running, never started, and exited with 3."""
    host.start(*SLEEP, name="web", label={"tier": "front"}, volume=["data:/data"], stop_timeout=0)
    host.want("created", *SLEEP, name="fresh", workdir="/work")
    host.start("sh", "-c", "exit 3", name="ended", label={"tier": "back"})
    host.ended("ended")
    return {name: host.record(name).id for name in ("web", "fresh", "ended")}


#: The filters themselves are tested in tests/unit/agent/cli/test_filters.py.
LISTED = [
    ((), "web"),
    (("-a",), "web fresh ended"),
    (("-n", "2"), "fresh ended"),
    (("--filter", "status=exited"), "ended"),
    (("-a", "--filter", "volume=data", "--filter", "ancestor=box:1"), "web"),
    (("-a", "--filter", "since=web", "-f", "label=tier"), "ended"),
]


def test_ps(slipway, three):
    """Only running containers are listed, all with -a; filters have podman's keys."""
    for argv, names in LISTED:
        code, said, errors = slipway("ps", "--format", "{{.Names}}", *argv)
        assert (code, said.split(), errors) == (0, names.split(), ""), argv
    assert [shape["Name"] for shape in json.loads(slipway("ps", "--json")[1])] == ["web"]
    assert slipway("ps", "-q")[1] == f"{three['web'][:12]}\n"
    assert slipway("ps", "-aq", "--no-trunc")[1].split() == [*three.values()]


TEMPLATES = [
    (r"{{.Names}}\t{{.State}} {{.ID}}", "web\trunning ID12"),
    ('{{.Label "tier"}} {{json .Labels}} {{.Mounts}} {{.Exited}}', 'front {"tier": "front"} [/data] false'),
]
REFUSED = [
    (("ps", "--format", "{{.Name}}"), 2, "--format: '.Name' is not a field (near: Names"),
    (("ps", "--filter", "stat=x"), 2, "--filter: 'stat=x' is not a filter (near: status"),
    (("ps", "--al"), 2, "unknown option --al (near: --all"),
    (("pss",), 2, "unknown verb pss (near: ps"),
    (("top", "web", "colour"), 125, "COLUMN: 'colour' is not known"),
    (("top", "fresh"), 125, "is not running, so it has no processes"),
    (("cp", "web:/a", "ended:/b"), 125, "name two containers"),
    (("cp", "nothing:/a", "/tmp/x"), 125, "no container named 'nothing'"),
    (("--root", "/nonexistent", "ps"), 125, "no engine named '/nonexistent'"),
    (("rmi", "nothing:1"), 1, "no image named 'nothing:1'"),
    (("tag", "nothing:1", "x"), 125, "no image named 'nothing:1'"),
    (("tag", "box:1", "UPPER"), 125, "NAME: 'UPPER' has capital letters"),
    (("untag", "box:1", "nothing:1"), 125, "near: localhost/box:1"),
    (("save", "nothing:1"), 125, "no image named 'nothing:1'"),
    (("save", "--format", "oci-dir", "box:1"), 2, "Use -o DIRECTORY"),
    (
        ("save", "--compress", "-o", "x.tar", "box:1"),
        2,
        "--compress: docker-archive stores layers uncompressed",
    ),
    (("rmi", "box:1"), 2, "is used by"),
    (("volume", "rm", "nothing"), 1, "no volume named"),
    (("volume", "rm", "data"), 2, "Remove these containers first, or write --force"),
    (("rm", "nothing"), 1, "no container named"),
    (("load", "-i", "/nonexistent.tar"), 125, "/nonexistent.tar"),
]


def test_templates_and_errors(slipway, three):
    """Go templates print fields; errors name options of the command line."""
    for template, line in TEMPLATES:
        found = slipway("ps", "--format", template)
        assert found == (0, f"{line.replace('ID12', three['web'][:12])}\n", ""), template
    table = slipway("ps", "-a", "--format", r"table {{.Names}}\t{{.State}}")[1]
    assert table.splitlines()[:2] == ["NAMES  STATE", "web    running"]
    assert slipway("ps", "--format", "{{.Status}}")[1].startswith("Up ")
    for argv, code, words in REFUSED:
        found, said, errors = slipway(*argv)
        assert (found, said, words in errors) == (code, "", True), (argv, errors)
        assert "Traceback" not in errors


def test_inspect(slipway, three):
    """Objects of several types are shown at once; errors for missing ones follow those that exist."""
    code, said, errors = slipway("inspect", "web", "data", "box:1", "nothing", "fresh")
    shapes = json.loads(said)
    assert code == 125
    assert "'nothing'" in errors
    assert [shape.get("Name") for shape in shapes] == ["web", "data", None, "fresh"]
    assert shapes[2]["RepoTags"] == ["localhost/box:1"]
    assert (
        slipway("inspect", "-f", "{{.State.Status}} {{.Config.Labels}}", "web")[1]
        == "running map[tier:front]\n"
    )
    assert slipway("inspect", "--type", "volume", "web")[0] == 125
    code, _said, errors = slipway("inspect", "-f", "{{.State.Nope}}", "web")
    assert (code, "'.State.Nope' is not a field" in errors) == (2, True)


def test_processes_and_usage(host, slipway, three):
    """Processes have the container's own pids and users, and usage has podman's keys."""
    header, first = slipway("top", "web")[1].splitlines()
    assert header.split() == "USER PID PPID %CPU ELAPSED TTY TIME COMMAND".split()
    assert (first.split()[:3], first.split()[-2:]) == (["root", "1", "0"], ["sleep", "1000"])
    pid = host.inspect("web")["State"]["Pid"]
    assert slipway("top", "web", "hpid", "comm")[1].split() == ["HPID", "COMMAND", str(pid), "sleep"]

    [used] = json.loads(slipway("stats", "--no-stream", "--format", "json")[1])
    assert (used["id"], used["name"], used["pids"]) == (three["web"], "web", "1")
    assert used["cpu_percent"].endswith("%")
    assert used["mem_usage"].split(" / ")[0].endswith("B")
    assert slipway("stats", "--no-stream", "--format", "{{.Name}} {{.PIDs}}", "web")[1] == "web 1\n"
    everything = slipway("stats", "--no-stream", "-a", "--format", "{{.Name}}")[1].split()
    assert everything == ["web", "fresh", "ended"]
    stream = subprocess.Popen(
        [host.layout.agent_program, "stats", "-i", "0.1", "--format", "{{.Name}} {{.CPUPerc}}"],
        stdout=subprocess.PIPE,
        text=True,
    )
    with stream:
        assert [stream.stdout.readline().split()[0] for _round in range(3)] == ["web"] * 3
        stream.terminate()


def test_copy(slipway, three, tmp_path):
    """Files are copied in and out; relative paths start at the caller's or container's working directory."""
    tmp_path.joinpath("a").mkdir()
    tmp_path.joinpath("a/file").write_text("content")
    assert slipway("cp", "a/file", "web:/tmp.txt", cwd=tmp_path) == (0, "", "")
    assert slipway("exec", "web", "cat", "/tmp.txt")[1] == "content"
    assert slipway("cp", "web:tmp.txt", "./back", cwd=tmp_path)[0] == 0
    assert tmp_path.joinpath("back").read_text() == "content"
    assert slipway("cp", "./a", "web:/tmp.txt", cwd=tmp_path)[0] == 125
    code, _said, errors = slipway("cp", "./a/.", "fresh:/etc", cwd=tmp_path)
    assert (code, errors) == (0, "")
    assert slipway("cp", "a/file", "fresh:own", cwd=tmp_path) == (0, "", "")
    for source in ("fresh:own", "fresh:/work/own", "fresh:../work/own"):
        assert slipway("cp", source, "./own", cwd=tmp_path) == (0, "", "")


def test_images_and_volumes(host, slipway, three, busybox, tmp_path):
    """Images are loaded, listed and removed, and volumes too, as in podman."""
    archive = write_archive(tmp_path / "other.tar", "localhost/other:2", [busybox], Env=["A=b"])
    assert slipway("load", "-i", "other.tar", cwd=tmp_path) == (0, "Loaded image: localhost/other:2\n", "")
    with archive.open("rb") as stream:
        assert slipway("load", stdin=stream)[1] == "Loaded image: localhost/other:2\n"
    template = "{{.Repository}} {{.Tag}} {{.ID}}"
    listed = slipway("images", "--filter", "reference=other", "--format", template)[1].split()
    assert listed[:2] == ["localhost/other", "2"]
    assert slipway("images", "-q")[1].split().count(listed[2]) == 1
    code, said, _errors = slipway("rmi", "other:2")
    assert (code, said.splitlines()[0], said.splitlines()[1][:21]) == (
        0,
        "Untagged: localhost/other:2",
        f"Deleted: {listed[2]}",
    )
    assert slipway("rmi", "-i", "other:2") == (0, "", "")

    host.volume("loose")
    assert slipway("volume", "ls", "-q", "--filter", "dangling=true")[1] == "loose\n"
    assert json.loads(slipway("volume", "inspect", "data")[1])[0]["used_by"] == ["web"]
    assert slipway("volume", "inspect", "-f", "{{.Name}}", "data")[1] == "data\n"
    assert slipway("volume", "rm", "loose") == (0, "loose\n", "")
    assert slipway("volume", "rm", "-f", "data")[0] == 0
    assert host.inspect("web") == {}


def test_image_names_and_archives(host, slipway, tmp_path):
    """Images are tagged and untagged, and saved to files, directories and pipes, as in podman."""
    assert slipway("tag", "box:1", "app:1", "app:2") == (0, "", "")
    names = slipway("images", "--filter", "reference=app", "--format", "{{.Names}}")[1]
    assert {"localhost/app:1", "localhost/app:2"} <= {*names.strip().split(", ")}
    image = slipway("images", "-q", "--filter", "reference=app")[1].strip()
    for argv in (
        ("-o", "app.tar", "app:1"),
        ("-qm", "-o", "two.tar", "app:1", "app:2"),
        ("--output", "id.tar", image),
    ):
        assert slipway("save", *argv, cwd=tmp_path) == (0, "", "")
    assert (
        slipway("save", "--format", "oci-dir", "--uncompressed", "-o", "layout", "app:1", cwd=tmp_path)[0]
        == 0
    )
    assert tmp_path.joinpath("layout/index.json").exists()
    with tmp_path.joinpath("pipe.tar").open("wb") as stream:
        argv = [host.layout.agent_program, "save", "app:1"]
        with subprocess.Popen(argv, stdout=subprocess.PIPE) as process:
            shutil.copyfileobj(process.stdout, stream)
        assert process.returncode == 0
    assert tmp_path.joinpath("pipe.tar").read_bytes() == tmp_path.joinpath("app.tar").read_bytes()
    assert slipway("untag", "app:1", "app:1", "app:2") == (0, "", "")
    assert slipway("load", "-i", "two.tar", cwd=tmp_path)[1].split()[2::3] == [
        "localhost/app:1",
        "localhost/app:2",
    ]
    assert slipway("untag", "app:1", "app:1", "app:2") == (0, "", "")


def test_networks(host, slipway):
    """Networks are created, listed, inspected and removed, as in podman."""
    options = ("--subnet", "10.231.9.0/24", "-o", "mtu=1400", "--label", "tier=db")
    assert slipway("network", "create", *options, "back") == (0, "back\n", "")
    assert slipway("network", "create", "--ignore", "back") == (0, "back\n", "")
    code, _said, errors = slipway("network", "create", "back")
    assert (code, "already exists. Choose another name, or use --ignore" in errors) == (125, True)
    assert slipway("network", "create", "--gateway", "10.1.0.1", "other")[0] == 2
    assert (
        slipway("network", "ls", "-q", "--filter", "label=tier=db", "--filter", "dangling=true")[1]
        == "back\n"
    )
    assert slipway("network", "ls", "-q", "--filter", "until=1h")[1] == ""
    assert slipway("network", "ls", "--format", "{{.Name}} {{.Subnets}}")[1] == "back 10.231.9.0/24\n"
    shape = json.loads(slipway("network", "inspect", "back")[1])[0]
    assert (shape["options"], shape["labels"]) == ({"mtu": "1400"}, {"tier": "db"})
    assert json.loads(slipway("inspect", "back")[1]) == [shape]
    assert slipway("network", "rm", shape["id"][:12]) == (0, f"{shape['id'][:12]}\n", "")
    assert slipway("network", "rm", "back")[0] == 1


def test_removal(host, slipway):
    """--depend removes dependents too; a missing container is no error with --force or --ignore."""
    host.start(*SLEEP, name="db", stop_timeout=0)
    host.start(*SLEEP, name="app", requires=["db"], stop_timeout=0)
    code, _said, errors = slipway("rm", "-f", "db")
    assert (code, "is needed by app. Remove them first, or use --depend" in errors) == (125, True)
    assert slipway("rm", "-f", "--depend", "db")[0] == 0
    assert (host.inspect("db"), host.inspect("app")) == ({}, {})
    assert slipway("rm", "-f", "db") == (0, "", "")
    assert slipway("rm", "--ignore", "db") == (0, "", "")


def test_info_and_version(slipway):
    """Versions and host are printed as text, as JSON and through a template."""
    assert json.loads(slipway("info", "--format", "json")[1])["cgroup_version"] in ("v1", "v2", "hybrid")
    assert "\nruntime:\n  " in slipway("info")[1]
    version = json.loads(slipway("version", "--json")[1])
    assert slipway("version", "--format", "{{.Version}}")[1] == f"{version['Version']}\n"
    assert slipway("--version")[1] == f"slipway {version['Version']}\n"
