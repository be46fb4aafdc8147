# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks as users write them: each module predicts, makes, finds, alters and removes; and the main job.

A run of ansible-playbook takes a second and each task half of one, so each test runs few plays of many tasks.
"""

from __future__ import annotations

import io
import json
import os
import stat
import subprocess
import tarfile
from pathlib import Path

import pytest

from enginehost import eventually

IMAGE = "localhost/app:1"
TIMINGS = {"image_unpack", "mount_rootfs", "copy_up", "runtime_create", "runtime_start"}


def task(title: str, module: str, /, **options: object) -> dict[str, object]:
    """Return a task; ``keywords`` are those of the task itself, all else is the module's."""
    keywords = options.pop("keywords", {})
    return {"name": title, f"slipway.oci.{module}": options, **keywords}


def main_job(archive: Path, mode: str = "production") -> list[dict[str, object]]:
    """Return the tasks of the main job."""
    return [
        task("image", "image_load", input=str(archive)),
        task("volume", "volume", name="app-data", labels={"tier": "db"}),
        task(
            "container",
            "container",
            name="app",
            image=IMAGE,
            command=["/bin/server", "--port", "8080"],
            volume=["app-data:/data", "/etc/hostname:/etc/app/hostname:ro"],
            env={"MODE": mode},
            network="host",
            memory="256m",
            state="started",
        ),
    ]


def test_main_job(node, archive):
    """A bare engine runs the container; a second run changes nothing; another env makes it anew, and says why."""
    # The role that brings what a host needs stands before the tasks in a user's play; here it may have a manual to bring.
    first = node.play(*main_job(archive), roles=("slipway.oci.host",))
    assert (first.failed, first.changed[-3:]) == ([], ["image", "volume", "container"])
    container = first["container"]["container"]
    pid = container["State"]["Pid"]

    # The play has ended, and its sessions with it.
    assert Path(f"/proc/{pid}/cmdline").read_bytes() == b"/bin/sh\0/bin/server\0--port\x008080\0"
    assert Path(first["volume"]["volume"]["Mountpoint"], "table.db").read_text() == "first row\n"

    second = node.play(*main_job(archive), roles=("slipway.oci.host",))
    assert (second.failed, second.changed) == ([], [])
    assert len(second.tasks) > len(main_job(archive))
    assert second["container"]["container"]["State"]["Pid"] == pid

    altered = node.play(*main_job(archive, "testing"), options=["--diff"])
    assert (altered.failed, altered.changed) == ([], ["container"])
    result = altered["container"]
    assert (result["diff"]["before"], result["diff"]["after"]) == (
        {"env.MODE": "production"},
        {"env.MODE": "testing"},
    )
    change = {"option": "env.MODE", "before": "production", "after": "testing", "change": "recreate"}
    assert result["plan"] == {"cost": "recreate", "changes": [change]}
    assert result["actions"] == ["stopped app", "removed app", "created app", "started app"]
    node.said("serving in mode testing with: --port 8080", "app")
    assert not Path(f"/proc/{pid}").exists()


@pytest.fixture(scope="module")
def job(fresh_node, archive):
    """Run the main job once for the tests that only look; return the host and the play."""
    with fresh_node() as node:
        yield node, node.play(*main_job(archive))


def test_results_have_the_shape_of_podman(job):
    """What users register and query is there: state, mounts, volume, image, spec, actions, diff, timings."""
    node, play = job
    assert play.failed == []
    container, result = play["container"]["container"], play["container"]
    assert (container["Name"], container["ImageName"], container["RestartCount"]) == ("app", IMAGE, 0)
    assert container["Image"] == play["image"]["image"]["Id"]
    state = container["State"]
    assert (state["Status"], state["Running"], state["OOMKilled"]) == ("running", True, False)
    assert Path(f"/proc/{state['Pid']}").exists()
    mounts = {mount["Destination"]: mount for mount in container["Mounts"]}
    assert set(mounts) == {"/data", "/etc/app/hostname"}
    volume = play["volume"]["volume"]
    assert (volume["Name"], volume["Labels"], volume["Driver"]) == ("app-data", {"tier": "db"}, "local")
    assert mounts["/data"]["Source"] == volume["Mountpoint"] == node.layout.volume_data("app-data")
    assert [mounts[path]["RW"] for path in ("/data", "/etc/app/hostname")] == [True, False]
    assert [mounts[path]["Type"] for path in ("/data", "/etc/app/hostname")] == ["volume", "bind"]
    assert play["image"]["image"]["RepoTags"] == [IMAGE]
    assert "MODE=production" in container["Config"]["Env"]
    assert container["HostConfig"]["Memory"] == result["spec"]["memory"] == 256 * 1024**2
    assert result["actions"] == ["created app", "started app"]
    assert play["image"]["actions"] == [f"loaded image {IMAGE}"]
    assert {key for entry in play.tasks for key in entry.result["timings"]} >= TIMINGS
    assert all(isinstance(value, float) for value in result["timings"].values())
    assert all({"changed", "actions", "diff", "plan", "timings"} <= set(entry.result) for entry in play.tasks)


def test_container_ladder(node, archive):
    """Predicted and not made; made; found; altered; stopped; removed; removed already."""
    node.load(archive)
    wanted = {"name": "box", "image": IMAGE, "command": "sleep 1000", "network": "none", "stop_timeout": 0}
    check = {"check_mode": True}
    play = node.play(
        task("predict", "container", **wanted, keywords=check),
        task("nothing yet", "container_info", name="box"),
        task("make", "container", **wanted),
        task("again", "container", **wanted),
        task("predict no change", "container", **wanted, keywords=check),
        task("predict alter", "container", **{**wanted, "read_only": True}, keywords=check),
        task("alter", "container", **{**wanted, "read_only": True}),
        task("alter again", "container", **{**wanted, "read_only": True}),
        task("by state alone", "container", name="box"),
        task("stop", "container", name="box", state="stopped"),
        task("stop again", "container", name="box", state="stopped"),
        task("predict remove", "container", name="box", state="absent", keywords=check),
        task("remove", "container", name="box", state="absent"),
        task("remove again", "container", name="box", state="absent"),
        task("gone", "container_info", name="box"),
    )
    assert play.failed == []
    assert play.changed == ["predict", "make", "predict alter", "alter", "stop", "predict remove", "remove"]
    for name in ("alter", "remove"):
        assert play[f"predict {name}"]["actions"] == play[name]["actions"]
        assert play[f"predict {name}"]["diff"] == play[name]["diff"]
    assert play["predict"]["actions"] == play["make"]["actions"] == ["created box", "started box"]
    assert play["predict"]["container"] == {}
    assert play["alter"]["diff"]["after"] == {"read_only": True}
    ids = [
        play[name]["container"]["Id"]
        for name in ("make", "again", "predict alter", "alter", "alter again", "stop")
    ]
    assert ids[0] == ids[1] == ids[2] != ids[3] == ids[4] == ids[5]
    stopped = play["stop"]["container"]["State"]
    assert (stopped["Status"], stopped["ExitCode"], stopped["Pid"]) == ("exited", 137, 0)
    assert [play[name]["containers"] for name in ("nothing yet", "gone")] == [[], []]
    assert play["remove"]["container"] == {}


def test_volume_and_image_ladders(node, archive, other_archive, tmp_path):
    """Volumes and images are predicted, made, found, altered and removed; info keeps the order asked for."""
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/file").write_text("content\n")
    check = {"check_mode": True}
    labelled = {"name": "one", "label": {"tier": "db"}}
    loaded = {"input": str(archive)}
    imported = {"src": str(tmp_path / "tree"), "name": "localhost/tree:1", "changes": ["CMD /bin/app"]}
    play = node.play(
        task("predict volume", "volume", **labelled, keywords=check),
        task("no volume", "volume_info"),
        task("volume", "volume", **labelled),
        task("volume again", "volume", **labelled),
        task("label", "volume", name="one", label={"tier": "Db"}),
        task("no label", "volume", name="one"),
        task("second", "volume", name="two"),
        task("volumes", "volume_info", name=["two", "none", "one"]),
        task("predict load", "image_load", **loaded, keywords=check),
        task("no image", "image_info"),
        task("load", "image_load", **loaded),
        task("load again", "image_load", **loaded),
        task("predict import", "image_import", **imported, keywords=check),
        task("import", "image_import", **imported),
        task("import again", "image_import", **imported),
        task("import other", "image_import", **{**imported, "changes": ["CMD /bin/other"]}),
        task("images", "image_info", name=["tree:1", "none", IMAGE]),
        task("predict unload", "image_remove", name=IMAGE, keywords=check),
        task("unload", "image_remove", name=IMAGE),
        task("unload again", "image_remove", name=IMAGE),
        task("predict away", "volume", name="one", state="absent", keywords=check),
        task("away", "volume", name="one", state="absent"),
        task("away again", "volume", name="one", state="absent"),
        task("left", "volume_info"),
        task("engine", "engine_info"),
    )
    assert play.failed == []
    same = {
        "no volume",
        "volume again",
        "volumes",
        "no image",
        "load again",
        "import again",
        "images",
        "unload again",
        "away again",
        "left",
        "engine",
    }
    assert play.changed == [entry.name for entry in play.tasks if entry.name not in same]
    for predicted, done in (
        ("predict volume", "volume"),
        ("predict load", "load"),
        ("predict import", "import"),
        ("predict unload", "unload"),
        ("predict away", "away"),
    ):
        assert play[predicted]["actions"] == play[done]["actions"] != []
    assert (play["no volume"]["volumes"], play["no image"]["images"]) == ([], [])
    assert play["label"]["diff"]["before"] == {"labels.tier": "db"}
    assert play["label"]["diff"]["after"] == {"labels.tier": "Db"}
    assert play["no label"]["volume"]["Labels"] == {}
    assert [volume["Name"] for volume in play["volumes"]["volumes"]] == ["two", "one"]
    assert [image["RepoTags"] for image in play["images"]["images"]] == [["localhost/tree:1"], [IMAGE]]
    assert play["import other"]["image"]["Id"] != play["import"]["image"]["Id"]
    assert [volume["Name"] for volume in play["left"]["volumes"]] == ["two"]


def test_a_run_in_the_foreground(node, archive):
    """With detach: false a task gives the exit code and the output, and fails unless the code is 0."""
    node.load(archive)
    wanted = {"image": IMAGE, "network": "none", "detach": False, "rm": True}
    say = ["/bin/sh", "-c", "echo out; echo err >&2; exit $CODE"]
    play = node.play(
        task("good", "container", **wanted, name="good", command=say, env={"CODE": 0}),
        task(
            "bad",
            "container",
            **wanted,
            name="bad",
            command=say,
            env={"CODE": 3},
            keywords={"ignore_errors": True},
        ),
        task("kept", "container", **{**wanted, "rm": False}, name="kept", command=say, env={"CODE": 0}),
        task("kept again", "container", **{**wanted, "rm": False}, name="kept", command=say, env={"CODE": 0}),
        task(
            "none",
            "container",
            **wanted,
            name="none",
            command=["/bin/nosuch"],
            keywords={"ignore_errors": True},
        ),
        task("left", "container_info"),
    )
    keys = ("rc", "stdout", "stderr", "changed")
    assert [play["good"][key] for key in keys] == [0, "out\n", "err\n", True]
    assert [play["kept again"][key] for key in keys] == [0, "out\n", "err\n", True]
    assert [play["bad"][key] for key in keys] == [3, "out\n", "err\n", True]
    assert play["bad"]["error"] == "container_failed"
    assert [name for name, _message in play.failed] == ["bad", "none"]
    assert "/bin/nosuch" in play["none"]["msg"]
    assert (play["none"]["rc"], play["none"]["changed"]) == (127, False)
    assert [container["Name"] for container in play["left"]["containers"]][:1] == ["kept"]


def test_info_of_containers_in_the_order_asked_for(node, archive):
    """Containers are told of in the order asked for, by name or id; one that is not there is left out."""
    node.load(archive)
    made = {}
    for name in ("a", "b", "c"):
        result = node.task("container", name=name, image=IMAGE, network="none", state="created")
        made[name] = result["container"]["Id"]
    told = node.task("container_info", name=["c", "nosuch", made["a"], "b"])
    assert [container["Name"] for container in told["containers"]] == ["c", "a", "b"]
    assert len(node.task("container_info")["containers"]) == 3
    assert node.task("container_info", name=[])["containers"] == []
    assert [container["State"]["Status"] for container in told["containers"]] == ["created"] * 3


def test_the_container_outlives_the_session_of_the_play(job):
    """A container is in no session and no cgroup of the play that started it, and a person sees it with ``slipway ps``."""
    node, play = job
    container = play["container"]["container"]
    for pid in (container["State"]["Pid"], container["State"]["ConmonPid"]):
        session = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[3])
        assert session in (pid, container["State"]["ConmonPid"])
        terminal = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[4])
        assert terminal == 0
    cgroups = Path(f"/proc/{container['State']['Pid']}/cgroup").read_text()
    assert node.layout.cgroup_parent in cgroups
    listed = subprocess.run(
        [f"{node.layout.agent}/current/slipway", "ps"], check=True, capture_output=True, text=True
    ).stdout
    assert "app" in listed
    assert "running" in listed


@pytest.mark.parametrize("code", [0, 7])
def test_a_container_that_ends_by_itself_is_cleaned_up(node, archive, code):
    """Nobody waits for it: conmon calls the engine that the module has left on the host."""
    node.load(archive)
    command = ["/bin/sh", "-c", f"exit {code}"]
    node.task("container", name="short", image=IMAGE, network="none", command=command)
    eventually(lambda: node.inspect("short")["State"]["Status"] == "exited", "short exited")
    eventually(lambda: not node.mounts(), "no mount left")
    assert node.inspect("short")["State"]["ExitCode"] == code


def test_logs_in_a_result(ready):
    """The last lines of each container come when they are asked for, and a number that means nothing is refused."""
    script = "i=0; while [ $i -lt 200 ]; do echo line $i; i=$((i+1)); done"
    ready.task("container", name="box", image="localhost/box:1", network="none", command=["sh", "-c", script])
    ready.ended("box")
    [shape] = ready.task("container_info", name="box")["containers"]
    assert "logs" not in shape
    for options, count in (({}, 100), ({"log_tail": 7}, 7), ({"log_tail": 10000}, 200)):
        [shape] = ready.task("container_info", name="box", logs=True, **options)["containers"]
        wanted = [f"line {number}" for number in range(200 - count, 200)]
        assert [line["text"] for line in shape["logs"]] == wanted
    for number in (0, -1, 10001):
        told = ready.task("container_info", logs=True, log_tail=number)
        assert (told["error"], told["option"]) == ("invalid_option", "log_tail")


def test_storage_driver(node, archive):
    """The option is for a new container, which keeps its driver; what is no driver is refused; engine_info tells the rest."""
    node.load(archive)
    wanted = {"name": "box", "image": IMAGE, "network": "none", "command": ["/bin/sh", "-c", "sleep 1000"]}
    play = node.play(
        task("unknown", "container", **wanted, storage_driver="zfs", keywords={"ignore_errors": True}),
        task("predict", "container", **wanted, storage_driver="vfs", keywords={"check_mode": True}),
        task("copied", "container", **wanted, storage_driver="vfs"),
        task("again", "container", **wanted),
        task("engine", "engine_info"),
        task("asked", "engine_info", storage_driver="vfs"),
        task("away", "container", name="box", state="absent", stop_time=0),
    )
    assert [name for name, _message in play.failed] == ["unknown"]
    assert play.changed == ["predict", "copied", "away"]
    assert "overlay, fuse-overlayfs, vfs" in play["unknown"]["msg"]
    assert play["copied"]["container"]["Driver"] == "vfs"
    engine, asked = play["engine"]["engine"], play["asked"]["engine"]
    assert (engine["storage_driver"], sorted(engine["storage_lacks"])) == (
        "overlay",
        ["fuse-overlayfs", "vfs"],
    )
    assert (asked["storage_driver"], asked["storage_lacks"]["overlay"]) == ("vfs", "vfs is preferred")


def test_a_task_that_changes_nothing_brings_a_newer_agent(node, archive):
    """After an update of the collection the agent is that of the old one: tasks in containers need the new."""
    node.play(*main_job(archive))
    current = Path(node.layout.agent, "current")
    old = current.resolve().rename(Path(node.layout.agent, "0.0.1-00"))
    current.unlink()
    current.symlink_to(old.name)

    for check, expected in ((True, old.name), (False, None)):
        again = node.play(*main_job(archive), check=check)
        assert (again.failed, again.changed) == ([], [])
        assert (current.resolve().name == old.name) == bool(expected)
    assert not old.exists()


def test_what_somebody_has_made(node, archive, other_archive):
    """What a container's owner made is found by its label: the container, its volumes, and no image or volume of others."""
    tagged = {"slipway.oci.owner": "a", "tier": "db"}
    some = {"image": "own/app:1", "network": "none", "command": "sleep 100", "state": "created"}
    play = node.play(
        task("load", "image_load", input=str(archive), name="own/app:1"),
        task("load again", "image_load", input=str(archive), name="localhost/own/app:1"),
        task("there before", "volume", name="before"),
        task(
            "mine",
            "container",
            name="mine",
            volume=["new:/a", "before:/b", "/anonymous"],
            labels=tagged,
            **some,
        ),
        task("other", "container", name="other", volume=["others:/a"], labels={"tier": "db"}, **some),
        task("containers", "container_info", label=["slipway.oci.owner=a"]),
        task("both", "container_info", labels=["tier=db"]),
        task("none of these", "container_info", name=["other"], label=["slipway.oci.owner"]),
        task("volumes", "volume_info", label=["slipway.oci.owner=a"]),
        task("images", "image_info"),
    )
    assert play.failed == []
    assert "load again" not in play.changed
    assert [found["Name"] for found in play["containers"]["containers"]] == ["mine"]
    assert [found["Name"] for found in play["both"]["containers"]] == ["mine", "other"]
    assert play["none of these"]["containers"] == []
    anonymous = [
        mount["Name"] for mount in play["mine"]["container"]["Mounts"] if mount["Destination"] == "/anonymous"
    ]
    assert {found["Name"] for found in play["volumes"]["volumes"]} >= {"new", *anonymous}
    assert {found["Name"] for found in play["volumes"]["volumes"]}.isdisjoint({"before", "others"})
    assert all(found["Labels"] == {"slipway.oci.owner": "a"} for found in play["volumes"]["volumes"])
    assert [found["RepoTags"] for found in play["images"]["images"]] == [["localhost/own/app:1"]]


def test_an_archive_on_the_controller(node, archive, tmp_path):
    """Saved to the controller an image is fetched once: again, predicted and by another format it is told as on the host."""
    check, dest = {"check_mode": True}, tmp_path / "fetched/saved.tar"
    dest.parent.mkdir()
    saved = {"image": [IMAGE], "dest": str(dest), "dest_on": "controller"}
    play = node.play(
        task("load", "image_load", input=str(archive)),
        task("predict", "image_save", **saved, keywords=check),
        task("save", "image_save", **saved),
        task("again", "image_save", **saved),
        task("predict again", "image_save", **saved, keywords=check),
        task("mode", "image_save", **saved, mode="0644"),
        task("leave alone", "image_save", **{**saved, "format": "oci-archive", "force": False}),
        task("tag", "image_tag", image=IMAGE, target_names=["other:2"]),
        task("other", "image_save", **{**saved, "image": ["other:2"]}, keywords={"diff": True}),
    )
    assert play.failed == []
    assert {one.name for one in play.tasks if not one.changed} == {"again", "predict again", "leave alone"}
    assert play["predict"]["actions"] == play["save"]["actions"]
    assert play["save"]["actions"] == [f"saved image {IMAGE} to {dest} on the controller"]
    assert play["save"]["dest"] == str(dest)
    assert "parcel" not in play["save"]
    change = play["other"]["diff"]
    assert (IMAGE in change["before"]["image"], "localhost/other:2" in change["after"]["image"]) == (
        True,
        True,
    )
    assert os.listdir(dest.parent) == [dest.name]
    assert stat.S_IMODE(dest.stat().st_mode) == 0o644
    subprocess.run(["skopeo", "inspect", "--raw", f"docker-archive:{dest}"], check=True, capture_output=True)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"dest": "/tmp/slipway-none/x.tar"}, "no directory /tmp/slipway-none"),
        ({"dest": "/tmp"}, "not a regular file"),
        ({"dest": "/tmp/x.tar", "format": "oci-dir"}, "docker-archive or oci-archive"),
        ({"dest": "/tmp/x.tar", "owner": "root"}, "owner: not for a file of the controller"),
        ({"dest": "/tmp/x.tar", "mode": "u+rw"}, "is not octal"),
        ({"dest": "/tmp/slipway-x.tar", "image": ["none:1"]}, "none:1"),
    ],
)
def test_no_archive_on_the_controller(node, options, words):
    """What can't be written there is refused, and nothing is."""
    asked = {"image": [IMAGE], "dest_on": "controller", **options}
    ((_name, text),) = node.play(task("save", "image_save", **asked)).failed
    assert words in text
    assert not Path("/tmp/slipway-x.tar").exists()


def test_names_and_archives_of_images(node, archive, tmp_path):
    """An image gets names and is saved in each format: predicted, done, and found; owner and mode are those asked for."""
    check, dest = {"check_mode": True}, tmp_path / "saved.tar"
    named = {"image": "app:1", "target_names": ["stable", "site.example.org/app:1"]}
    saved = {"image": ["stable", IMAGE], "dest": str(dest), "mode": "0640"}
    layout = {"name": "stable", "path": str(tmp_path / "layout"), "format": "oci-dir", "mode": "0755"}
    play = node.play(
        task("predict tag of nothing", "image_tag", **named, keywords=check),
        task("predict save of nothing", "image_save", **saved, keywords=check),
        task("load", "image_load", input=str(archive)),
        task("predict tag", "image_tag", **named, keywords=check),
        task("tag", "image_tag", **named),
        task("tag again", "image_tag", **named),
        task("predict save", "image_save", **saved, keywords=check),
        task("save", "image_save", **saved),
        task("save again", "image_save", **saved),
        task("predict save again", "image_save", **saved, keywords=check),
        task("others may read", "image_save", **{**saved, "mode": "0644"}),
        task("another name", "image_save", **{**saved, "image": [IMAGE], "mode": "0644", "force": False}),
        task(
            "by another name",
            "image_save",
            **{**saved, "image": [IMAGE], "mode": "0644"},
            keywords={"diff": True},
        ),
        task("layout", "image_save", **layout),
        task("layout again", "image_save", **layout),
        task("load it", "image_load", input=str(tmp_path / "layout"), name="back:1"),
    )
    assert play.failed == []
    unchanged = {"tag again", "save again", "predict save again", "another name", "layout again"}
    assert {one.name for one in play.tasks if not one.changed} == unchanged
    assert play["predict tag"]["image"] == play["tag"]["image"]
    assert play["tag"]["image"]["RepoTags"] == [IMAGE, "localhost/stable:latest", "site.example.org/app:1"]
    assert play["predict save"]["actions"] == play["save"]["actions"]
    assert play["save"]["images"] == [play["tag"]["image"]]
    assert (play["save"]["dest"], play["save"]["mode"]) == (str(dest), "0640")
    assert [
        play["by another name"]["diff"][side]["image"].count("localhost/stable")
        for side in ("before", "after")
    ] == [1, 0]
    assert [path.stat().st_mode & 0o777 for path in (dest, tmp_path / "layout")] == [0o644, 0o755]
    assert play["load it"]["image"]["Id"] == play["load"]["image"]["Id"]


def test_an_archive_of_several_images_has_no_one_name(node, archive, tmp_path):
    """A name for an archive is refused where it has more than one image, and nothing is loaded."""
    layout = tmp_path / "several.tar"
    layout.write_bytes(two_images(archive))
    refused = node.task("image_load", input=str(layout), name="own/app:1")
    assert (refused["error"], refused["option"]) == ("invalid_option", "name")
    assert node.task("image_info")["images"] == []


def two_images(archive: Path) -> bytes:
    """Return an archive that has the image of another, and one that differs from it in its author."""
    into = io.BytesIO()
    with tarfile.open(archive) as source, tarfile.open(fileobj=into, mode="w") as made:
        files = {member.name: source.extractfile(member).read() for member in source}
        [entry] = json.loads(files["manifest.json"])
        config = {**json.loads(files[entry["Config"]]), "author": "another"}
        other = {**entry, "Config": "other.json", "RepoTags": ["localhost/other:1"]}
        files["other.json"] = json.dumps(config).encode()
        files["manifest.json"] = json.dumps([entry, other]).encode()
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            made.addfile(member, io.BytesIO(content))
    return into.getvalue()
