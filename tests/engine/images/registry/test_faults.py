# SPDX-License-Identifier: GPL-3.0-or-later
"""Any fault between registry and engine ends in the right image or the right error, soon, with nothing torn."""

from __future__ import annotations

import json
import random
import signal
import time
from typing import NamedTuple

import pytest
from treelisting import listing

import faultproxy
from _engine.errors import ArchiveBroken, DigestMismatch, EngineError, RegistryDenied, RegistryFailed
from _engine.images.blobs import BlobStore
from _engine.images.registry import http, patience
from _engine.lifecycle.host.opening import open_engine
from _engine.lifecycle.image.pull import pull
from _engine.model.image.pull import Access, Pull
from certificates import Authority, served_with
from dockerarchive import layer, write_archive
from faultproxy import fault_proxy
from registries import digest_of, registry
from tokenserver import User, token_server

#: The shortened waits of images/registry/http.py; a fault that takes longer than SOON is a hang.
WAITS = {"_CONNECT": 2.0, "_READ": 1.0, "_DOCUMENT": 3.0, "_WINDOW": 1.0, "_LONGEST_WAIT": 0.2}
SOON = 25
MANIFEST, CONFIG, LAYER = "manifest", "config", "layer"


class Fault(NamedTuple):
    """A fault and its result: None for the right image, else the error and a part of its text."""

    fault: faultproxy.Fault
    error: type[EngineError] | None = None
    told: str = ""
    times: int | None = None


def once(fault, times=1):
    """Return a temporary fault."""
    return Fault(fault, times=times)


BROKEN = (RegistryFailed, "is unreachable")
OFF = (RegistryFailed, "broke off")
LATE = (RegistryFailed, "did not answer in time")
#: Faults of each request for a layer's blob.
OF_LAYERS = {
    "cut, once": once(faultproxy.cut(10_000)),
    "cut": Fault(faultproxy.cut(40), *OFF),
    "cut at once": Fault(faultproxy.cut(0), *OFF),
    "reset, once": once(faultproxy.cut(10_000, how="reset")),
    "reset": Fault(faultproxy.cut(0, how="reset"), RegistryFailed, "onnection reset"),
    "stalled, once": once(faultproxy.cut(10_000, how="stall")),
    "stalled": Fault(faultproxy.cut(0, how="stall"), *LATE),
    "silent, once": once(faultproxy.silent),
    "silent": Fault(faultproxy.silent, *LATE),
    "slow": Fault(faultproxy.slow(500), RegistryFailed, "is too slow"),
    "slow head": Fault(faultproxy.slow_head, *LATE),
    "slow chunks": Fault(faultproxy.slow_chunk, *LATE),
    "no end of 100": Fault(faultproxy.continues, *LATE),
    "longer, told": once(faultproxy.length(10)),
    "longer, told, stalled": Fault(faultproxy.length(10, then="stall")),
    "shorter, told, once": once(faultproxy.length(-10)),
    "shorter, told": Fault(faultproxy.length(-10), *OFF),
    "a negative length": Fault(faultproxy.told_length("-1")),
    "a length that is none": Fault(faultproxy.told_length("many")),
    "an enormous length": Fault(faultproxy.told_length("9" * 30)),
    "no length": Fault(faultproxy.without_length),
    "one byte": Fault(faultproxy.corrupt(10_000), DigestMismatch, "has the digest"),
    "another blob": Fault(faultproxy.exchanged, DigestMismatch, "has the digest"),
    "a longer blob": Fault(faultproxy.content(bytes(50_000)), DigestMismatch, "is longer than"),
    "no end": Fault(faultproxy.giant(), DigestMismatch, "is longer than"),
    "a portal": Fault(faultproxy.html, EngineError),
    "a portal, once": once(faultproxy.html),
    "a bomb": Fault(faultproxy.bomb, DigestMismatch),
    "no HTTP": Fault(faultproxy.garbage(b"SSH-2.0-OpenSSH_9.2\r\n"), *BROKEN),
    "no HTTP that paints": Fault(faultproxy.garbage(b"\x1b[2J\x07\r\n"), *BROKEN),
    "zeroes": Fault(faultproxy.garbage(bytes(1 << 20)), *BROKEN),
    "nothing": Fault(faultproxy.garbage(b""), *BROKEN),
    "a header without an end": Fault(faultproxy.endless_header, *BROKEN),
    "no end of headers": Fault(faultproxy.endless_headers, *BROKEN),
    "in circles": Fault(faultproxy.in_circles, RegistryFailed, "redirects too often"),
    "to another scheme": Fault(
        faultproxy.redirect("file:///etc/passwd!"), RegistryFailed, "which is not a valid address"
    ),
    "to nowhere": Fault(faultproxy.redirect("http://127.0.0.1:9"), *BROKEN),
    "too many requests, twice": once(faultproxy.says(429, Retry_After="0"), 2),
    "too many requests": Fault(faultproxy.says(429, Retry_After="0"), RegistryFailed, "returned HTTP 429"),
    "ask again tomorrow": Fault(
        faultproxy.says(429, Retry_After="86400"), RegistryFailed, "returned HTTP 429"
    ),
    "ask again when?": once(faultproxy.says(503, Retry_After="-1 soon"), 2),
    "ask again then": once(faultproxy.says(503, Retry_After="Wed, 21 Oct 2015 07:28:00 GMT")),
    "500, once": once(faultproxy.says(500)),
    "500": Fault(faultproxy.says(500), RegistryFailed, "returned HTTP 500"),
    "501": Fault(faultproxy.says(501), RegistryFailed, "returned HTTP 501"),
    "404": Fault(faultproxy.says(404), RegistryFailed, "lacks the blob"),
    "403": Fault(faultproxy.says(403), RegistryDenied, "requires credentials"),
    "401": Fault(faultproxy.says(401), RegistryDenied, "requires credentials"),
    "204": Fault(faultproxy.says(204), RegistryFailed, "returned HTTP 204"),
    "206 for the whole": Fault(faultproxy.says(206, b"x"), RegistryFailed, "returned HTTP 206"),
    "304": Fault(faultproxy.says(304), RegistryFailed, "returned HTTP 304"),
}
#: Faults of each request for a manifest.
OF_MANIFESTS = {
    "cut, once": once(faultproxy.cut(100)),
    "cut": Fault(faultproxy.cut(100), *OFF),
    "stalled, once": once(faultproxy.cut(100, how="stall")),
    "silent": Fault(faultproxy.silent, *LATE),
    "slow": Fault(faultproxy.slow(50), RegistryFailed, "is too slow"),
    "slow head": Fault(faultproxy.slow_head, *LATE),
    "slow chunks": Fault(faultproxy.slow_chunk, *LATE),
    "no end of 100": Fault(faultproxy.continues, *LATE),
    "longer, told": Fault(faultproxy.length(10), *OFF),
    "shorter, told": Fault(faultproxy.length(-10), DigestMismatch, "has the digest"),
    "no length": Fault(faultproxy.without_length),
    "one byte": Fault(faultproxy.corrupt(20), DigestMismatch, "has the digest"),
    "giant": Fault(faultproxy.giant(), RegistryFailed, "has more than"),
    "a portal": Fault(faultproxy.html, ArchiveBroken, "not a JSON object"),
    "a bomb": Fault(faultproxy.bomb, DigestMismatch, "has the digest"),
    "another type": Fault(faultproxy.header("Content-Type", "text/plain")),
    "no type": Fault(faultproxy.header("Content-Type", None)),
    "another digest": Fault(
        faultproxy.header("Docker-Content-Digest", f"sha256:{'0' * 64}"), DigestMismatch, "0000"
    ),
    "a digest that is none": Fault(
        faultproxy.header("Docker-Content-Digest", "../../etc/\x1b[2J"), DigestMismatch, "not ../../etc/?[2J"
    ),
    "no digest": Fault(faultproxy.header("Docker-Content-Digest", None)),
    "a list": Fault(faultproxy.says(200, b"[]"), ArchiveBroken, "not a JSON object"),
    "an empty object": Fault(faultproxy.says(200, b"{}"), ArchiveBroken),
    "the old form": Fault(faultproxy.says(200, b'{"schemaVersion": 1}'), ArchiveBroken, "schema 1"),
    "no end of headers": Fault(faultproxy.endless_headers, *BROKEN),
    "in circles": Fault(faultproxy.in_circles, RegistryFailed, "redirects too often"),
    "500": Fault(faultproxy.says(500, b"<html>\x1b[2J</html>"), RegistryFailed, "returned HTTP 500"),
    "an error that paints": Fault(
        faultproxy.says(500, b'{"errors": [{"code": "X", "message": "\\u001b[2J\\u0007\\n"}]}'),
        RegistryFailed,
        "returned HTTP 500 (X: ?[2J?)",
    ),
    "429, twice": once(faultproxy.says(429, Retry_After="0"), 2),
}
#: Faults of each request for the configuration.
OF_CONFIGURATIONS = {
    "cut, once": once(faultproxy.cut(20)),
    "one byte": Fault(faultproxy.corrupt(20), DigestMismatch, "has the digest"),
    "giant": Fault(faultproxy.giant(), RegistryFailed, "has more than"),
    "a portal": Fault(faultproxy.html, ArchiveBroken, "is truncated"),
    "404": Fault(faultproxy.says(404), RegistryFailed, "returned HTTP 404"),
}
#: Faults of the request that resumes an interrupted blob.
OF_PARTS = {
    "the whole": Fault(faultproxy.whole_for_range),
    "416": Fault(faultproxy.range_refused),
    "another part, told": Fault(faultproxy.wrong_range(5)),
    "another part": Fault(faultproxy.wrong_range(5, told=False)),
    "an earlier part": Fault(faultproxy.wrong_range(-5, told=False)),
    "cut again": once(faultproxy.cut(5)),
}


@pytest.fixture(scope="module")
def there(tmp_path_factory, need):
    """Return a registry with an image of two incompressible layers."""
    top = tmp_path_factory.mktemp("there")
    layers = [layer({name: random.Random(name).randbytes(30_000)}) for name in ("one", "two")]
    archive = write_archive(top / "image.tar", "localhost/image:1", layers)
    with registry(top / "registry") as found:
        manifest = found.blob(found.push(f"docker-archive:{archive}", "app:1")).read_text()
        found.places = {
            MANIFEST: "/manifests/",
            CONFIG: json.loads(manifest)["config"]["digest"],
            LAYER: json.loads(manifest)["layers"][1]["digest"],
        }
        yield found


@pytest.fixture
def proxy(there, monkeypatch):
    """Return a proxy before it; all waits are short, and a pull that hangs is ended."""
    for name, seconds in WAITS.items():
        monkeypatch.setattr(http, name, seconds)
    monkeypatch.setattr(patience, "SECONDS", 1.0)
    with fault_proxy(there.port) as proxy:

        def hangs(_signal, _frame):
            proxy.hang_up()
            raise AssertionError(f"it hangs: nothing after {SOON} s")

        before = signal.signal(signal.SIGALRM, hangs)
        signal.alarm(SOON)
        try:
            yield proxy
        finally:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, before)


class Puller:
    """An engine that pulls ``app:1`` through the proxy."""

    def __init__(self, top, proxy):
        self.top, self.proxy = top, proxy

    def pull(self, policy="missing", **access):
        """Pull the image."""
        given = {"verify": False, "retry": 2, "retry_delay": 0.01, **access}
        with open_engine(f"{self.top}/root", f"{self.top}/run") as engine:
            return pull(engine, Pull(f"{self.proxy.address}/app:1", policy, access=Access(**given)))

    def assert_whole(self):
        """Fail if any blob in the store does not match its digest, or anything is left over."""
        root = self.top / "root"
        store = BlobStore(str(root / "blobs"))
        assert [
            one for one in store.list() if digest_of((root / "blobs" / store.member(one)).read_bytes()) != one
        ] == []
        staging = root / "staging"
        assert list(staging.iterdir()) == [] if staging.exists() else True

    def tree(self):
        """Return the content of the layers, once the image exists."""
        assert self.pull().actions == ()
        return sorted(name for path in self.top.glob("root/layers/*/diff") for name in listing(path) if name)


@pytest.fixture
def puller(tmp_path, proxy):
    """Return an engine for one test."""
    return Puller(tmp_path, proxy)


def assert_ends_well(puller, one):
    """Pull; fail unless the fault has its result, and the next pull succeeds."""
    began = time.monotonic()
    if one.error is None:
        assert puller.pull().changed
    else:
        with pytest.raises(EngineError) as caught:
            puller.pull()
        assert isinstance(caught.value, one.error)
        assert one.told in caught.value.message
        assert caught.value.message.isprintable()
    assert time.monotonic() - began < SOON - 5
    puller.assert_whole()
    puller.proxy.clear()
    assert puller.pull().changed is (one.error is not None)
    assert puller.tree() == [b"one", b"two"]
    puller.assert_whole()


@pytest.mark.parametrize(
    ("place", "name"),
    [
        *((LAYER, name) for name in OF_LAYERS),
        *((MANIFEST, name) for name in OF_MANIFESTS),
        *((CONFIG, name) for name in OF_CONFIGURATIONS),
    ],
)
def test_fault(place, name, there, puller):
    """A fault ends in the right image or the right error, leaves nothing torn, and the next pull succeeds."""
    one = {LAYER: OF_LAYERS, MANIFEST: OF_MANIFESTS, CONFIG: OF_CONFIGURATIONS}[place][name]
    puller.proxy.when(one.fault, path=there.places[place], times=one.times)
    assert_ends_well(puller, one)


@pytest.mark.parametrize("name", OF_PARTS)
def test_part(name, there, puller):
    """An interrupted blob is completed whatever the registry answers to the request for the rest."""
    puller.proxy.when(faultproxy.cut(10_000), path=there.places[LAYER], times=1)
    puller.proxy.when(OF_PARTS[name].fault, path=there.places[LAYER], times=OF_PARTS[name].times)
    assert_ends_well(puller, OF_PARTS[name])


def test_elsewhere(there, puller):
    """A registry may redirect to other storage, which does not get the registry's credentials."""
    with fault_proxy(there.port) as elsewhere:
        # The same address by another name is another host.
        puller.proxy.when(faultproxy.redirect(f"http://localhost:{elsewhere.port}"), path="/blobs/")
        puller.proxy.when(
            faultproxy.says(401, WWW_Authenticate='Basic realm="x"'), path="/manifests/", times=1
        )
        assert puller.pull(username="bob", password="S3cret/of-bob").changed
        asked = elsewhere.asked(path="/blobs/")
    assert {one.path.rpartition("/")[2] for one in asked} >= {there.places[CONFIG], there.places[LAYER]}
    assert [one for one in asked if "authorization" in one.headers] == []
    assert [one.headers.get("authorization", "")[:6] for one in puller.proxy.asked(path="/blobs/")] != [
        ""
    ] * 3


def test_no_step_down(there, tmp_path):
    """A registry with TLS can neither redirect a client to plain http nor request a login there."""
    authority = Authority(tmp_path / "authority")
    trust = authority.directory(tmp_path / "trust")
    with fault_proxy(there.port, served_with(authority.server())) as proxy, fault_proxy(None) as plain:
        puller = Puller(tmp_path, proxy)
        access = {"verify": None, "cert_dir": str(trust), "username": "bob", "password": "S3cret/of-bob"}
        for place in ("/manifests/", "/blobs/"):
            proxy.clear()
            proxy.when(faultproxy.redirect(plain.url), path=place)
            with pytest.raises(RegistryFailed, match="redirects from https"):
                puller.pull(**access)
        proxy.clear()
        proxy.when(faultproxy.says(401, WWW_Authenticate=f'Bearer realm="{plain.url}/token"'))
        with pytest.raises(RegistryFailed, match="requires a login over unencrypted http"):
            puller.pull(**access)
        assert plain.passed == []
        proxy.clear()
        assert puller.pull(**access).changed


#: Faults of the request for a token.
OF_TOKENS = {
    "silent": Fault(faultproxy.silent, *LATE),
    "slow head": Fault(faultproxy.slow_head, *LATE),
    "giant": Fault(faultproxy.giant(), RegistryFailed, "has more than"),
    "a portal": Fault(faultproxy.html, RegistryFailed, "did not return a JSON object"),
    "no token": Fault(faultproxy.content(b"{}"), RegistryFailed, "returned no token"),
    "a number": Fault(faultproxy.content(b'{"token": 7}'), RegistryFailed, "returned no token"),
    "two headers": Fault(
        faultproxy.content(b'{"token": "a\\r\\nX: y"}'), RegistryFailed, "returned no token"
    ),
    "another's token": Fault(faultproxy.content(b'{"token": "abc"}'), RegistryDenied, "rejects the token"),
    "for ever": once(faultproxy.header("X-Nothing", "1")),
    "500": Fault(faultproxy.says(500), RegistryFailed, "returned HTTP 500"),
    "503, once": once(faultproxy.says(503)),
    "403": Fault(faultproxy.says(403), RegistryDenied, "denies bob"),
    "no end of headers": Fault(faultproxy.endless_headers, *BROKEN),
    "in circles": Fault(faultproxy.in_circles, RegistryFailed, "redirects too often"),
    "cut, once": once(faultproxy.cut(10)),
}


@pytest.fixture
def tokens(tmp_path):
    """Return a proxy before a token server, and one before a registry with an image, which refers clients to it."""
    users = {"bob": User("S3cret/of-bob", {"app": ("pull", "push")})}
    with token_server(tmp_path / "tokens", users) as server, fault_proxy(server.port) as asked:
        server.realm = f"{asked.url}/token"
        archive = write_archive(
            tmp_path / "image.tar", "localhost/image:1", [layer({"one": b"1"}), layer({"two": b"2"})]
        )
        with registry(tmp_path / "registry", tokens=server) as there, fault_proxy(there.port) as proxy:
            there.push(f"docker-archive:{archive}", "app:1", "--dest-creds=bob:S3cret/of-bob")
            asked.clear()
            yield server, asked, proxy


@pytest.mark.parametrize("name", OF_TOKENS)
def test_token(name, proxy, tokens, tmp_path):
    """A failing token server is an error, and the password is sent nowhere else."""
    one, (_server, asked, before) = OF_TOKENS[name], tokens
    puller = Puller(tmp_path, before)
    access = {"username": "bob", "password": "S3cret/of-bob"}
    asked.when(one.fault, path="/token", times=one.times)
    if one.error is None:
        assert puller.pull(**access).changed
        return
    with pytest.raises(EngineError) as caught:
        puller.pull(**access)
    assert isinstance(caught.value, one.error)
    assert one.told in caught.value.message
    assert "S3cret/of-bob" not in f"{caught.value}{caught.value.fields}"
    asked.clear()
    assert puller.pull(**access).changed


def test_tokens_run_out(proxy, tokens, tmp_path):
    """An expired token is renewed; one that is never accepted is not reported as a wrong password."""
    server, asked, before = tokens
    puller = Puller(tmp_path, before)
    gone = f'Bearer realm="{server.realm}",service="registry of the tests",scope="",error="invalid_token"'
    before.when(faultproxy.says(401, WWW_Authenticate=gone), path="/blobs/", times=1)
    assert puller.pull(username="bob", password="S3cret/of-bob").changed
    assert len(asked.passed) == 2
    server.stale = 9
    with pytest.raises(RegistryDenied, match="rejects the token that its own token server issued to bob"):
        puller.pull(policy="always", username="bob", password="S3cret/of-bob")


def test_token_server_that_leads_away(proxy, tokens, tmp_path):
    """A token server that redirects to another host does not make the client send the password there."""
    _server, asked, before = tokens
    with fault_proxy(None) as other:
        asked.when(faultproxy.redirect(f"http://localhost:{other.port}"), path="/token")
        with pytest.raises(EngineError):
            Puller(tmp_path, before).pull(username="bob", password="S3cret/of-bob")
        assert [one.headers.get("authorization") for one in other.passed] == [None] * len(other.passed)
        assert other.passed != []
