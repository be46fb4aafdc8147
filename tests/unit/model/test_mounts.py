# SPDX-License-Identifier: GPL-3.0-or-later
"""The three grammars of mounts; what is good and what is not was compared with podman 4.3.1."""

from __future__ import annotations

import pytest

from _engine.errors import NotBuiltYet
from _engine.model import kinds, mounts
from _engine.model.mounts import Mount


def bind(*options, source="/a", destination="/b"):
    """Return a bind mount."""
    return Mount("bind", source, destination, options)


def volume(*options, source="data", destination="/d"):
    """Return a volume's mount."""
    return Mount("volume", source, destination, options)


def tmpfs(*options, destination="/t"):
    """Return a tmpfs with what every tmpfs has; a ``-`` before a word takes it away."""
    gone = {word[1:] for word in options if word.startswith("-")}
    words = {"nodev", "nosuid", *options}
    return Mount("tmpfs", "", destination, tuple(sorted({word for word in words if word[0] != "-"} - gone)))


VOLUMES = {
    "/data": volume(source="", destination="/data"),
    "/data/": volume(source="", destination="/data"),
    "data:/d": volume(),
    "data://d/./": volume(),
    "data:/d:": volume(),
    "data:/d:rw,copy,rbind,rprivate": volume(),
    "data:/d:nocopy": volume("nocopy"),
    "data:/d:ro": volume("ro"),
    "data:/d:ro,ro": volume("ro"),
    "data:/d:Z": volume("Z"),
    "/a:/b": bind(),
    "//a/:/b": bind(),
    "/a:/b:ro,z,noexec": bind("noexec", "ro", "z"),
    "/a:/b:noexec,z,ro": bind("noexec", "ro", "z"),
    "/a:/b:,ro,": bind("ro"),
    "/a:/b:bind,rslave": bind("bind", "rslave"),
    "/a:/b:suid,dev,exec": bind("dev", "exec", "suid"),
    "/\u00fc:/\u65e5\u672c": bind(source="/\u00fc", destination="/\u65e5\u672c"),
    "/a b:/c d": bind(source="/a b", destination="/c d"),
}


@pytest.mark.parametrize(("text", "mount"), VOLUMES.items())
def test_volume(text, mount):
    """An entry of ``volume`` is a bind, a named or an anonymous volume, by its source."""
    assert mounts.parse_volume("volume", text) == mount


NO_VOLUMES = (
    "",
    ":",
    "::",
    ":/b",
    "/a:",
    "/a:b",
    "data",
    "data:data",
    "/a:/",
    "/:/",
    "/a://",
    "/a:/b/../c",
    "/a:/..",
    "/a:/b:ro:rw",
    "/a:/b:ro,rw",
    "/a:/b:z,Z",
    "/a:/b:exec,noexec",
    "/a:/b:suid,nosuid",
    "/a:/b:private,shared",
    "/a:/b:bind,rbind",
    "/a:/b:bogus",
    "/a:/b:RO",
    "/a:/b:ro ",
    "/a: /b",
    "/a:/b:size=5m",
    "/a:/b:ro=true",
    "/a:/b:nocopy",
    "/a:/b:tmpcopyup",
    "./a:/b",
    "../a:/b",
    ".:/b",
    "x/y:/d",
    "-x:/d",
    "a b:/d",
    "\u00fc:/d",
    "_x:/d",
    "/a\0:/b",
    "data:/d\0",
    "/a:/\udc80",
    "data:/d:copy,nocopy",
    "data:/d:notmpcopyup",
    f"{'x' * 256}:/d",
)


@pytest.mark.parametrize("text", NO_VOLUMES)
def test_what_is_no_volume(refused, text):
    """What is relative, empty, contradictory, unknown, or covers the root is refused."""
    refused(mounts.parse_volume, "volume", text)


@pytest.mark.parametrize("text", ["data:/d:U", "/a:/b:O", "/a:/b:ro,idmap", "/a:/b:idmap=uids=0-1-2"])
def test_volume_options_that_are_not_built(refused, text):
    """What podman has and this engine not is told as such."""
    refused(mounts.parse_volume, "volume", text, error=NotBuiltYet)


MOUNTS = {
    "type=bind,source=/a,destination=/b": bind(),
    "type=bind,src=/a,dst=/b": bind(),
    "target=/b,src=/a/,type=bind": bind(),
    "type=bind,src=/a,src=/a,dst=/b": bind(),
    "type=bind,src=/a,dst=/b,rw": bind(),
    "type=bind,src=/a,dst=/b,ro=false": bind(),
    "type=bind,src=/a,dst=/b,readonly=0": bind(),
    "type=bind,src=/a,dst=/b,ro": bind("ro"),
    "type=bind,src=/a,dst=/b,ro=TRUE": bind("ro"),
    "type=bind,src=/a,dst=/b,readonly": bind("ro"),
    "type=bind,src=/a,dst=/b,rw=false": bind("ro"),
    "type=bind,src=/a,dst=/b,bind-propagation=rshared": bind("rshared"),
    "type=bind,src=/a,dst=/b,bind-nonrecursive": bind("bind"),
    "type=bind,src=/a,dst=/b,bind-nonrecursive=false": bind(),
    "type=bind,src=/a,dst=/b,relabel=shared": bind("z"),
    "type=bind,src=/a,dst=/b,relabel=private": bind("Z"),
    "type=bind,src=/a,dst=/b,nosuid,noexec": bind("noexec", "nosuid"),
    "type=bind,src=/a=1,dst=/b": bind(source="/a=1"),
    "type=volume,src=data,dst=/d": volume(),
    "src=data,dst=/d": volume(),
    "type=volume,dst=/d": volume(source=""),
    "type=volume,src=data,dst=/d,volume-nocopy": volume("nocopy"),
    "type=volume,src=data,dst=/d,volume-nocopy=false": volume(),
    "type=tmpfs,dst=/t": tmpfs(),
    "type=tmpfs,dst=/t,tmpfs-size=64m,tmpfs-mode=1777": tmpfs("size=67108864", "mode=1777"),
    "type=tmpfs,dst=/t,size=64m": tmpfs("size=67108864"),
    "type=tmpfs,dst=/t,tmpcopyup": tmpfs(),
    "type=tmpfs,dst=/t,tmpcopyup=false": tmpfs("notmpcopyup"),
    "type=tmpfs,dst=/t,notmpcopyup": tmpfs("notmpcopyup"),
    "type=tmpfs,dst=/t,ro": tmpfs("ro"),
}


@pytest.mark.parametrize(("text", "mount"), MOUNTS.items())
def test_mount(text, mount):
    """An entry of ``mount`` is the same mount whichever names its keys have, and in whichever order they stand."""
    assert mounts.parse_mount("mount", text) == mount


NO_MOUNTS = (
    "",
    ",",
    "type=",
    "type=foo,dst=/d",
    "type=Bind,src=/a,dst=/b",
    "type=bind",
    "type=bind,dst=/b",
    "type=bind,src=/a",
    "type=bind,source=,dst=/b",
    "type=bind,src=rel,dst=/b",
    "type=volume,src=/a,dst=/b",
    "type=bind,src=/a,dst=b",
    "type=bind,src=/a,dst=/",
    "type=bind,src=/a,dst=/b/../c",
    "type=bind,src=/a,dst=/b,",
    "type=bind,src=/a, dst=/b",
    "type=bind,src=/a,source=/c,dst=/b",
    "type=bind,src=/a,dst=/b,target=/c",
    "type=bind,type=volume,src=a,dst=/b",
    "type=bind,src=/a,dst=/b,foo",
    "type=bind,src=/a,dst=/b,foo=1",
    "type=bind,src=/a,dst=/b,foo=shared",
    "type=bind,src=/a,dst=/b,ro=yes",
    "type=bind,src=/a,dst=/b,ro,rw",
    "type=bind,src=/a,dst=/b,ro,readonly=false",
    "type=bind,src=/a,dst=/b,nosuid=true",
    "type=bind,src=/a,dst=/b,noexec,exec",
    "type=bind,src=/a,dst=/b,private,shared",
    "type=bind,src=/a,dst=/b,bind-propagation=foo",
    "type=bind,src=/a,dst=/b,bind-propagation=ro",
    "type=bind,src=/a,dst=/b,bind-propagation=",
    "type=bind,src=/a,dst=/b,relabel=foo",
    "type=bind,src=/a,dst=/b,tmpfs-size=1m",
    "type=tmpfs,dst=/t,src=/a",
    "type=tmpfs,dst=/t,tmpfs-size=abc",
    "type=tmpfs,dst=/t,tmpfs-size=",
    "type=tmpfs,dst=/t,size",
    "type=tmpfs,dst=/t,tmpfs-mode=9",
    "type=tmpfs,dst=/t,uid=5",
    "type=tmpfs,dst=/t,noatime",
    "type=tmpfs,dst=/t,bind",
    "type=tmpfs,dst=/t,relabel=shared",
    "type=tmpfs,dst=/t,volume-nocopy",
    "type=bind,src=/a\0,dst=/b",
)


@pytest.mark.parametrize("text", NO_MOUNTS)
def test_what_is_no_mount(refused, text):
    """Unknown keys, keys with two values, and what does not fit the type are refused."""
    refused(mounts.parse_mount, "mount", text)


@pytest.mark.parametrize(
    "text",
    [
        "type=image,src=x,dst=/d",
        "type=devpts,dst=/dev/pts",
        "type=volume,src=d,dst=/d,U=true",
        "type=bind,src=/a,dst=/b,chown",
        "type=volume,src=d,dst=/d,volume-opt=x",
        "type=tmpfs,dst=/t,U",
    ],
)
def test_mounts_that_are_not_built(refused, text):
    """Types and options that podman has and this engine not are told as such."""
    refused(mounts.parse_mount, "mount", text, error=NotBuiltYet)


TMPFS = {
    "": tmpfs(),
    None: tmpfs(),
    "rw,nosuid,nodev,rprivate,tmpcopyup": tmpfs(),
    "size=64m": tmpfs("size=67108864"),
    "size=1.5g": tmpfs("size=1610612736"),
    "size=0": tmpfs("size=0"),
    "size=50%": tmpfs("size=50%"),
    "size=1m,size=1024k": tmpfs("size=1048576"),
    "mode=1777": tmpfs("mode=1777"),
    "mode=01777,": tmpfs("mode=1777"),
    "mode=0": tmpfs("mode=0"),
    "mode=7777": tmpfs("mode=7777"),
    "ro,noexec": tmpfs("noexec", "ro"),
    "exec": tmpfs(),
    "suid,dev": tmpfs("-nosuid", "-nodev"),
}


@pytest.mark.parametrize(("words", "mount"), TMPFS.items())
def test_tmpfs(words, mount):
    """An entry of ``tmpfs`` has nosuid and nodev unless it says the opposite; size and mode have one form."""
    assert mounts.parse_tmpfs("tmpfs", "/t", words) == mount


NO_TMPFS = (
    "size=",
    "size",
    "size=-1",
    "size=abc",
    "size=%",
    "size=1.5%",
    "size=\u00b2%",
    "size=1000%",
    "mode=",
    "mode=9",
    "mode=17777",
    "mode=10000",
    "mode=-1",
    "mode=0o17",
    "mode=u+x",
    "mode=\u0661",
    "rw,ro",
    "noexec,exec",
    "nosuid,suid",
    "size=64m,size=65m",
    "mode=1,mode=2",
    "foo",
    "uid=5",
    "noatime",
    "huge=always",
    "bind",
    "rbind",
    "z",
    "copy",
    "nocopy",
    "RW",
    ["rw"],
    True,
)


@pytest.mark.parametrize("words", NO_TMPFS)
def test_what_is_no_tmpfs(refused, words):
    """Sizes and modes that are none, contradictions, and what only other mounts have are refused."""
    refused(lambda option, text: mounts.parse_tmpfs(option, "/t", text), "tmpfs", words)


@pytest.mark.parametrize("destination", ["", "t", "/", "//", "/t/../u", "./t", "/t\0"])
def test_what_is_no_destination(refused, destination):
    """A tmpfs, too, has to lie at an absolute path below the root."""
    refused(lambda option, path: mounts.parse_tmpfs(option, path, ""), "tmpfs", destination)


SAME = {
    "bind": [
        {"volume": ["/a:/b:ro"]},
        {"volume": ["/a/:/b/:ro,rprivate"]},
        {"mount": ["type=bind,src=/a,dst=/b,readonly=true"]},
        {"mount": ["ro,dst=//b,source=/a,type=bind"]},
    ],
    "volume": [
        {"volume": ["v:/b"]},
        {"mount": ["type=volume,src=v,dst=/b"]},
        {"mount": ["source=v,target=/b,rw=true"]},
    ],
    "anonymous": [{"volume": ["/b"]}, {"volume": ["/b", "/b/"]}, {"mount": ["type=volume,dst=/b"]}],
    "tmpfs": [
        {"tmpfs": {"/b": "size=1m"}},
        {"tmpfs": {"/b/": "rw,size=1024k"}},
        {"mount": ["type=tmpfs,dst=/b,tmpfs-size=1048576"]},
        {"mount": ["type=tmpfs,dst=/b,size=1m,nodev"]},
    ],
}


@pytest.mark.parametrize("meaning", SAME)
def test_one_meaning_has_one_form(meaning):
    """What means the same is the same, in whichever of the three options it stands."""
    first, *others = [kinds.MOUNTS.parse("mounts", options) for options in SAME[meaning]]
    assert [other for other in others if other != first] == []
    assert list(first) == ["/b"]


def test_one_mount_may_be_written_twice():
    """The same mount in two options is one mount."""
    twice = {"volume": ["/a:/b", "/a:/b"], "mount": ["type=bind,src=/a,dst=/b"]}
    assert kinds.MOUNTS.parse("mounts", twice) == {"/b": bind()}


@pytest.mark.parametrize(
    "options",
    [
        {"volume": ["x:/b", "y:/b"]},
        {"volume": ["/a:/b", "/a:/b/:ro"]},
        {"volume": ["/b"], "tmpfs": {"/b": ""}},
        {"mount": ["type=tmpfs,dst=/b"], "volume": ["x:/b"]},
        {"tmpfs": {"/b": "", "/b/": "ro"}},
    ],
)
def test_two_mounts_on_one_place(refused, options):
    """Two mounts that differ can't have one destination."""
    error = refused(kinds.MOUNTS.parse, "volume", options)
    assert error.fields["value"] == "/b"


@pytest.mark.parametrize("text", [*VOLUMES])
def test_a_mount_survives_storing(text):
    """A mount's JSON form is the mount."""
    mount = mounts.parse_volume("volume", text)
    assert Mount.decode(mount.destination, mount.encode()) == mount
    assert mount.read_only == ("ro" in mount.options)
