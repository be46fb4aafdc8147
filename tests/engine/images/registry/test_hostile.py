# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials only reach their registry: not through redirects, not unencrypted, not wherever an answer points."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest

import registries
from _engine.errors import EngineError, RegistryDenied, RegistryFailed
from _engine.lifecycle.image.login import Login, login
from _engine.model.image.pull import Access
from certificates import Authority, served_with
from faultproxy import ENDLESS, fault_proxy, giant, header, html, redirect, says
from pulling import Puller
from registries import registry
from tokenserver import User, token_server

SECRET = "secret-of-bob"
BOB = Access("bob", SECRET, verify=False, retry=0)
BASIC = f"Basic {base64.b64encode(f'bob:{SECRET}'.encode()).decode()}"
TOKEN = "identity-token-of-bob"


@pytest.fixture
def puller(tmp_path):
    """Return an engine for one test."""
    return Puller(tmp_path)


@pytest.fixture
def closed(image, tmp_path):
    """Return a registry that has team/app:1 only for bob."""
    with registry(tmp_path / "registry", users={"bob": SECRET}) as found:
        found.digest = found.push(image, "team/app:1", f"--dest-creds=bob:{SECRET}")
        yield found


@pytest.fixture
def secured(tmp_path):
    """Return the TLS settings of a proxy, and the access that trusts it."""
    authority = Authority(tmp_path / "authority")
    trust = authority.directory(tmp_path / "trust")
    return served_with(authority.server()), Access("bob", SECRET, cert_dir=str(trust), retry=0)


def authorized(proxy):
    """Return the paths of requests with credentials."""
    return [one.path for one in proxy.passed if "authorization" in one.headers]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_carries_no_credentials(closed, puller, status):
    """Blobs on another host are fetched without the registry's credentials."""
    with fault_proxy(closed.port) as away, fault_proxy(closed.port) as proxy:
        proxy.when(redirect(away.url, status), path="/blobs/")
        with pytest.raises(RegistryDenied):
            puller.pull(f"{proxy.address}/team/app:1", access=BOB)
        assert away.asked(path="/blobs/")
        assert authorized(away) == []
        assert authorized(proxy)


def test_a_redirect_elsewhere_names_no_login(closed, puller):
    """The target of a redirect cannot have the credentials sent to a token server of its own."""
    with fault_proxy(None) as away, fault_proxy(closed.port) as proxy:
        away.when(says(401, WWW_Authenticate=f'Bearer realm="{away.url}/token",service="x"'))
        proxy.when(redirect(away.url), path="/blobs/")
        with pytest.raises(RegistryDenied):
            puller.pull(f"{proxy.address}/team/app:1", access=BOB)
        assert away.asked(path="/token") == []
        assert authorized(away) == []


def test_no_way_from_https_to_http(closed, puller, secured):
    """A redirect from https to http is an error, and no request is sent there."""
    tls, access = secured
    with fault_proxy(closed.port) as away, fault_proxy(closed.port, tls) as proxy:
        proxy.when(redirect(away.url), path="/blobs/")
        with pytest.raises(RegistryFailed, match=r"from https to .* over unencrypted http"):
            puller.pull(f"{proxy.address}/team/app:1", access=access)
        assert away.passed == []


@pytest.mark.parametrize("to", ["http://[::1", "ftp://x.example", "https://u:p@x.example", "https://"])
def test_a_redirect_to_no_address(closed, puller, to):
    """A redirect to an invalid address is an error with a clear text."""
    with fault_proxy(closed.port) as proxy:
        proxy.when(redirect(f"{to}!"), path="/blobs/")
        with pytest.raises(RegistryFailed, match="redirects to"):
            puller.pull(f"{proxy.address}/team/app:1", access=BOB)


def test_a_redirect_with_an_endless_body(closed, puller):
    """The body of a redirect is not read."""
    with fault_proxy(closed.port) as away, fault_proxy(closed.port) as proxy:
        proxy.when(
            lambda exchange: replace(
                redirect(away.url)(exchange).having("Content-Length", None), body=giant()(exchange).body
            ),
            path="/blobs/",
        )
        with pytest.raises(RegistryDenied):
            puller.pull(f"{proxy.address}/team/app:1", access=BOB)
        assert [one.sent for one in proxy.asked(path="/blobs/") if one.sent > ENDLESS // 4] == []


def realm(text):
    """Return the challenge that requires a login there."""
    return says(401, WWW_Authenticate=f'Bearer realm="{text}",service="x"')


def test_a_login_by_http_is_refused(puller, secured, tmp_path):
    """A login over http for a registry with https is refused."""
    tls, access = secured
    with fault_proxy(None) as away, fault_proxy(None, tls) as proxy:
        proxy.when(realm(f"{away.url}/token"), method=".*")
        with pytest.raises(RegistryFailed, match="login over unencrypted http"):
            puller.pull(f"{proxy.address}/team/app:1", access=access)
        with pytest.raises(RegistryFailed, match="login over unencrypted http"):
            login(Login(proxy.address, access))
        assert away.passed == []


@pytest.mark.parametrize(
    "text", ["", "token", "https://", "https://[::1", "file:///etc/passwd", "https://u:p@x/"]
)
def test_a_token_server_that_is_none(closed, puller, text):
    """An invalid realm is an error with a clear text."""
    with fault_proxy(closed.port) as proxy:
        proxy.when(realm(text), method=".*", path="/manifests/")
        with pytest.raises(RegistryFailed, match="invalid address of a token server"):
            puller.pull(f"{proxy.address}/team/app:1", access=BOB)


TOKENS = {
    "no JSON": html,
    "no object": says(200, b"[]"),
    "no token": says(200, b"{}"),
    "a number": says(200, b'{"token": 5}'),
    "a header of its own": says(200, json.dumps({"token": "a\r\nX-Evil: 1"}).encode()),
    "no ASCII": says(200, json.dumps({"token": "\u202e"}).encode()),
    "an endless one": giant(),
    "nested without an end": says(200, b'{"a":' * 100_000),
    "nobody": says(404),
}


@pytest.mark.parametrize("answer", TOKENS)
def test_an_answer_that_is_no_token(closed, puller, answer):
    """Any invalid answer of a token server is an error that names the server."""
    with fault_proxy(None) as tokens, fault_proxy(closed.port) as proxy:
        tokens.when(TOKENS[answer], method=".*")
        proxy.when(realm(f"{tokens.url}/token"), method=".*", path="/manifests/")
        with pytest.raises(RegistryFailed, match=tokens.address.replace(".", r"\.")):
            puller.pull(f"{proxy.address}/team/app:1", access=BOB)
        assert len(tokens.passed) == 1


@pytest.mark.parametrize("expires", ["-1", "0", "1e400", '"soon"', "true", "null", "[]", "NaN"])
def test_an_odd_lifetime(image, puller, tmp_path, expires):
    """A token with an invalid lifetime is used all the same."""
    with (
        token_server(tmp_path / "tokens", {"bob": User(SECRET, {"*": ("pull", "push")})}) as tokens,
        registry(tmp_path / "registry", tokens=tokens) as there,
        fault_proxy(there.port) as proxy,
        fault_proxy(int(tokens.realm.rpartition(":")[2].partition("/")[0])) as server,
    ):
        there.push(image, "team/app:1", f"--dest-creds=bob:{SECRET}")

        def odd(exchange):
            answer = exchange.forward()
            token = json.loads(b"".join(answer.body))["token"]
            body = f'{{"token": "{token}", "expires_in": {expires}}}'.encode()
            return says(200, body)(exchange)

        def elsewhere(exchange):
            answer = exchange.forward()
            told = (answer.get("WWW-Authenticate") or "").replace(tokens.realm, f"{server.url}/token")
            return answer.having("WWW-Authenticate", told or None)

        server.when(odd)
        proxy.when(elsewhere, method=".*")
        assert puller.pull(f"{proxy.address}/team/app:1", access=BOB).changed


def test_a_token_server_leads_on(closed, puller, tmp_path):
    """Neither a password nor an identity token is sent along a token server's redirect to another host."""
    file = tmp_path / "auth.json"
    with fault_proxy(None) as away, fault_proxy(None) as tokens, fault_proxy(closed.port) as proxy:
        tokens.when(redirect(away.url), method=".*")
        proxy.when(realm(f"{tokens.url}/token"), method=".*", path="/manifests/")
        with pytest.raises(EngineError):
            puller.pull(f"{proxy.address}/team/app:1", access=BOB)
        file.write_text(json.dumps({"auths": {proxy.address: {"identitytoken": TOKEN}}}))
        with pytest.raises(RegistryFailed, match="redirects a request with data"):
            puller.pull(
                f"{proxy.address}/team/app:1", access=Access(auth_file=str(file), verify=False, retry=0)
            )
        assert TOKEN.encode() in tokens.passed[-1].body
        assert authorized(away) == []
        assert [one for one in away.passed if TOKEN.encode() in one.body] == []


def test_a_mirror_gets_no_credentials_of_the_registry(closed, puller, tmp_path):
    """A task's user and password are for the registry of the name, not for its mirrors."""
    with fault_proxy(None) as mirror:
        mirror.when(says(401, WWW_Authenticate='Basic realm="x"'), method=".*")
        conf = tmp_path / "registries.json"
        entry = {"prefix": closed.address, "location": closed.address}
        entry["mirror"] = [{"location": mirror.address, "insecure": True}]
        conf.write_text(json.dumps({"registry": [entry]}))
        access = Access("bob", SECRET, verify=False, retry=0, registries_conf=str(conf))
        assert puller.pull(f"{closed.address}/team/app:1", access=access).changed
        assert mirror.passed
        assert authorized(mirror) == []


def test_what_is_said_of_a_login_shows_no_secret(closed, puller, tmp_path):
    """A password that an answer repeats is not in any error."""
    with fault_proxy(closed.port) as proxy:
        proxy.when(header("WWW-Authenticate", f'Basic realm="{SECRET}"'), method=".*")
        wrong = Access("bob", "wrong-secret", verify=False, retry=0)
        with pytest.raises(RegistryDenied) as caught:
            puller.pull(f"{proxy.address}/team/app:1", access=wrong)
        assert "secret" not in f"{caught.value}{caught.value.fields}"
    assert registries.is_there()
    assert BASIC not in repr(BOB)
