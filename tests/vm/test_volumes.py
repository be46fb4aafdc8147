# SPDX-License-Identifier: GPL-3.0-or-later
"""Volumes that need what this machine's kernel has: project quotas, and file servers over NFS."""

from __future__ import annotations

import pytest

#: A kernel's NFS server for NFSv4 alone, which needs no portmapper.
SERVE = """
set -e
mkdir -p /srv/nfs && chmod 777 /srv/nfs && echo 'of the server' > /srv/nfs/hello
modprobe nfsd && mountpoint -q /proc/fs/nfsd || mount -t nfsd nfsd /proc/fs/nfsd
exportfs -o rw,no_root_squash,fsid=0,insecure 127.0.0.1:/srv/nfs
pgrep -x rpc.mountd || rpc.mountd -N 2 -N 3
rpc.nfsd -N 3 2
echo Y > /proc/fs/nfsd/v4_end_grace
"""
UNSERVE = "rpc.nfsd 0; exportfs -au; pkill -x rpc.mountd; umount /proc/fs/nfsd; rm -rf /srv/nfs; true"
#: Accepts connections, and never says a word.
MUTE = "import socket, time; s = socket.create_server(('127.0.0.1', 2049)); print('ready', flush=True); time.sleep(600)"


#: ext4 lets everybody pass a limit who has this capability; containers have it only if asked for.
AS_A_CONTAINER = "setpriv --inh-caps=-sys_resource --bounding-set=-sys_resource"


def volume(name: str, state: str = "present", **options: object) -> dict:
    """Return the task that has a volume."""
    return {"name": f"{name} {state}", "slipway.oci.volume": {"name": name, "state": state, **options}}


def nfs(words: str) -> list[str]:
    """Return the options of a volume on this machine's own server."""
    return ["type=nfs4", "device=127.0.0.1:/", f"o={words}"]


@pytest.fixture
def server(clean):
    """Return the machine with an NFS server of its own."""
    clean.run(SERVE)
    yield clean
    clean.run(UNSERVE)


def test_nfs(server):
    """A container writes to a file server, and a task of the host mounts the same; the last one out unmounts it."""
    machine = server
    share = volume("share", options=nfs("vers=4.2,soft,timeo=50"))
    said = "cat /data/hello; echo of the container > /data/more; sleep 1000"
    box = machine.container("box", "sh", "-c", said, volume=["share:/data"], stop_timeout=0)
    machine.have(share, box)
    assert machine.run("cat /srv/nfs/more") == "of the container"
    assert machine.run("slipway logs box") == "of the server"
    assert machine.run("findmnt -no FSTYPE /var/lib/slipway/volumes/share/data") == "nfs4"
    again = machine.have(share, volume("share", "mounted"), volume("share", "mounted"))
    assert again.changed == ["share mounted"]
    machine.have(machine.container("box", state="absent"))
    assert machine.holds("mountpoint -q /var/lib/slipway/volumes/share/data")
    machine.have(volume("share", "unmounted"))
    assert not machine.holds("mountpoint -q /var/lib/slipway/volumes/share/data")


def test_nfs_that_does_not_answer(clean):
    """A server that accepts and says nothing costs the seconds of the timeout; the task fails, and nothing is left."""
    machine = clean
    machine.run(
        f'nohup python3 -c "{MUTE}" > /tmp/mute 2>&1 & echo $! > /tmp/mute.pid; sleep 1; cat /tmp/mute'
    )
    try:
        play = machine.play(volume("gone", options=nfs("vers=4.2,timeout=5")), volume("gone", "mounted"))
        assert [name for name, _told in play.failed] == ["gone mounted"]
        assert "127.0.0.1:/ did not answer within 5 s" in play["gone mounted"]["msg"]
        assert not machine.holds("mountpoint -q /var/lib/slipway/volumes/gone/data")
        box = machine.container("box", "true", volume=["gone:/data"])
        play = machine.play(box)
        assert "127.0.0.1:/ did not answer within 5 s" in play["box"]["msg"]
        assert not machine.holds("pgrep -x mount.nfs4")
    finally:
        machine.run("kill $(cat /tmp/mute.pid); rm /tmp/mute /tmp/mute.pid")
    machine.have(machine.container("box", state="absent"), volume("gone", "absent"))


def test_nfs_whose_server_dies(server):
    """Containers and volume can be taken away while the server does not answer, and no task hangs."""
    machine = server
    machine.have(
        volume("share", options=nfs("vers=4.2,hard,timeo=20")),
        machine.container("box", "sleep", "1000", volume=["share:/data"], stop_timeout=0),
    )
    machine.run("iptables -I INPUT -i lo -p tcp --dport 2049 -j DROP")
    try:
        machine.have(machine.container("box", state="absent"), volume("share", "absent"))
        assert not machine.holds("grep -q volumes/share /proc/self/mountinfo")
    finally:
        machine.run("iptables -D INPUT -i lo -p tcp --dport 2049 -j DROP")


@pytest.fixture(params=["ext4", "xfs"])
def limited(request, clean):
    """Return the machine with a file system that counts projects at /srv/engine, and the options of an engine that lies there."""
    make = {"ext4": "mkfs.ext4 -q -O quota,project", "xfs": "mkfs.xfs -q"}[request.param]
    clean.run(
        "modprobe loop; modprobe quota_v2; truncate -s 400M /srv/disk; mkdir -p /srv/engine;"
        f" {make} /srv/disk && mount -o loop,prjquota /srv/disk /srv/engine",
        timeout=300,
    )
    yield clean, {"root": "/srv/engine/root", "run_root": "/run/slipway-limited"}
    clean.run(
        "umount /srv/engine; rm -rf /srv/engine /srv/disk /run/slipway-limited; modprobe -r loop || true"
    )


def test_quota(limited):
    """A volume takes no more than its size and inodes allow, a change holds at once, and content that was there counts."""
    machine, place = limited
    data = "/srv/engine/root/volumes/small/data"
    fill = f"{AS_A_CONTAINER} dd if=/dev/zero of={data}/file bs=1M count=20 conv=fsync 2>&1 | tail -1; stat -c %s {data}/file"
    machine.have(volume("small", options=["o=size=4m,inodes=10"], **place))
    assert 3 << 20 <= int(machine.run(fill).split()[-1]) <= 4 << 20
    assert (
        machine.run(
            f"{AS_A_CONTAINER} touch {data}/f{{1..20}} 2>/dev/null; ls {data} | wc -l", check=False
        ).split()[-1]
        != "21"
    )
    grown = machine.have(volume("small", options=["o=size=64m"], **place))
    assert [change["option"] for change in grown["small present"]["plan"]["changes"]] == [
        "options.inodes",
        "options.size",
    ]
    assert machine.run(fill).split()[-1] == str(20 << 20)
    # What is there already counts when a limit comes later.
    machine.have(volume("late", **place))
    late = data.replace("small", "late")
    machine.run(
        f"mkdir {late}/below; dd if=/dev/zero of={late}/below/before bs=1M count=6 conv=fsync 2>/dev/null"
    )
    machine.have(volume("late", options=["o=size=8m"], **place))
    assert not machine.holds(
        f"{AS_A_CONTAINER} dd if=/dev/zero of={late}/below/after bs=1M count=6 conv=fsync"
    )
    machine.have(volume("late", options=[], **place))
    assert machine.holds(f"{AS_A_CONTAINER} dd if=/dev/zero of={late}/below/after bs=1M count=6 conv=fsync")
    machine.have(volume("small", "absent", **place), volume("late", "absent", **place))
