# SPDX-License-Identifier: GPL-3.0-or-later
"""``slipway push``, ``login`` and ``logout``: their output, and that no password is an argument."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import registries
from pulling import Puller
from registries import registry

SECRET = "secret-of-bob"
PROGRAM = """import sys
from _engine.agent.main import main
raise SystemExit(main(sys.argv[3:], root=sys.argv[1], run_root=sys.argv[2]))
"""


@pytest.fixture
def there(image, tmp_path):
    """Return a registry with team/app:1 that bob may use."""
    with registry(tmp_path / "registry", users={"bob": SECRET}) as found:
        found.digest = found.push(image, "team/app:1", f"--dest-creds=bob:{SECRET}")
        yield found


@pytest.fixture
def slipway(tree, tmp_path):
    """Return a function that runs slipway with a standard input; it returns exit code, output and errors."""
    puller = Puller(tmp_path)
    puller.blobs()

    def slipway(*argv, given=""):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, puller.root, puller.run_root, *argv],
            input=given,
            capture_output=True,
            check=False,
            text=True,
            env={"PYTHONPATH": str(tree / "plugins/module_utils"), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
        )
        return done.returncode, done.stdout, done.stderr

    slipway.puller = puller
    return slipway


def test_login_push_logout(there, slipway, tmp_path):
    """A user logs in with a password on the standard input, pushes, and logs out."""
    file, how = str(tmp_path / "auth.json"), "--tls-verify=false"
    login = ("login", "--authfile", file, how, "-u", "bob", "--password-stdin", there.address)
    assert slipway(*login, given=f"{SECRET}\n") == (0, f"Logged in to {there.address} as bob\n", "")
    assert slipway("login", "--authfile", file, how, there.address)[0] == 0
    slipway.puller.pull(f"{there.address}/team/app:1", access=access(file))
    dest = f"{there.address}/other/app:1"
    digest = str(tmp_path / "digest")
    push = ("push", "--authfile", file, how, "--digestfile", digest, f"{there.address}/team/app:1", dest)
    assert slipway(*push) == (0, f"{there.digest}\n", "")
    assert (tmp_path / "digest").read_text() == there.digest
    assert slipway("logout", "--authfile", file, there.address)[1] == f"Logged out of {there.address}\n"
    assert slipway("logout", "--authfile", file, there.address)[1] == "No credentials to remove\n"
    assert json.loads((tmp_path / "auth.json").read_text()) == {"auths": {}}
    code, said, complained = slipway(*push[:-1], f"{there.address}/third/app:1")
    assert (code, said) == (125, "")
    assert "requires credentials" in complained


def access(file):
    """Return the access to the registry."""
    from _engine.model.image.pull import Access

    return Access(auth_file=file, verify=False)


@pytest.mark.parametrize(
    ("argv", "given", "said"),
    [
        (("login", "--password-stdin"), SECRET, "--username"),
        (("login", "-u", "bob"), "", "--password-stdin"),
        (("login", "-u", "bob", "--password-stdin"), "", "not a password"),
        (("login", "-u", "bob", "--password-stdin"), "a\nb\n", "not a password"),
        (("login",), "", "username"),
        (("logout", "--all"), "", "--all"),
    ],
)
def test_what_is_missing_is_told(need, slipway, tmp_path, argv, given, said):
    """Without a terminal nothing is prompted for, and nothing is guessed."""
    need(registries.is_there(), "docker-registry, unpacked by tests/setup.yml")
    file = ("--authfile", str(tmp_path / "auth.json"))
    code, _out, complained = slipway(argv[0], *file, *argv[1:], "127.0.0.1:9", given=given)
    assert code == 125
    assert said in complained
    assert not (tmp_path / "auth.json").exists()
