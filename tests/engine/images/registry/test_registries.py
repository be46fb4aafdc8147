# SPDX-License-Identifier: GPL-3.0-or-later
"""The registries for tests behave as they claim, checked with skopeo and curl."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess

import pytest

from certificates import Authority
from registries import registry, run
from tokenserver import User, token_server


def inspect(there, name, *words):
    """Return skopeo's data of an image in a registry."""
    return json.loads(run(["skopeo", "inspect", *there.skopeo(), *words, f"docker://{there.address}/{name}"]))


def refused(there, name, *words):
    """Return skopeo's error; fail if there is none."""
    argv = ["skopeo", "inspect", *words, f"docker://{there.address}/{name}"]
    done = subprocess.run(argv, capture_output=True, check=False, text=True)
    assert done.returncode != 0
    return done.stderr


def test_plain(image, tmp_path):
    """A registry listens only on loopback, stores an image, logs requests, and disappears afterwards."""
    with registry(tmp_path / "registry") as there:
        digest = there.push(image, "team/app:1")
        found = inspect(there, "team/app:1")
        assert found["Digest"] == digest
        assert there.blob(digest).stat().st_size > 0
        seen = there.requests()
        assert [one.status for one in seen if one[:2] == ("GET", "/v2/team/app/manifests/1")] == [200]
        assert {one.method for one in seen} >= {"GET", "HEAD", "POST", "PATCH", "PUT"}
        listening = subprocess.run(
            ["ss", "-Hltnp"], capture_output=True, check=True, text=True
        ).stdout.splitlines()
        places = [line.split()[3] for line in listening if f"pid={there.process.pid}," in line]
        assert places == [there.address]
    assert not os.path.exists(f"/proc/{there.process.pid}")


def test_tls(image, tmp_path):
    """With TLS, only clients that trust its authority accept it."""
    authority = Authority(tmp_path / "authority")
    trust = authority.directory(tmp_path / "trust")
    with registry(tmp_path / "registry", tls=authority.server(), trust=trust) as there:
        digest = there.push(image, "app:1")
        assert inspect(there, "app:1")["Digest"] == digest
        assert "certificate signed by unknown authority" in refused(there, "app:1")


def test_client_certificate(image, tmp_path):
    """It can require a client certificate."""
    authority = Authority(tmp_path / "authority")
    trust = authority.directory(tmp_path / "trust", authority.client("somebody"))
    nobody = authority.directory(tmp_path / "nobody")
    server = authority.server()
    with registry(tmp_path / "registry", tls=server, trust=trust, clients_of=authority.ca) as there:
        there.push(image, "app:1")
        assert "certificate" in refused(there, "app:1", f"--cert-dir={nobody}")


@pytest.mark.parametrize(
    ("names", "days", "told"),
    [(("DNS:elsewhere",), 2, "doesn't contain any IP SANs"), (("IP:127.0.0.1",), -1, "expired")],
)
def test_bad_certificate(names, days, told, image, tmp_path):
    """Its certificate can have a wrong name or have expired."""
    authority = Authority(tmp_path / "authority")
    trust = authority.directory(tmp_path / "trust")
    tls = authority.server(names=names, days=days)
    with registry(tmp_path / "registry", tls=tls, trust=trust) as there:
        assert told in refused(there, "app:1", *there.skopeo())


def test_users(image, tmp_path):
    """With users it requires a password and accepts the right one."""
    with registry(tmp_path / "registry", users={"me": "my word", "you": "yours"}) as there:
        for creds in ("me:my word", "you:yours"):
            assert there.push(image, "app:1", "--dest-creds", creds)
        for creds in ((), ("--creds", "me:wrong")):
            assert "authentication required" in refused(there, "app:1", *there.skopeo(), *creds)
        assert "401" in there.curl("/v2/", "--include")
        assert 'Basic realm="tests"' in there.curl("/v2/", "--include")


@pytest.fixture
def guarded(tmp_path, image):
    """Return a registry with a token server, which has two users and public images."""
    users = {
        "": User("", {"public/*": ("pull",)}),
        "maker": User("made", {"*": ("pull", "push", "delete")}),
        "reader": User("read", {"team/*": ("pull",)}),
    }
    with (
        token_server(tmp_path / "tokens", users) as tokens,
        registry(tmp_path / "registry", tokens=tokens) as there,
    ):
        yield there, tokens


def test_tokens(image, guarded):
    """With a token server, permissions are those of its answer: anonymous, reader, maker."""
    there, tokens = guarded
    for name in ("public/app:1", "team/app:1", "other/app:1"):
        there.push(image, name, "--dest-creds", "maker:made")
    assert inspect(there, "public/app:1")
    assert inspect(there, "team/app:1", "--creds", "reader:read")
    assert "authentication required" in refused(there, "team/app:1", *there.skopeo())
    assert "authentication required" in refused(
        there, "other/app:1", *there.skopeo(), "--creds", "reader:read"
    )
    assert "wrong user or password" in refused(
        there, "team/app:1", *there.skopeo(), "--creds", "reader:wrong"
    )
    with pytest.raises(AssertionError, match="requested access to the resource is denied"):
        there.push(image, "team/app:2", "--dest-creds", "reader:read")
    assert ("GET", "reader", ("repository:team/app:pull",), 200) in tokens.asked
    assert {status for *_who, status in tokens.asked} == {200, 401}


def test_what_is_not_enough_is_told(guarded):
    """An insufficient token has another error than a missing one, with the required scope."""
    there, _tokens = guarded
    token = json.loads(
        run(["curl", "-s", "-u", "reader:read", f"{_tokens.realm}?scope=repository:team/app:pull,push"])
    )["token"]
    bearer = ("--include", "--header", f"Authorization: Bearer {token}")
    assert "401 Unauthorized" in (plain := there.curl("/v2/team/app/manifests/1", "--include"))
    assert "error=" not in plain
    assert "404 Not Found" in there.curl("/v2/team/app/manifests/1", *bearer)
    said = there.curl("/v2/team/app/blobs/uploads/", *bearer, "--request", "POST")
    assert re.search('scope="repository:team/app:(pull,push|push,pull)",error="insufficient_scope"', said)


def test_tokens_that_end(image, guarded):
    """Tokens may be expired, which the registry reports, and the next one is valid again."""
    there, tokens = guarded
    there.push(image, "public/app:1", "--dest-creds", "maker:made")

    def status(lifetime, stale):
        tokens.lifetime, tokens.stale = lifetime, stale
        answer = run(["curl", "-s", f"{tokens.realm}?scope=repository:public/app:pull"])
        bearer = f"Authorization: Bearer {json.loads(answer)['token']}"
        accept = "Accept: application/vnd.docker.distribution.manifest.v2+json"
        return there.curl(
            "/v2/public/app/manifests/1",
            "--header",
            bearer,
            "--header",
            accept,
            "--output",
            "/dev/null",
            "--write-out",
            "%{http_code}",
        )

    assert [status(300, 0), status(300, 1), status(None, 0)] == ["200", "401", "200"]


def test_identity_token(image, guarded):
    """An identity token replaces a user, by POST, as `docker login` stores it in some files."""
    there, tokens = guarded
    there.push(image, "team/app:1", "--dest-creds", "maker:made")
    nobody = base64.b64encode(b"<token>:").decode()
    auth = {"auths": {there.address: {"auth": nobody, "identitytoken": tokens.refresh_token("reader")}}}
    path = there.top / "auth.json"
    path.write_text(json.dumps(auth))
    assert inspect(there, "team/app:1", f"--authfile={path}")
    assert ("POST", "reader", ("repository:team/app:pull",), 200) in tokens.asked
