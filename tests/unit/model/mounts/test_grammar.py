# SPDX-License-Identifier: GPL-3.0-or-later
"""The three spellings of mounts; tests/engine/runtime/test_podman_mounts.py compares them with podman's own."""

from __future__ import annotations

import pytest

from _engine.errors import NotBuiltYet
from _engine.model.container import kinds
from _engine.model.mounts import grammar
from _engine.model.mounts.mount import Mount


def bind(*options, source="/a", destination="/b"):
    """Return a bind mount."""
    return Mount("bind", source, destination, options)


def volume(*options, source="data", destination="/d"):
    """Return a volume's mount."""
    return Mount("volume", source, destination, options)


def tmpfs(*options, destination="/t"):
    """Return a tmpfs with the default options; a ``-`` before a word removes it."""
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
    "/a:/b:rro": bind("rro"),
    "/a:/b:ro,rro": bind("rro"),
    "/a:/b:bind,private": bind("bind"),
    "/a:/b:cached,copy,nocreate": bind(),
    "/a:/b:nocopy": bind(),
    "/a:/b:create": bind("create"),
    "data:/d:create": volume(),
    "data:/d:nocreate": volume("nocreate"),
    "/a:/b:U,z": bind("U", "z"),
    "/a:/b:O": bind("O"),
    "data:/d:O,U,nocopy": volume("O", "U", "nocopy"),
    "/a:/b:O,workdir=/w/,upperdir=//u": bind("O", "upperdir=/u", "workdir=/w"),
    "/a:/b:idmap": bind("idmap"),
    "/a:/b:idmap=gids=0-100-10;uids=10-11-10#0-1-10": bind("idmap=uids=0-1-10#10-11-10;gids=0-100-10"),
    "/a:/b:ro,idmap=uids=@0-1-10": bind("idmap=uids=@0-1-10", "ro"),
    "/\u00fc:/\u65e5\u672c": bind(source="/\u00fc", destination="/\u65e5\u672c"),
    "/a b:/c d": bind(source="/a b", destination="/c d"),
}


@pytest.mark.parametrize(("text", "mount"), VOLUMES.items())
def test_volume(text, mount):
    """An entry of ``volume`` is a bind, a named or an anonymous volume, by its source."""
    assert grammar.parse_volume("volume", text) == mount


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
    "/a:/b:tmpcopyup",
    "/a:/b:U=true",
    "/a:/b:subpath=x",
    "/a:/b:rro,rw",
    "/a:/b:rro,bind",
    "/a:/b:create,nocreate",
    "/a:/b:O,ro",
    "/a:/b:O,Z",
    "/a:/b:O,idmap",
    "data:/d:O,rslave",
    "/a:/b:upperdir=/u,workdir=/w",
    "/a:/b:O,upperdir=/u",
    "/a:/b:O,workdir=/w",
    "/a:/b:O,upperdir=u,workdir=w",
    "/a:/b:O,upperdir=,workdir=/w",
    "/a:/b:O,upperdir=/u,workdir=/u",
    "/a:/b:O,upperdir=/u,workdir=/u/w",
    "/a:/b:O,upperdir=/w/u,workdir=/w",
    "/a:/b:idmap=0-1-2",
    "/a:/b:idmap=true",
    "/a:/b:idmap=uids=",
    "/a:/b:idmap=uids=0:1:2",
    "/a:/b:idmap=uids=0-1",
    "/a:/b:idmap=uids=0-1-0",
    "/a:/b:idmap=uids=0-1-2#1-5-2",
    "/a:/b:idmap=uids=0-1-2;uids=5-6-7",
    "/a:/b:idmap=uids=0-1-2,idmap",
    "/a:/b:noatime",
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
    """Relative, empty, contradictory and unknown values, and mounts over the root, are refused."""
    refused(grammar.parse_volume, "volume", text)


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
    "type=bind,src=/a,dest=/b,readwrite=false": bind("ro"),
    "type=bind,src=/a,dst=/b,consistency=cached,shared": bind("shared"),
    "type=bind,src=/a,dst=/b,bind-recursive=enabled": bind(),
    "type=bind,src=/a,dst=/b,bind-recursive=disabled": bind("bind"),
    "type=bind,src=/a,dst=/b,ro,bind-recursive=readonly": bind("rro"),
    "type=bind,src=/a,dst=/b,create=true": bind("create"),
    "type=bind,src=/a,dst=/b,bind-create-src": bind("create"),
    "type=bind,src=/a,dst=/b,create=false": bind(),
    "type=bind,src=/a,dst=/b,U=true,Z": bind("U", "Z"),
    "type=bind,src=/a,dst=/b,chown": bind("U"),
    "type=bind,src=/a,dst=/b,chown=false": bind(),
    "type=bind,src=/a,dst=/b,idmap": bind("idmap"),
    "type=bind,src=/a,dst=/b,idmap=true": bind("idmap"),
    "type=bind,src=/a,dst=/b,idmap=false": bind(),
    "type=bind,src=/a,dst=/b,idmap=uids=0-1-10": bind("idmap=uids=0-1-10"),
    'type=bind,"src=/a,1","dst=/b"': bind(source="/a,1"),
    "type=volume,src=data,dst=/d,subpath=/code//docs/": volume("subpath=code/docs"),
    "type=volume,src=data,dst=/d,volume-subpath=a": volume("subpath=a"),
    "type=volume,src=data,dst=/d,nocreate": volume("nocreate"),
    "type=image,source=localhost/x:1,destination=/d": Mount("image", "localhost/x:1", "/d"),
    "type=image,src=x,dst=/d,rw=false,consistency=x": Mount("image", "x", "/d"),
    "type=image,src=x,dst=/d,rw=true": Mount("image", "x", "/d", ("rw",)),
    "type=image,src=x,dst=/d,readwrite=true,subpath=/a": Mount("image", "x", "/d", ("rw", "subpath=a")),
    "type=image,src=x,dst=/d,image-subpath=a/b": Mount("image", "x", "/d", ("subpath=a/b",)),
    "type=ramfs,dst=/t": Mount("ramfs", "", "/t", ("nodev", "nosuid")),
    "type=ramfs,dst=/t,tmpfs-mode=0700,ro,suid": Mount("ramfs", "", "/t", ("mode=700", "nodev", "ro")),
    "type=devpts,dst=/dev/pts": Mount("devpts", "", "/dev/pts"),
    "type=devpts,dst=/p,uid=05,gid=5,mode=0620,max=1024,ptmxmode=666,newinstance": Mount(
        "devpts", "", "/p", ("gid=5", "max=1024", "mode=620", "newinstance", "ptmxmode=666", "uid=5")
    ),
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
    "type=tmpfs,dst=/t,U,noswap,noatime": tmpfs("U", "noatime", "noswap"),
}


@pytest.mark.parametrize(("text", "mount"), MOUNTS.items())
def test_mount(text, mount):
    """Aliases and the order of keys in ``mount`` are insignificant."""
    assert grammar.parse_mount("mount", text) == mount


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
    "type=tmpfs,dst=/t,bind",
    "type=tmpfs,dst=/t,relabel=shared",
    "type=tmpfs,dst=/t,volume-nocopy",
    "type=bind,src=/a\0,dst=/b",
    "type=glob,src=/a*,dst=/b",
    "type=npipe,src=/a,dst=/b",
    "type=bind,src=/a,dst=/b,subpath=x",
    "type=bind,src=/a,dst=/b,bind-recursive=foo",
    "type=bind,src=/a,dst=/b,rw,bind-recursive=readonly",
    "type=bind,src=/a,dst=/b,U=yes",
    "type=bind,src=/a,dst=/b,volume-opt=o=x",
    "type=volume,src=d,dst=/d,volume-opt=type=nfs",
    "type=volume,src=d,dst=/d,volume-label=a=b",
    "type=volume,src=d,dst=/d,volume-driver=local",
    "type=volume,src=d,dst=/d,subpath",
    "type=volume,src=d,dst=/d,subpath=/",
    "type=volume,src=d,dst=/d,subpath=a/../b",
    "type=image,dst=/d",
    "type=image,src=x",
    "type=image,src=x,dst=/d,nosuid",
    "type=image,src=x,dst=/d,rw=maybe",
    "type=image,src=x,dst=/d,ro,rw",
    "type=image,src=x,dst=/d,U",
    "type=ramfs,dst=/t,tmpfs-size=1m",
    "type=ramfs,dst=/t,tmpcopyup",
    "type=ramfs,dst=/t,U",
    "type=devpts,dst=/p,src=x",
    "type=devpts,dst=/p,ro",
    "type=devpts,dst=/p,uid=x",
    "type=devpts,dst=/p,uid=4294967295",
    "type=devpts,dst=/p,mode=999",
    "type=devpts,dst=/p,max=",
    'type=bind,src="/a,1",dst=/b',
    'type=bind,"src=/a,dst=/b',
)


@pytest.mark.parametrize("text", NO_MOUNTS)
def test_what_is_no_mount(refused, text):
    """Unknown keys, keys with two values, and options of other types are refused."""
    refused(grammar.parse_mount, "mount", text)


@pytest.mark.parametrize(
    "text",
    [
        "type=secret,src=x,dst=/d",
        "type=artifact,src=x,dst=/d",
        "type=bind,src=/a,dst=/b,no-dereference",
    ],
)
def test_mounts_that_are_not_built(refused, text):
    """Types and options of podman that are not implemented are NotBuiltYet."""
    refused(grammar.parse_mount, "mount", text, error=NotBuiltYet)


#: What is written wrong, and what the error has to say: the place, and the nearest right word or the way out.
SLIPS = {
    ("volume", "/a:/b:nosiud"): ("'nosiud'", "Did you mean nosuid?"),
    ("volume", "/a:/b:RO"): ("'RO'", "Did you mean ro?"),
    ("volume", "/a:/b:rslaves"): ("'rslaves'", "Did you mean rslave?"),
    ("volume", "data:/d:tmpcopyup"): ("for a volume mount", "Did you mean copy?"),
    ("volume", "/a:/b:idmaps"): ("'idmaps'", "Did you mean idmap?"),
    ("volume", "/a:/b:exec,noexec"): ("'exec' and 'noexec'", "Keep one"),
    ("volume", "/a:b"): ("no absolute destination", "/data"),
    ("volume", "/a:."): ("no absolute destination", "/data"),
    ("volume", "./a:/b"): ("relative source", "absolute path"),
    ("volume", "/a:/b/../c"): (".. in its destination", "the resolved path"),
    ("volume", "/a:/"): ("cover the root", "below /"),
    ("volume", "/a:/b:O,rw"): ("'rw' with an overlay", "upperdir= and workdir="),
    ("mount", "type=bnd,src=/a,dst=/b"): ("'bnd'", "Did you mean bind?"),
    ("mount", "type=glob,src=/a*,dst=/b"): ("type=glob", "fileglob"),
    ("mount", "src=/a,dst=/b"): ("path as its volume's name", "type=bind"),
    ("mount", "type=bind,sorce=/a,dst=/b"): ("'sorce=/a'", "Did you mean source?"),
    ("mount", "type=bind,dst=/b"): ("no source", "absolute path"),
    ("mount", "type=bind,src=/a,dst=/b,bind-propogation=slave"): (
        "'bind-propogation=slave'",
        "Did you mean bind-propagation?",
    ),
    ("mount", "type=bind,src=/a,dst=/b,bind-propagation=rslav"): (
        "bind-propagation=rslav",
        "Did you mean rslave?",
    ),
    ("mount", "type=bind,src=/a,dst=/b,relabel=pivate"): ("relabel=pivate", "Did you mean private?"),
    ("mount", "type=bind,src=/a, dst=/b"): ("' dst=/b'", "Did you mean dst?"),
    ("mount", "type=volume,src=d,dst=/d,volume-nocpy"): ("'volume-nocpy'", "Did you mean volume-nocopy?"),
    ("mount", "type=volume,src=d,dst=/d,volume-opt=o=x"): ("volume-opt", "module volume"),
    ("mount", "type=ramfs,dst=/t,tmpfs-size=1m"): ("'tmpfs-size=1m' for a ramfs", "type=tmpfs"),
    ("mount", "type=bind,src=/a,dst=/b,subpath=x"): ("'subpath=x' for a bind", "Append it to the source"),
    ("mount", "type=image,src=x,dst=/d,readwrite=tru"): ("readwrite=tru", "readwrite=true"),
}


@pytest.mark.parametrize("slip", SLIPS, ids=" ".join)
def test_a_slip_is_told_with_its_place_and_the_way_out(refused, slip):
    """An error has the option, the whole entry, the reason and the remedy."""
    option, text = slip
    parse = {"volume": grammar.parse_volume, "mount": grammar.parse_mount}[option]
    error = refused(parse, option, text)
    why, remedy = SLIPS[slip]
    assert error.fields["value"] == text
    assert why in error.message
    assert remedy in error.remedy


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
    "noatime,noswap,U": tmpfs("U", "noatime", "noswap"),
}


@pytest.mark.parametrize(("words", "mount"), TMPFS.items())
def test_tmpfs(words, mount):
    """A tmpfs has nosuid and nodev unless it has the opposite; size and mode are canonical."""
    assert grammar.parse_tmpfs("tmpfs", "/t", words) == mount


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
    """Invalid sizes and modes, contradictions, and options of other mounts are refused."""
    refused(lambda option, text: grammar.parse_tmpfs(option, "/t", text), "tmpfs", words)


@pytest.mark.parametrize("destination", ["", "t", "/", "//", "/t/../u", "./t", "/t\0"])
def test_what_is_no_destination(refused, destination):
    """The destination of a tmpfs is an absolute path below the root."""
    refused(lambda option, path: grammar.parse_tmpfs(option, path, ""), "tmpfs", destination)


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
    """Mounts with the same meaning are equal in all three notations."""
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
    """Different mounts with the same destination are refused."""
    last = next(name for name in ("tmpfs", "mount", "volume") if name in options)
    error = refused(kinds.MOUNTS.parse, "mounts", options, names=last)
    assert "has the same destination /b as " in error.message


@pytest.mark.parametrize("mount", [*VOLUMES.values(), *MOUNTS.values()])
def test_a_mount_survives_storing(mount):
    """A mount's JSON form is the mount."""
    assert Mount.decode(mount.destination, mount.encode()) == mount


READ_ONLY = {
    "/a:/b": (False, False),
    "/a:/b:ro": (True, False),
    "/a:/b:rro": (True, True),
    "/a:/b:O": (False, False),
}


@pytest.mark.parametrize("text", READ_ONLY)
def test_read_only(text):
    """A mount is read-only or not, recursively or not."""
    mount = grammar.parse_volume("volume", text)
    assert (mount.read_only, mount.recursively_read_only) == READ_ONLY[text]


def test_an_image_is_read_only_unless_it_says_otherwise():
    """An image mount is read-only by default."""
    found = [grammar.parse_mount("mount", f"type=image,src=x,dst=/d,rw={word}") for word in ("true", "false")]
    assert [mount.read_only for mount in found] == [False, True]


def test_values_of_options():
    """The value of an option, of a word alone, and of an unset option."""
    mount = bind("O", "upperdir=/a=b")
    assert [mount.value(name) for name in ("upperdir", "O", "U")] == ["/a=b", "", None]
