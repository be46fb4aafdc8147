# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials are verified with the registry, stored as podman stores them, and removed; secrets never show."""

from __future__ import annotations

import base64
import json
import os
import shutil
import stat
import subprocess

import pytest

import registries
from _engine.errors import EngineError, HostLacks, InvalidOption, RegistryDenied, RegistryFailed
from _engine.images.registry.credentials import Credentials, find
from _engine.lifecycle.image.login import Login, Logout, login, logout
from _engine.model.image.pull import Access
from registries import registry
from tokenserver import User, token_server

SECRET = "secret-of-bob"
#: A credential helper that stores its input in a file beside it, and logs how it was called.
HELPER = """#!/bin/sh
echo "$@" >> "$0.calls"
case "$1" in
  store) cat > "$0.kept" ;;
  get) cat > /dev/null; test -s "$0.kept" && cat "$0.kept" || { echo "credentials not found in native keychain"; exit 1; } ;;
  erase) cat > /dev/null; rm -f "$0.kept" ;;
esac
"""


@pytest.fixture
def there(need, tmp_path):
    """Return a registry that bob may use."""
    need(registries.is_there(), "docker-registry, unpacked by tests/setup.yml")
    with registry(tmp_path / "registry", users={"bob": SECRET}) as found:
        yield found


@pytest.fixture
def file(tmp_path):
    """Return the path of a missing file of credentials, in a missing directory."""
    return tmp_path / "own/auth.json"


def wanted(there, file, username="bob", password=SECRET, path=""):
    """Return a task's request."""
    access = Access(username, password, auth_file=str(file), verify=False, retry=0)
    return Login(f"{there.address}{path}", access)


def entry(username="bob", password=SECRET):
    """Return an entry of such a file."""
    return {"auth": base64.b64encode(f"{username}:{password}".encode()).decode()}


def test_the_same_again_is_no_change(there, file):
    """Credentials are written once, readable only by their owner; the same ones are only verified."""
    done = login(wanted(there, file))
    assert done.actions == (f"logged in to {there.address} as bob",)
    assert json.loads(file.read_text()) == {"auths": {there.address: entry()}}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    before = file.stat()
    asked = len(there.requests())
    assert login(wanted(there, file)).actions == ()
    assert login(wanted(there, file, "", "")).actions == ()
    assert file.stat() == before
    assert len(there.requests()) > asked
    assert sorted(os.listdir(file.parent)) == ["auth.json"]


def test_prediction_verifies_and_writes_nothing(there, file):
    """Check mode reports whether the registry accepts the credentials."""
    assert login(wanted(there, file), predicting=True).actions == login(wanted(there, file)).actions
    file.unlink()
    with pytest.raises(RegistryDenied):
        login(wanted(there, file, password="wrong"), predicting=True)
    assert not file.exists()


def test_what_the_registry_refuses_is_not_kept(there, file):
    """A wrong or expired password is an error that names the user and not the password."""
    with pytest.raises(RegistryDenied, match="rejects the password of bob") as caught:
        login(wanted(there, file, password="wrong-secret"))
    assert "wrong-secret" not in f"{caught.value}{caught.value.fields}"
    assert not file.exists()
    file.parent.mkdir()
    file.write_text(json.dumps({"auths": {there.address: entry(password="old")}}))
    with pytest.raises(RegistryDenied):
        login(wanted(there, file, "", ""))
    assert login(wanted(there, file)).changed


def test_all_else_in_the_file_stays(there, file):
    """Other registries and unknown keys stay, and so do a symlink and the owner; an unsafe mode is corrected."""
    real = file.parent / "real.json"
    file.parent.mkdir()
    real.write_text(json.dumps({"auths": {"other.example": entry("eve", "x")}, "psFormat": "table"}))
    real.chmod(0o644)
    os.chown(real, 1234, 1234)
    file.symlink_to("real.json")
    login(wanted(there, file))
    assert json.loads(real.read_text()) == {
        "auths": {"other.example": entry("eve", "x"), there.address: entry()},
        "psFormat": "table",
    }
    assert file.is_symlink()
    assert (stat.S_IMODE(real.stat().st_mode), real.stat().st_uid) == (0o600, 1234)
    logout(Logout(there.address, access=Access(auth_file=str(file))))
    assert json.loads(real.read_text())["auths"] == {"other.example": entry("eve", "x")}


@pytest.mark.parametrize("text", ['{"auths": {\n"a": }}', "[]", '{"auths": 5}', "\xff"])
def test_a_broken_file_is_refused(there, file, text):
    """A corrupt file is an error with the place of the fault, and stays unchanged."""
    file.parent.mkdir()
    file.write_bytes(text.encode("latin-1"))
    for act in (
        lambda: login(wanted(there, file)),
        lambda: logout(Logout(there.address, access=Access(auth_file=str(file)))),
    ):
        with pytest.raises(InvalidOption) as caught:
            act()
        assert "line 2" in caught.value.message or "\n" not in text
    assert file.read_bytes() == text.encode("latin-1")


def test_what_is_no_file_is_refused(there, file):
    """A FIFO in place of the file does not block the task."""
    file.parent.mkdir()
    os.mkfifo(file)
    with pytest.raises(InvalidOption, match="not a regular file"):
        login(wanted(there, file))


def test_podman_reads_what_is_written(need, there, file):
    """Podman and skopeo accept the file, and podman's own login and logout leave nothing to change."""
    need(shutil.which("podman"), "podman")
    login(wanted(there, file))
    registries.run(["podman", "login", "--authfile", file, "--tls-verify=false", there.address])
    registries.run(["podman", "logout", "--authfile", file, there.address])
    assert logout(Logout(there.address, access=Access(auth_file=str(file)))).actions == ()
    given = {"input": SECRET}
    options = ["--authfile", file, "--tls-verify=false", "-u", "bob", "--password-stdin"]
    registries.run(["podman", "login", *options, there.address], **given)
    assert login(wanted(there, file)).actions == ()


def test_a_path_counts_for_what_is_below_it(there, file):
    """Credentials of a path are used only below it."""
    login(wanted(there, file, path="/team"))
    assert find(there.address, "team/app", str(file)) == Credentials("bob", SECRET)
    assert find(there.address, "other/app", str(file)) is None
    assert logout(Logout(there.address, access=Access(auth_file=str(file)))).actions == ()
    assert logout(Logout(f"{there.address}/team", access=Access(auth_file=str(file)))).changed


def test_logout_of_all(there, file):
    """All entries are removed, and the file's other content stays; the second time is no change."""
    login(wanted(there, file))
    held = json.loads(file.read_text())
    file.write_text(json.dumps({**held, "auths": {**held["auths"], "a.example": entry()}, "detachKeys": "x"}))
    everything = Logout(everything=True, access=Access(auth_file=str(file)))
    assert len(logout(everything, predicting=True).actions) == 2
    assert len(logout(everything).actions) == 2
    assert json.loads(file.read_text()) == {"auths": {}, "detachKeys": "x"}
    assert logout(everything).actions == ()


def test_a_helper_keeps_them(there, file, tmp_path, monkeypatch):
    """A credential helper named in the file stores them: it gets them on its standard input, the file has none."""
    program = tmp_path / "docker-credential-tests"
    program.write_text(HELPER)
    program.chmod(0o755)
    monkeypatch.setattr("_engine.kernel.command.SEARCH_PATH", f"{tmp_path}:/usr/bin:/bin")
    file.parent.mkdir()
    file.write_text(json.dumps({"credHelpers": {there.address: "tests"}}))
    assert login(wanted(there, file)).changed
    kept = json.loads((tmp_path / "docker-credential-tests.kept").read_text())
    assert kept == {"ServerURL": there.address, "Username": "bob", "Secret": SECRET}
    assert SECRET not in file.read_text()
    assert SECRET not in (tmp_path / "docker-credential-tests.calls").read_text()
    assert login(wanted(there, file)).actions == ()
    assert logout(Logout(everything=True, access=Access(auth_file=str(file)))).changed
    assert not (tmp_path / "docker-credential-tests.kept").exists()
    assert logout(Logout(there.address, access=Access(auth_file=str(file)))).actions == ()


def test_a_helper_that_is_not_there(there, file):
    """The error for a missing helper names the file and the program."""
    file.parent.mkdir()
    file.write_text(json.dumps({"credsStore": "nosuch"}))
    with pytest.raises(HostLacks, match="docker-credential-nosuch"):
        login(wanted(there, file))
    file.write_text(json.dumps({"credsStore": "../../bin/sh"}))
    with pytest.raises(InvalidOption, match="not a valid name"):
        login(wanted(there, file))


def test_docker_has_credentials_too(there, tmp_path, monkeypatch):
    """A logout that leaves other credentials in use is an error, unless that is accepted."""
    monkeypatch.delenv("REGISTRY_AUTH_FILE", raising=False)
    for name, place in {"XDG_RUNTIME_DIR": "run", "HOME": "home", "XDG_CONFIG_HOME": "c"}.items():
        monkeypatch.setenv(name, str(tmp_path / place))
    docker = tmp_path / "home/.docker/config.json"
    docker.parent.mkdir(parents=True)
    docker.write_text(json.dumps({"auths": {there.address: entry()}}))
    with pytest.raises(EngineError, match=str(docker)):
        logout(Logout(there.address))
    assert logout(Logout(there.address, ignores_docker=True)).actions == ()
    assert login(Login(there.address, Access("bob", SECRET, verify=False))).changed
    assert (tmp_path / "run/containers/auth.json").exists()
    assert logout(Logout(there.address)).changed
    assert json.loads(docker.read_text())["auths"] == {there.address: entry()}


def test_tokens(need, tmp_path, file):
    """A login to a registry that requires tokens uses a token without a scope."""
    need(registries.is_there(), "docker-registry, unpacked by tests/setup.yml")
    with (
        token_server(tmp_path / "tokens", {"bob": User(SECRET, {})}) as tokens,
        registry(tmp_path / "registry", tokens=tokens) as there,
    ):
        assert login(wanted(there, file)).changed
        assert [(one.user, one.scopes, one.status) for one in tokens.asked] == [("bob", (), 200)]
        with pytest.raises(RegistryDenied, match="rejects the password of bob"):
            login(wanted(there, file, password="wrong"))


def test_a_registry_for_everybody(need, tmp_path, file):
    """Credentials that a registry does not ask for cannot be verified, and the task warns."""
    need(registries.is_there(), "docker-registry, unpacked by tests/setup.yml")
    with registry(tmp_path / "registry") as there:
        done = login(wanted(there, file))
    assert done.changed
    assert "could not be verified" in done.warnings[0]


def test_no_registry_at_all(file):
    """An invalid name, an unreachable registry or an invalid user is an error, and nothing is written."""
    access = Access("bob", SECRET, auth_file=str(file), verify=False, retry=0)
    with pytest.raises(RegistryFailed, match=r"127\.0\.0\.1:9"):
        login(Login("127.0.0.1:9", access))
    with pytest.raises(InvalidOption, match="registry"):
        login(Login("not a registry", access))
    with pytest.raises(InvalidOption, match="colon"):
        login(Login("127.0.0.1:9", Access("b:b", SECRET, auth_file=str(file))))
    assert not file.exists()


def test_many_at_once(there, file, tree):
    """Concurrent tasks that write one file lose none of each other's entries."""
    code = (
        "import sys; from _engine.images.registry import auth_file; from _engine.images.registry.credentials import Credentials\n"
        "for n in range(20): auth_file.put(sys.argv[1], f'{sys.argv[2]}-{n}.example', Credentials('bob', 'x'))"
    )
    environment = {"PYTHONPATH": str(tree / "plugins/module_utils"), "PATH": "/usr/bin:/bin"}
    running = [
        subprocess.Popen([shutil.which("python3"), "-c", code, file, f"r{number}"], env=environment)
        for number in range(4)
    ]
    assert [one.wait(60) for one in running] == [0] * 4
    assert len(json.loads(file.read_text())["auths"]) == 80
