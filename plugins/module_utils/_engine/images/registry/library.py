# SPDX-License-Identifier: GPL-3.0-or-later
"""The names that the client uses from ``requests`` and ``urllib3``, if this Python has them.

Ansible requires that the engine can be imported without them. Their substitutes are never used, because code that needs a
registry checks ``MISSING`` first.
"""

from __future__ import annotations

import site
import sys

TYPE_CHECKING = False
if (
    sys.flags.no_site
):  # the program's interpreter starts without the directories that a package manager installs to
    sys.path += [path for path in site.getsitepackages() if path not in sys.path]
try:
    import urllib3
    from requests import Response, Session
    from requests.adapters import HTTPAdapter
    from requests.exceptions import ProxyError, RequestException, SSLError, Timeout
    from requests.utils import get_environ_proxies
    from urllib3 import disable_warnings
    from urllib3.connection import HTTPConnection, HTTPSConnection
    from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
    from urllib3.exceptions import HTTPError, InsecureRequestWarning, ProtocolError, ReadTimeoutError

    MISSING = False
    #: urllib3 1.26 is Debian 12's.
    IS_OLD = getattr(urllib3, "__version__", "").startswith("1.")
except ImportError:
    MISSING, IS_OLD = True, False
    if not TYPE_CHECKING:
        Response = Session = HTTPAdapter = object
        HTTPConnection = HTTPSConnection = HTTPConnectionPool = HTTPSConnectionPool = object
        ProxyError, RequestException, SSLError, Timeout, HTTPError, ProtocolError, ReadTimeoutError = (
            type("Absent", (Exception,), {}) for _each in range(7)
        )
        InsecureRequestWarning = Warning
        get_environ_proxies = disable_warnings = None

__all__ = [
    "IS_OLD",
    "MISSING",
    "HTTPAdapter",
    "HTTPConnection",
    "HTTPConnectionPool",
    "HTTPError",
    "HTTPSConnection",
    "HTTPSConnectionPool",
    "InsecureRequestWarning",
    "ProtocolError",
    "ProxyError",
    "ReadTimeoutError",
    "RequestException",
    "Response",
    "SSLError",
    "Session",
    "Timeout",
    "disable_warnings",
    "get_environ_proxies",
]
