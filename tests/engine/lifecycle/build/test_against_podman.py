# SPDX-License-Identifier: GPL-3.0-or-later
"""A commit of a container results in the same image as podman's: tree and configuration."""

from __future__ import annotations

from pathlib import Path

import pytest
from commits import FILES, alter, settle
from fulltree import ACL
from treelisting import listing

from dockerarchive import layer, write_archive

#: Values that podman gives every container by itself, and writes into the image.
GIVEN = {
    "TERM=xterm",
    "container=podman",
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
}
IMAGE = "localhost/files:1"
CONFIG = {
    "Cmd": ["sleep", "1000"],
    "Env": ["PATH=/bin", "A=1"],
    "Labels": {"of": "image"},
    "ExposedPorts": {"80/tcp": {}},
    "Volumes": {"/declared": {}},
    "WorkingDir": "/srv",
    "StopSignal": "SIGINT",
    "User": "0",
}


@pytest.fixture
def both(commits, podman, busybox, tmp_path):
    """Load the image into both engines."""
    layers = [busybox, layer(FILES)]
    archive = write_archive(tmp_path / "files.tar", IMAGE, layers, **CONFIG)
    commits.host.load(archive)
    podman.run("load", "--input", str(archive))
    yield
    podman.run("rm", "--force", "--time=0", "--volumes", "box", check=False)
    podman.run("rmi", "--force", "localhost/out:1", IMAGE, check=False)


@pytest.fixture
def mounted(podman):
    """Return the function that returns the tree of podman's image as data."""

    def mounted(image: str) -> dict[bytes, dict[str, object]]:
        top = podman.run("image", "mount", image)
        try:
            return listing(top)
        finally:
            podman.run("image", "unmount", image)

    return mounted


def test_tree(host, commits, both, podman, mounted):
    """Removed, replaced, renamed and created entries are the same in both images, with all metadata."""
    podman.run("create", "--name", "box", "--network=none", IMAGE, "true")
    top = Path(podman.run("mount", "box"))
    alter(top)
    settle(top)
    podman.run("unmount", "box")
    podman.run("commit", "--quiet", "box", "localhost/out:1")
    host.start("sleep", "1000", image=IMAGE, stop_timeout=0)
    alter(commits.root())
    settle(commits.root())
    commits.commit()
    ours, theirs = commits.tree(), mounted("localhost/out:1")
    assert ours.keys() ^ theirs.keys() == set()
    unlike = {
        (path.decode("utf-8", "replace"), key): (value, theirs[path][key])
        for path, entry in ours.items()
        for key, value in entry.items()
        if value != theirs[path][key] and path
    }
    # podman keeps no ACLs.
    found, other = (tree[b"new/listed"]["xattrs"] for tree in (ours, theirs))
    assert found == {**other, "system.posix_acl_access": ACL}
    del unlike["new/listed", "xattrs"]
    assert unlike == {}


#: The container's options for podman and for us, and the commit's.
CASES = {
    "nothing": ([], {}, [], {}),
    "options": (
        ["--env=B=2", "--env=A=3", "--label=own=1", "--user=5", "--workdir=/etc", "--entrypoint=/bin/env"],
        {
            "env": {"B": "2", "A": "3"},
            "label": {"own": "1"},
            "user": "5",
            "workdir": "/etc",
            "entrypoint": ["/bin/env"],
        },
        [],
        {},
    ),
    "volumes": (["--volume=/own", "--volume=named:/named"], {"volume": ["/own", "named:/named"]}, [], {}),
    "all volumes": (
        ["--volume=/own", "--volume=named:/named", "--volume=/etc:/bound"],
        {"volume": ["/own", "named:/named", "/etc:/bound"]},
        ["--include-volumes"],
        {"include_volumes": True},
    ),
    "author": ([], {}, ["--author=me"], {"author": "me"}),
    "message": ([], {}, ["--format=docker", "--message=because"], {"message": "because"}),
    "squash": ([], {}, ["--squash"], {"squash": True}),
    "changes": (
        [],
        {},
        [
            '--change=CMD ["a"]',
            "--change=ENV C=3",
            "--change=LABEL l=1",
            "--change=USER 7",
            "--change=VOLUME /v",
            "--change=WORKDIR /w",
            "--change=EXPOSE 90",
            "--change=STOPSIGNAL 1",
            '--change=ENTRYPOINT ["/e"]',
        ],
        {
            "changes": (
                'CMD ["a"]',
                "ENV C=3",
                "LABEL l=1",
                "USER 7",
                "VOLUME /v",
                "WORKDIR /w",
                "EXPOSE 90",
                "STOPSIGNAL 1",
                'ENTRYPOINT ["/e"]',
            )
        },
    ),
}
SHOWN = "Architecture Os Author User Labels".split()


@pytest.mark.parametrize("case", CASES)
def test_words(host, commits, both, podman, case):
    """The configuration is podman's, and so is the length of the history, without podman's own values."""
    theirs_of, ours_of, theirs_commit, ours_commit = CASES[case]
    podman.run("create", "--name", "box", "--network=none", *theirs_of, IMAGE, "env", "x")
    podman.run("commit", "--quiet", *theirs_commit, "box", "localhost/out:1")
    theirs = podman.inspect("localhost/out:1", "image")
    host.want("created", "env", "x", image=IMAGE, **ours_of)
    ours = commits.commit(**ours_commit).result["image"]
    assert {key: ours[key] for key in SHOWN} == {key: theirs.get(key, "") for key in SHOWN}
    mine, other = said(ours["Config"]), said(theirs["Config"])
    assert mine == other
    steps = [[step.get("author") for step in shape["History"]] for shape in (ours, theirs)]
    assert steps[0] == steps[1]
    if case == "message":
        assert ours["History"][-1]["comment"] == theirs["Comment"] == "because"
    else:
        assert ours["History"][-1]["comment"] == theirs["History"][-1]["comment"] == f"FROM {IMAGE}"


def said(config: dict[str, object]) -> dict[str, object]:
    """Return a configuration without the values that podman gives every container."""
    found = {key: value for key, value in config.items() if value}
    return {**found, "Env": sorted({*found["Env"]} - GIVEN)}
