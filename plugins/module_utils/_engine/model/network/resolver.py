# SPDX-License-Identifier: GPL-3.0-or-later
"""Parse the options of a container's name resolution: its resolv.conf and /etc/hosts.

Sources: podman-run(1) ``--dns``, ``--dns-search``, ``--dns-option``, ``--add-host``; resolv.conf(5), hosts(5).
"""

from __future__ import annotations

import re
from typing import Any

from ...errors import InvalidOption
from ..values.text import absolute_path, plain_text

#: Instead of name servers: keep the image's resolv.conf.
NO_SERVERS = "none"
#: Instead of an address: the address at which the container reaches the host.
HOST_GATEWAY = "host-gateway"
#: Values of option ``hosts_file`` that are not a path.
OF_IMAGE, NO_FILE = "image", "none"
_NAME = re.compile(r"[a-zA-Z0-9_]([a-zA-Z0-9_.-]{0,253}[a-zA-Z0-9_])?\.?")
#: A word in resolv.conf (resolv.conf(5)): no blanks.
_WORD = re.compile(r"[!-~]+")


def parse_servers(option: str, value: Any) -> tuple[str, ...]:
    """Parse the addresses of name servers, in order, or ``("none",)``. Raises InvalidOption."""
    texts = [plain_text(option, item) for item in (value if isinstance(value, (list, tuple)) else [value])]
    if NO_SERVERS in texts:
        if len(texts) > 1:
            raise InvalidOption(
                option, NO_SERVERS, "cannot be combined with servers", remedy="Write only none"
            )
        return (NO_SERVERS,)
    return tuple(dict.fromkeys(_address(option, text) for text in texts))


def parse_domains(option: str, value: Any) -> tuple[str, ...]:
    """Parse the search domains, in order, or ``(".",)`` for none. Raises InvalidOption."""
    texts = [plain_text(option, item) for item in (value if isinstance(value, (list, tuple)) else [value])]
    for text in texts:
        if text != "." and not _NAME.fullmatch(text):
            raise InvalidOption(option, text, "is not a domain", remedy="Write it as in example.com")
    if "." in texts and len(texts) > 1:
        raise InvalidOption(
            option, ".", "cannot be combined with domains", remedy="Write only . for no domains"
        )
    return tuple(dict.fromkeys(texts))


def parse_options(option: str, value: Any) -> tuple[str, ...]:
    """Parse resolver options, as in ``ndots:2``, in a list or a single string. Raises InvalidOption."""
    items = value if isinstance(value, (list, tuple)) else [value]
    words = [word for item in items for word in plain_text(option, item).split()]
    for word in words:
        if not _WORD.fullmatch(word):
            raise InvalidOption(option, word, "is not a resolver option", remedy="Write it as in ndots:2")
    return tuple(dict.fromkeys(words))


def parse_hosts_file(option: str, value: Any) -> str:
    """Parse the path of a file on the host, ``image`` or ``none``. Raises InvalidOption."""
    text = plain_text(option, value)
    return text if text in ("", OF_IMAGE, NO_FILE) else absolute_path(option, text)


def parse_hosts(option: str, value: Any) -> dict[str, str]:
    """Return a mapping of host names to addresses or ``host-gateway``; a key may name several hosts, separated by ``;``."""
    if not isinstance(value, dict):
        raise InvalidOption(option, value, "is not a mapping", remedy="Write it as in {db: 10.0.0.5}")
    found = {}
    for names, where in value.items():
        address = plain_text(f"{option}.{names}", where)
        for name in plain_text(option, names).split(";"):
            if not _NAME.fullmatch(name):
                raise InvalidOption(option, name, "is not a host name", remedy="Write it as in db-1.example")
            found[name] = address if address == HOST_GATEWAY else _address(option, address)
    return found


def _address(option: str, text: str) -> str:
    import ipaddress  # needed only if an address is named

    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise InvalidOption(option, text, "is not an IP address", remedy="Write it as in 10.0.0.5") from None
