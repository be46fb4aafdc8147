# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from _engine.runtime import files


def test_hosts_keeps_the_hosts_entries_and_adds_its_own():
    """The host's entries come first; comments and invalid lines are omitted."""
    base = "# mine\n127.0.0.1 localhost\n10.0.0.1\tdb   db.local # the database\n\nbroken\n"
    text = files.hosts(base, [("127.0.0.1", ("abc", "web"))])
    assert text == "127.0.0.1\tlocalhost\n10.0.0.1\tdb db.local\n127.0.0.1\tabc web\n"


def test_hosts_always_knows_localhost():
    """Without a hosts file, localhost is still defined for both families."""
    assert files.hosts("").splitlines() == [
        "127.0.0.1\tlocalhost",
        "::1\tlocalhost ip6-localhost ip6-loopback",
    ]


def test_resolv_conf_keeps_what_the_resolver_reads():
    """Comments and unknown keywords are omitted, order is kept."""
    base = "# by NetworkManager\n; x\nsearch a.example  b.example\nnameserver 10.0.0.1\nnameserver ::1\nfoo bar\noptions edns0\n"
    assert files.resolv_conf(base) == (
        "search a.example b.example\nnameserver 10.0.0.1\nnameserver ::1\noptions edns0\n"
    )


def test_hostname_ends_with_a_newline():
    """The file is one line."""
    assert files.hostname("web") == "web\n"


def test_containerenv_tells_only_the_privileged():
    """Only a privileged container's file names the engine."""
    facts = {"name": "web", "container_id": "ab", "image": "localhost/app:1", "image_id": "cd"}
    assert files.containerenv(privileged=False, **facts) == ""
    text = files.containerenv(privileged=True, **facts)
    assert 'name="web"\nid="ab"\nimage="localhost/app:1"\nimageid="cd"\n' in text


def test_environment_file():
    """Lines define variables; a lone name takes the host's value, if any."""
    text = "# c\nA=1\n  B = x=y\n\nHOME\nGONE\nEMPTY=\n=bad\n"
    assert files.environment(text, {"HOME": "/h"}) == {"A": "1", "B": " x=y", "HOME": "/h", "EMPTY": ""}
