# SPDX-License-Identifier: GPL-3.0-or-later
"""The proxy causes the faults that it claims, checked with curl and skopeo."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import time

import pytest

import faultproxy
from certificates import Authority, served_with
from enginehost import eventually
from registries import digest_of, push, registry, run


@pytest.fixture
def there(image, tmp_path):
    """Return a registry that has the image, and its first layer's digest."""
    with registry(tmp_path / "registry") as there:
        there.push(f"{image}", "app:1", "--dest-compress-format=gzip")
        manifest = json.loads(
            run(["skopeo", "inspect", "--raw", *there.skopeo(), f"docker://{there.address}/app:1"])
        )
        yield there, manifest["layers"][0]["digest"]


@pytest.fixture
def asked(there):
    """Return a function that gets a layer through a fault: curl's exit code, the body, and its statistics."""
    with faultproxy.fault_proxy(there[0].port) as proxy:

        def asked(fault, *words, seconds=2):
            proxy.clear()
            if fault:
                proxy.when(fault, path="/blobs/")
            told = "\n%{http_code} %{size_download} %{size_header} %{num_redirects}"
            argv = [
                "curl",
                "-s",
                "--max-time",
                str(seconds),
                "-w",
                told,
                *words,
                f"{proxy.url}/v2/app/blobs/{there[1]}",
            ]
            done = subprocess.run(argv, capture_output=True, check=False)
            body, _newline, numbers = done.stdout.rpartition(b"\n")
            return done.returncode, body, *map(int, numbers.split())

        asked.proxy = proxy
        yield asked


def test_no_fault(there, asked):
    """Without a fault it passes and logs everything, pulls and pushes."""
    registry, digest = there
    code, body, status, *_numbers = asked(None)
    assert (code, status, digest_of(body)) == (0, 200, digest)
    [seen] = asked.proxy.asked(path="/blobs/")
    assert (seen.method, seen.status, seen.sent) == ("GET", 200, len(body))
    assert seen.headers["user-agent"].startswith("curl")
    source = f"docker://{registry.address}/app:1"
    push(
        source,
        f"{asked.proxy.address}/other:1",
        "--src-tls-verify=false",
        "--dest-tls-verify=false",
        note=registry.top / "d",
    )
    assert {one.method for one in asked.proxy.passed} >= {"POST", "PATCH", "PUT"}
    assert '"1"' in registry.curl("/v2/other/tags/list")


#: curl's exit codes: 0 success, 1 and 8 invalid HTTP, 18 truncated, 27 out of memory, 28 timeout, 47 too many redirects,
#: 56 no answer received, 100 too large a header.
FAULTS = {
    "cut": (faultproxy.cut(40), (18,)),
    "reset": (faultproxy.cut(40, how="reset"), (18, 56)),
    "stalled": (faultproxy.cut(40, how="stall"), (28,)),
    "silent": (faultproxy.silent, (28,)),
    "slow": (faultproxy.slow(20), (28,)),
    "slow head": (faultproxy.slow_head, (28,)),
    "longer": (faultproxy.length(10), (18,)),
    "longer, stalled": (faultproxy.length(10, then="stall"), (28,)),
    "shorter": (faultproxy.length(-10), (0,)),
    "no length at all": (faultproxy.told_length("-1"), (8, 56)),
    "endless header": (faultproxy.endless_header, (27, 56, 100)),
    "endless headers": (faultproxy.endless_headers, (27, 28, 56)),
    "no HTTP": (faultproxy.garbage(b"SSH-2.0-OpenSSH\r\n"), (1,)),
    "in circles": (faultproxy.in_circles, (47,)),
}


@pytest.mark.parametrize("name", FAULTS)
def test_fault(name, asked):
    """Each fault has its exit code of curl."""
    fault, codes = FAULTS[name]
    assert asked(fault, "--location", seconds=1)[0] in codes


def test_what_is_sent(there, asked):
    """Bodies are truncated, altered, exchanged and mislabelled as requested, and as often."""
    whole = asked(None)[1]
    assert asked(faultproxy.cut(40))[1] == whole[:40]
    assert asked(faultproxy.cut(40, how="stall"))[1] == whole[:40]
    altered = asked(faultproxy.corrupt(41))[1]
    assert [n for n in range(len(whole)) if altered[n] != whole[n]] == [41]
    assert asked(faultproxy.length(-10))[1] == whole[:-10]
    assert asked(faultproxy.without_length)[1] == whole
    assert asked(faultproxy.content(b"other"))[1] == b"other"
    assert asked(faultproxy.exchanged)[1] == b"x" * len(whole)
    assert asked(faultproxy.html)[1].startswith(b"<!DOCTYPE html>")
    assert asked(faultproxy.giant(size=10 << 20))[3] == 10 << 20
    assert len(asked(faultproxy.bomb, "--compressed", seconds=20)[1]) == faultproxy.BOMB


def test_ranges(there, asked):
    """A request for a part may return it, the whole, nothing, or another part, declared or not."""
    whole = asked(None)[1]
    part = ("--range", "20-", "--include")

    def got(fault):
        head, _blank, body = asked(fault, *part)[1].partition(b"\r\n\r\n")
        return re.findall(rb"HTTP/1.1 (\d+)|ontent-Range: (bytes [^\r]*)", head), body

    size = b"%d-%d/%d" % (20, len(whole) - 1, len(whole))
    assert got(None) == ([(b"206", b""), (b"", b"bytes " + size)], whole[20:])
    assert got(faultproxy.wrong_range(5, told=False)) == (
        [(b"206", b""), (b"", b"bytes " + size)],
        whole[25:],
    )
    assert got(faultproxy.wrong_range(5))[0][1][1].startswith(b"bytes 25-")
    assert got(faultproxy.whole_for_range) == ([(b"200", b"")], whole)
    assert got(faultproxy.range_refused)[0] == [(b"416", b"")]


def test_so_often(there, asked):
    """A fault may affect only some requests, here those that a server under load refuses."""
    digest = there[1]
    asked.proxy.when(faultproxy.says(429, Retry_After="1"), path=digest, times=2)
    url = f"{asked.proxy.url}/v2/app/blobs/{digest}"
    codes = [
        run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code} %header{retry-after}", url])
        for _time in range(3)
    ]
    assert codes == ["429 1", "429 1", "200 "]


def test_elsewhere(there, asked):
    """A client may be redirected to another host, which records whether credentials were sent."""
    with faultproxy.fault_proxy(there[0].port) as elsewhere:
        sent = faultproxy.redirect(f"http://localhost:{elsewhere.port}")
        known = ("--user", "me:word")
        assert asked(sent, "--location", *known)[2] == 200
        assert asked(sent, "--location-trusted", *known)[2] == 200
        careful, careless = elsewhere.asked(path="/blobs/")
    assert "authorization" not in careful.headers
    assert careless.headers["authorization"].startswith("Basic ")


def test_tls(image, tmp_path):
    """It can add TLS before a registry without, and redirect clients to plain http."""
    authority = Authority(tmp_path / "authority")
    trust = authority.directory(tmp_path / "trust")
    with registry(tmp_path / "registry") as there, contextlib.ExitStack() as stack:
        proxy = stack.enter_context(faultproxy.fault_proxy(there.port, served_with(authority.server())))
        digest = push(image, f"{proxy.address}/app:1", f"--dest-cert-dir={trust}", note=tmp_path / "note")
        argv = ["skopeo", "inspect", f"--cert-dir={trust}", f"docker://{proxy.address}/app:1"]
        assert json.loads(run(argv))["Digest"] == digest
        proxy.when(faultproxy.redirect(there.url), path="/blobs/")
        answer = run(["curl", "-si", "--cacert", trust / "ca.crt", f"{proxy.url}/v2/app/blobs/sha256:00"])
        assert f"Location: {there.url}/v2/app/blobs/" in answer


def test_end(there, asked):
    """Its end also ends waiting clients."""
    began = time.monotonic()
    with faultproxy.fault_proxy(None) as proxy:
        proxy.when(faultproxy.silent)
        client = subprocess.Popen(["curl", "-s", "--max-time", "60", proxy.url])
        eventually(lambda: proxy.passed, "curl asks")
    assert client.wait() == 52  # an empty answer
    assert time.monotonic() - began < 20
