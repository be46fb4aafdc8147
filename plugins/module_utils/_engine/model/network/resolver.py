# SPDX-License-Identifier: GPL-3.0-or-later
"""Parse how a container finds names: its resolv.conf and its /etc/hosts.

Sources: podman-run(1) ``--dns``, ``--dns-search``, ``--dns-option``, ``--add-host``; resolv.conf(5), hosts(5).
"""

from __future__ import annotations

import re
from typing import Any

from ...errors import InvalidOption
from ..values.text import absolute_path, plain_text

#: In place of name servers: the container keeps the image's resolv.conf.
NO_SERVERS = "none"
#: In place of an address: that by which a container reaches its host.
HOST_GATEWAY = "host-gateway"
#: Words of option ``hosts_file`` that are no path.
OF_IMAGE, NO_FILE = "image", "none"
_NAME = re.compile(r"[a-zA-Z0-9_]([a-zA-Z0-9_.-]{0,253}[a-zA-Z0-9_])?\.?")
#: What resolv.conf takes in a line (resolv.conf(5)): words without blanks.
_WORD = re.compile(r"[!-~]+")


def parse_servers(option: str, value: Any) -> tuple[str, ...]:
    """Return addresses of name servers in order, or ``("none",)``; raises InvalidOption."""
    texts = [plain_text(option, item) for item in (value if isinstance(value, (list, tuple)) else [value])]
    if NO_SERVERS in texts:
        if len(texts) > 1:
            raise InvalidOption(option, NO_SERVERS, "stands beside others", remedy="Write none alone")
        return (NO_SERVERS,)
    return tuple(dict.fromkeys(_address(option, text) for text in texts))


def parse_domains(option: str, value: Any) -> tuple[str, ...]:
    """Return domains to search in order, or ``(".",)`` for none at all; raises InvalidOption."""
    texts = [plain_text(option, item) for item in (value if isinstance(value, (list, tuple)) else [value])]
    for text in texts:
        if text != "." and not _NAME.fullmatch(text):
            raise InvalidOption(option, text, "is no domain", remedy="Write it as in example.com")
    if "." in texts and len(texts) > 1:
        raise InvalidOption(option, ".", "stands beside others", remedy="Write . alone, for no domains")
    return tuple(dict.fromkeys(texts))


def parse_options(option: str, value: Any) -> tuple[str, ...]:
    """Return options of the resolver, as in ``ndots:2``, from a list or one text; raises InvalidOption."""
    items = value if isinstance(value, (list, tuple)) else [value]
    words = [word for item in items for word in plain_text(option, item).split()]
    for word in words:
        if not _WORD.fullmatch(word):
            raise InvalidOption(option, word, "is no option of a resolver", remedy="Write it as in ndots:2")
    return tuple(dict.fromkeys(words))


def parse_hosts_file(option: str, value: Any) -> str:
    """Return the path of a file of the host, ``image`` or ``none``; raises InvalidOption."""
    text = plain_text(option, value)
    return text if text in ("", OF_IMAGE, NO_FILE) else absolute_path(option, text)


def parse_hosts(option: str, value: Any) -> dict[str, str]:
    """Return host names to addresses or ``host-gateway``; several names may share a key, with ``;`` between."""
    if not isinstance(value, dict):
        raise InvalidOption(option, value, "is no mapping", remedy="Write it as in {db: 10.0.0.5}")
    found = {}
    for names, where in value.items():
        address = plain_text(f"{option}.{names}", where)
        for name in plain_text(option, names).split(";"):
            if not _NAME.fullmatch(name):
                raise InvalidOption(option, name, "is no host name", remedy="Write it as in db-1.example")
            found[name] = address if address == HOST_GATEWAY else _address(option, address)
    return found


def _address(option: str, text: str) -> str:
    import ipaddress  # only what names an address needs it

    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise InvalidOption(option, text, "is no IP address", remedy="Write it as in 10.0.0.5") from None
