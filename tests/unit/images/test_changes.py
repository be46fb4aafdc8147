# SPDX-License-Identifier: GPL-3.0-or-later
"""Dockerfile instructions as an image's defaults."""

from __future__ import annotations

import pytest

from _engine.errors import InvalidOption
from _engine.images import changes


@pytest.mark.parametrize(
    ("given", "config"),
    [
        ([], {}),
        (['CMD ["/bin/app", "--x"]'], {"Cmd": ["/bin/app", "--x"]}),
        (["CMD /bin/app --x $Y"], {"Cmd": ["/bin/sh", "-c", "/bin/app --x $Y"]}),
        (["CMD=/bin/app"], {"Cmd": ["/bin/sh", "-c", "/bin/app"]}),
        (["cmd []"], {"Cmd": []}),
        (['ENTRYPOINT ["/init"]', "ENTRYPOINT /last"], {"Entrypoint": ["/bin/sh", "-c", "/last"]}),
        (["ENV A=1 B='x y'", "ENV A=2"], {"Env": ["A=2", "B=x y"]}),
        (["ENV A=B=C D="], {"Env": ["A=B=C", "D="]}),
        (["ENV A  with  blanks"], {"Env": ["A=with  blanks"]}),
        (["ENV A=1"], {"Env": ["A=1"]}),
        (["EXPOSE 80 53/udp", "EXPOSE 80/tcp"], {"ExposedPorts": {"80/tcp": {}, "53/udp": {}}}),
        (["EXPOSE 8000-8002/tcp"], {"ExposedPorts": {"8000/tcp": {}, "8001/tcp": {}, "8002/tcp": {}}}),
        (['LABEL a=1 "b c"="d e"', "LABEL a=2"], {"Labels": {"a": "2", "b c": "d e"}}),
        (["STOPSIGNAL sigint"], {"StopSignal": "SIGINT"}),
        (["STOPSIGNAL 9"], {"StopSignal": "9"}),
        (["STOPSIGNAL SIGRTMIN+3"], {"StopSignal": "SIGRTMIN+3"}),
        (["USER app:staff"], {"User": "app:staff"}),
        (["VOLUME /a /b", 'VOLUME ["/c d"]'], {"Volumes": {"/a": {}, "/b": {}, "/c d": {}}}),
        (["WORKDIR /srv", "WORKDIR app/../web"], {"WorkingDir": "/srv/web"}),
    ],
)
def test_parse(given, config):
    """Each instruction sets its part of the configuration; later ones override or extend earlier ones."""
    assert changes.parse(given) == config


@pytest.mark.parametrize(
    "change",
    [
        "",
        "CMD",
        "FROM scratch",
        "RUN true",
        'CMD ["a", 1]',
        'CMD ["a"',
        "ENV A",
        "ENV =1",
        "ENV A=1 B",
        "ENV A='1",
        "EXPOSE 0",
        "EXPOSE 65536",
        "EXPOSE 90-80",
        "EXPOSE 80/icmp",
        "LABEL a",
        "STOPSIGNAL a b",
        "VOLUME relative",
        'VOLUME ["/a", 1]',
        "USER a\0b",
    ],
)
def test_invalid(change):
    """An invalid instruction is an error that quotes it."""
    with pytest.raises(InvalidOption) as caught:
        changes.parse(["USER app", change])
    assert caught.value.fields == {"option": "changes", "value": change}


def test_over_what_an_image_says():
    """Changes override or extend the base, which is not altered."""
    base = {"Env": ["A=1"], "Labels": {"a": "1"}, "Volumes": None, "WorkingDir": "/w", "Cmd": ["x"]}
    found = changes.parse(["ENV B=2", "LABEL b=2", "VOLUME /v", "WORKDIR sub", "EXPOSE 80"], base)
    assert found == {
        "Env": ["A=1", "B=2"],
        "Labels": {"a": "1", "b": "2"},
        "Volumes": {"/v": {}},
        "WorkingDir": "/w/sub",
        "Cmd": ["x"],
        "ExposedPorts": {"80/tcp": {}},
    }
    assert (base["Env"], base["Labels"], base["WorkingDir"]) == (["A=1"], {"a": "1"}, "/w")
