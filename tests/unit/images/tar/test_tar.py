# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading and writing tar, checked against Python's tarfile."""

from __future__ import annotations

import io
import tarfile

import pytest

from _engine.errors import ArchiveBroken
from _engine.images.tar import header, sparse, write
from _engine.images.tar import read as tarread
from _engine.images.tar.read import Chunks, Entry

FORMATS = [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]


def read(data, *, step=7):
    """Read a tar in pieces of an odd size; return (entry, content)."""
    source = Chunks(data[at : at + step] for at in range(0, len(data), step))
    return [(entry, b"".join(source.pieces(entry.stored))) for entry in tarread.entries(source)]


def made(form, *members):
    """Return a tar by tarfile with members of (attributes, content)."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as tar:
        for attributes, content in members:
            info = tarfile.TarInfo()
            info.size = len(content)
            for key, value in attributes.items():
                setattr(info, key, value)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("step", [7, 512, 1 << 20])
def test_reads_each_format(form, step):
    """Names, numbers and content equal those that tarfile wrote, in each of its formats."""
    data = made(
        form,
        ({"name": "plain", "mode": 0o4755, "uid": 5, "gid": 6, "mtime": 77}, b"content" * 100),
        ({"name": f"{'d' * 90}/{'f' * 90}"}, b""),
        ({"name": "dir", "type": tarfile.DIRTYPE}, b""),
        ({"name": "link", "type": tarfile.LNKTYPE, "linkname": "plain"}, b""),
        ({"name": "node", "type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 3}, b""),
    )
    found = read(data, step=step)
    assert [entry.name for entry, _content in found] == [
        b"plain",
        b"d" * 90 + b"/" + b"f" * 90,
        b"dir/",
        b"link",
        b"node",
    ]
    entry, content = found[0]
    assert (entry.mode, entry.uid, entry.gid, entry.mtime, content) == (
        0o4755,
        5,
        6,
        77 * 10**9,
        b"content" * 100,
    )
    assert [entry.kind for entry, _content in found] == ["file", "file", "directory", "link", "char"]
    assert found[3][0].link == b"plain"
    assert found[4][0].device == (1, 3)


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_reads_what_ustar_can_not_hold(form):
    """Long names and large numbers are read from GNU's and from pax headers."""
    data = made(
        form,
        ({"name": "n" * 1000, "uid": 2**31, "gid": 2**32 - 2, "mtime": 9_000_000_000}, b"1"),
        ({"name": "l", "type": tarfile.SYMTYPE, "linkname": "t" * 1000, "mtime": -7}, b""),
    )
    (first, content), (second, _nothing) = read(data)
    assert (first.name, first.uid, first.gid, first.mtime) == (b"n" * 1000, 2**31, 2**32 - 2, 9 * 10**18)
    assert content == b"1"
    assert (second.link, second.mtime) == (b"t" * 1000, -7 * 10**9)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (b"0000755\0", 0o755),
        (b"   755 \0", 0o755),
        (b"755     ", 0o755),
        (b"\0\0\0\0\0\0\0\0", 0),
        (b"7\0garbage", 7),
        (b"\x80\0\0\0\0\0\1\0", 256),
        (b"\xff\xff\xff\xff\xff\xff\xff\xff", -1),
    ],
)
def test_number(field, value):
    """A number is octal text or base 256."""
    assert header.number(field, least=-10) == value


@pytest.mark.parametrize(
    "field", [b"89      ", b"-1      ", b"0x1     ", b"1_0     ", b"\xff" * 8, b"\x80" + b"\xff" * 11]
)
def test_wrong_number(field):
    """A field with an invalid number, or one out of range, raises ArchiveBroken."""
    with pytest.raises(ArchiveBroken):
        header.number(field)


@pytest.mark.parametrize(
    ("text", "nanos"),
    [
        (b"0", 0),
        (b"1.5", 1_500_000_000),
        (b"1.123456789", 1_123_456_789),
        (b"1.1234567899", 1_123_456_789),
        (b"-1.5", -1_500_000_000),
        (b"-0.25", -250_000_000),
        (b".5", 500_000_000),
        (b"7.", 7_000_000_000),
        (b"9999999999999", 9_999_999_999_999_000_000_000),
    ],
)
def test_nanoseconds(text, nanos):
    """A pax time keeps nine digits of its fraction."""
    assert header.nanoseconds(text) == nanos


@pytest.mark.parametrize("text", [b"x", b"1.x", b"1e3", b"99999999999999999999", b"--1"])
def test_wrong_time(text):
    """An invalid time, or one that the kernel cannot take, raises ArchiveBroken."""
    with pytest.raises(ArchiveBroken):
        header.nanoseconds(text)


def test_records():
    """Pax records may have any bytes, including newlines, and keep their order."""
    assert header.records(b"") == []
    assert header.records(b"6 a=\n\n8 b==x\n\n") == [(b"a", b"\n"), (b"b", b"=x\n")]
    assert header.records(b"5 a=\n6 a=1\n") == [(b"a", b""), (b"a", b"1")]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([(b"a", b"1"), (b"b", b"")], [(b"a", b"1")]),
        ([(b"a", b"1"), (b"a", b""), (b"a", b"2")], [(b"a", b"2")]),
        ([(b"a", b"1"), (b"b", b"2"), (b"a", b"")], [(b"b", b"2")]),
        ([(b"GNU.sparse.map", b"")], [(b"GNU.sparse.map", b"")]),
    ],
)
def test_a_record_without_a_value(found, expected):
    """A record without a value deletes earlier ones of its name."""
    assert header.kept(found) == expected


def test_fields_stand_for_what_is_deleted():
    """If pax records are missing or deleted, the header's own fields count."""
    records = {"path": "", "size": "", "uid": "", "gid": "", "mtime": "", "SCHILY.xattr.user.a": ""}
    given = {"name": "f", "uid": 5, "gid": 6, "mtime": 77, "pax_headers": records}
    ((entry, content),) = read(made(tarfile.PAX_FORMAT, (given, b"12")))
    assert (entry.name, entry.uid, entry.gid, entry.mtime) == (b"f", 5, 6, 77 * 10**9)
    assert (content, entry.xattrs) == (b"12", ())


@pytest.mark.parametrize("key", ["path", "linkpath", "GNU.sparse.name", "SCHILY.xattr.user.a\0b"])
def test_zero_byte(key):
    """A zero byte in a value for which the kernel takes a C string raises ArchiveBroken."""
    with pytest.raises(ArchiveBroken, match="zero byte"):
        read(made(tarfile.PAX_FORMAT, ({"name": "f", "pax_headers": {key: "a\0b"}}, b"")))


def test_zero_byte_in_a_long_name():
    """A long GNU name or link ends at its first zero byte, as a short one does."""
    data = b"".join(
        write._block(b"././@LongLink", kind, size=7) + b"one\0two".ljust(512, b"\0") for kind in (b"L", b"K")
    )
    ((entry, _content),) = read(
        data + made(tarfile.GNU_FORMAT, ({"name": "f", "type": tarfile.SYMTYPE}, b""))
    )
    assert (entry.name, entry.link) == (b"one", b"one")


@pytest.mark.parametrize("device", [(1 << 12, 0), (0, 1 << 20), (2**40, 1), (1, 2**40)])
def test_device_number(device):
    """A device number beyond Linux' range raises ArchiveBroken; the largest one is accepted."""
    major, minor = device
    given = {"name": "n", "type": tarfile.CHRTYPE}
    with pytest.raises(ArchiveBroken, match=f"{major}:{minor}"):
        read(made(tarfile.GNU_FORMAT, ({**given, "devmajor": major, "devminor": minor}, b"")))
    ((entry, _content),) = read(
        made(tarfile.GNU_FORMAT, ({**given, "devmajor": 4095, "devminor": 2**20 - 1}, b""))
    )
    assert entry.device == (4095, 2**20 - 1)


@pytest.mark.parametrize(
    "data",
    [
        b"x",
        b"5 a=1\n",
        b"7 a=1\n",
        b" a=1\n",
        b"-1 a=1\n",
        b"99 a=1\n",
        b"0 a=1\n",
        b"5 abc\n",
        b"2 \n",
        b"6 a=1 ",
    ],
)
def test_damaged_records(data):
    """A record of the wrong length, or without its separators, raises ArchiveBroken."""
    with pytest.raises(ArchiveBroken):
        header.records(data)


ENTRY = Entry(
    name=b"name",
    kind="file",
    mode=0o644,
    uid=0,
    gid=0,
    mtime=10**18,
    size=4,
    stored=4,
    link=b"",
    device=(0, 0),
    xattrs=(),
    extents=None,
)
WRITTEN = {
    "plain": ENTRY,
    "bytes": ENTRY._replace(name=b"\xff\xfe", xattrs=((b"user.a", b"\0\n=\xff"), (b"user.b", b""))),
    "long": ENTRY._replace(name=b"n" * 300, link=b"t" * 300, kind="symlink", size=0, stored=0),
    "exactly 100": ENTRY._replace(name=b"n" * 100),
    "large numbers": ENTRY._replace(uid=3_000_000_000, gid=2**32 - 2, mode=0o7777),
    "nanoseconds": ENTRY._replace(mtime=1_234_567_890_123_456_789),
    "before 1970": ENTRY._replace(mtime=-1),
    "far": ENTRY._replace(mtime=9_000_000_000 * 10**9),
    "device": ENTRY._replace(kind="block", device=(259, 70_000), size=0, stored=0),
    "directory": ENTRY._replace(name=b"d/", kind="directory", size=0, stored=0),
    "sparse": ENTRY._replace(size=1 << 40, stored=4, extents=((4096, 1), (8192, 3))),
    "only a hole": ENTRY._replace(size=5000, stored=0, extents=()),
    "record whose length grows a digit": ENTRY._replace(xattrs=((b"u", b"x" * 81),)),
}


@pytest.mark.parametrize("case", WRITTEN)
def test_writes_what_it_reads(case):
    """Reading a written entry returns the same entry."""
    entry = WRITTEN[case]
    content = b"data"[: entry.stored]
    data = write.header(entry)
    data += write.sparse_map(entry) if entry.extents is not None else b""
    data += content + write.padding(len(content)) + write.END
    assert len(data) % 512 == 0
    assert read(data) == [(entry, content)]


@pytest.mark.parametrize("case", WRITTEN)
def test_writes_what_tarfile_reads(case):
    """Written entries are read correctly by tarfile."""
    entry = WRITTEN[case]
    content = b"data"[: entry.stored]
    data = write.header(entry)
    data += write.sparse_map(entry) if entry.extents is not None else b""
    data += content + write.padding(len(content)) + write.END
    with tarfile.open(fileobj=io.BytesIO(data), errors="surrogateescape") as tar:
        (member,) = tar.getmembers()
    assert member.name.encode("utf-8", "surrogateescape") == entry.name.rstrip(b"/")
    assert member.linkname.encode() == entry.link
    assert (member.mode, member.uid, member.gid, member.size) == (
        entry.mode,
        entry.uid,
        entry.gid,
        entry.size,
    )
    assert member.mtime == pytest.approx(entry.mtime / 10**9)
    assert bool(member.sparse) == bool(entry.extents) or case == "only a hole"


def reader(data):
    """Return a reader of bytes that raises at their end, as a stream does."""

    def read(size):
        nonlocal data
        if len(data) < size:
            raise ArchiveBroken("cut short")
        piece, data = data[:size], data[size:]
        return piece

    return read


def old_gnu(pairs, *, more=0, size=100):
    """Return the part of a header with an old sparse map."""
    text = b"".join(b"%011o\0%011o\0" % pair for pair in pairs)
    return bytes(386) + text.ljust(96, b"\0") + bytes([more]) + b"%011o\0" % size + bytes(17)


def test_old_sparse_map():
    """The old map continues in further blocks."""
    further = b"".join(b"%011o\0%011o\0" % (50 + at, 1) for at in (0, 2)).ljust(512, b"\0")
    extents, size = sparse.old_gnu(
        old_gnu([(0, 5), (10, 5), (20, 5), (30, 5)], more=1), lambda _size: further
    )
    assert extents == ((0, 5), (10, 5), (20, 5), (30, 5), (50, 1), (52, 1))
    assert size == 100


@pytest.mark.parametrize("pairs", [[(0, 101)], [(10, 5), (0, 5)], [(0, 10), (5, 10)], [(2**40, 1)]])
def test_wrong_sparse_map(pairs):
    """A map whose parts overlap or exceed the size raises ArchiveBroken."""
    with pytest.raises(ArchiveBroken):
        sparse.old_gnu(old_gnu(pairs), reader(b""))


@pytest.mark.parametrize(
    "text",
    [b"x\n", b"1\n5\n", b"99999999\n", b"-1\n", b"1" * 600, b"2\n0\n1\n"],
    ids=lambda text: repr(text[:9]),
)
def test_wrong_map_before_data(text):
    """A damaged or truncated map before the data raises ArchiveBroken."""
    with pytest.raises(ArchiveBroken):
        sparse.from_data(reader(text.ljust(512, b"\0")), 100)


def test_sparse_map_must_fit_the_data():
    """A map of more or less data than there is raises ArchiveBroken."""
    data = write.header(ENTRY._replace(size=100, stored=4, extents=((0, 5),))) + b"1\n0\n5\n".ljust(
        1024, b"\0"
    )
    with pytest.raises(ArchiveBroken, match="does not fit"):
        read(data)


GOOD = made(tarfile.PAX_FORMAT, ({"name": "a" * 200}, b"content" * 100), ({"name": "b"}, b"2"))


@pytest.mark.parametrize("extended", [0, 1])
def test_sparse_header_is_cut_short(extended):
    """A tar that ends within a sparse map raises ArchiveBroken."""
    if extended:
        block = bytearray(made(tarfile.GNU_FORMAT, ({"name": "s", "type": b"S"}, b""))[:512])
        block[386:495] = old_gnu([(0, 1)], more=1)[386:495]
        block[148:156] = b" " * 8
        block[148:156] = b"%06o\0 " % sum(block)
        data = bytes(block)
    else:
        data = write.header(ENTRY._replace(size=100, extents=((0, 4),)))
    with pytest.raises(ArchiveBroken, match="truncated"):
        read(data)


@pytest.mark.parametrize("end", [1, 511, 513, 1024, 1030, 1536 + 1, 2048 + 100, 2048 + 1000])
def test_cut_short(end):
    """A tar that ends within a header or within content raises ArchiveBroken."""
    with pytest.raises(ArchiveBroken):
        read(GOOD[:end])


def test_end():
    """A tar ends with two blocks of zeroes, or at the end of the data; anything after it is ignored."""
    names = [entry.name for entry, _content in read(GOOD)]
    end = GOOD.rindex(b"2") + 512
    assert [entry.name for entry, _content in read(GOOD[:end])] == names
    assert [entry.name for entry, _content in read(GOOD[:end] + bytes(1024) + b"garbage")] == names
    assert read(b"") == []


@pytest.mark.parametrize("at", [0, 100, 148, 156, 257, 345])
def test_checksum(at):
    """An altered byte in a header raises ArchiveBroken."""
    damaged = bytearray(made(tarfile.USTAR_FORMAT, ({"name": "name"}, b"")))
    damaged[at] ^= 1
    with pytest.raises(ArchiveBroken):
        read(bytes(damaged))


def test_signed_checksum():
    """Checksums of old programs, which summed signed bytes, are accepted."""
    block = bytearray(made(tarfile.USTAR_FORMAT, ({"name": "näme"}, b"")))[:512]
    block[148:156] = b" " * 8
    signed = sum(byte - 256 if byte > 127 else byte for byte in block)
    block[148:156] = b"%06o\0 " % signed
    assert [entry.name for entry, _content in read(bytes(block))] == ["näme".encode()]


def test_global_header_is_passed_over():
    """A global pax header, such as git archive writes, changes no entry."""
    buffer = io.BytesIO()
    with tarfile.open(
        fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT, pax_headers={"comment": "c", "uid": "5"}
    ) as tar:
        tar.addfile(tarfile.TarInfo("a"))
    ((entry, _content),) = read(buffer.getvalue())
    assert (entry.name, entry.uid) == (b"a", 0)


def test_header_of_a_gigabyte():
    """A pax header of a huge size is refused before it is read."""
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, 1 << 30
    with pytest.raises(ArchiveBroken, match="more than"):
        read(info.tobuf(tarfile.USTAR_FORMAT))
