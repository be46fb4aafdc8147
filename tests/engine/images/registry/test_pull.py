# SPDX-License-Identifier: GPL-3.0-or-later
"""An image comes from a registry: when it is asked for, what is fetched, by which credentials, and what errors tell."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys

import pytest

from _engine.errors import EngineError, ImageUnknown, NotFound, RegistryDenied, RegistryFailed
from _engine.model.image.pull import Access
from _engine.progress import reported_to
from certificates import Authority
from dockerarchive import layer, write_archive
from faultproxy import cut, fault_proxy, says
from pulling import Puller
from registries import registry
from tokenserver import User, token_server


@pytest.fixture
def puller(tmp_path):
    """Return an engine of the test's own."""
    return Puller(tmp_path)


@pytest.fixture
def there(image, tmp_path):
    """Return a registry that has team/app:1."""
    with registry(tmp_path / "registry") as found:
        found.digest = found.push(image, "team/app:1")
        found.name = f"{found.address}/team/app:1"
        yield found


def other_image(tmp_path, lower=b"1" * 5000):
    """Return an image for skopeo that has the lower layer of ``image``, and another one over it."""
    layers = [layer({"one": lower}), layer({"two": b"3" * 5000})]
    return f"docker-archive:{write_archive(tmp_path / 'other.tar', 'localhost/image:2', layers)}"


def fetched(there, kind="blobs"):
    """Return the digests, or tags, of what was fetched from a registry."""
    asked = (one for one in there.requests() if one.method == "GET" and f"/{kind}/" in one.path and one.size)
    return [one.path.rpartition("/")[2] for one in asked]


def test_progress(there, puller):
    """A pull reports its bytes and its layers, and ends with all of them; one that fetches nothing reports nothing."""
    states = []
    with reported_to(states.append):
        puller.pull(there.name)
        last = states[-1]
        puller.pull(there.name)
    assert states[-1] == last
    assert last.what == f"pulling {there.name}"
    assert (last.done, last.parts_done) == (last.total, last.parts)
    assert last.total > 0
    assert last.parts > 0


def test_a_missing_image_is_pulled_once(there, puller):
    """What is not there is fetched whole, with its names and digests; then nobody is asked any more."""
    done = puller.pull(there.name)
    assert done.actions == (f"pulled image {there.name} ({there.digest})",)
    shape = done.result["image"]
    assert shape["RepoTags"] == [there.name]
    assert shape["RepoDigests"] == [f"{there.address}/team/app@{there.digest}"]
    before = there.requests()
    assert puller.pull(there.name).actions == ()
    assert puller.pull(f"{there.address}/team/app@{there.digest}").actions == ()
    assert there.requests() == before


def test_newer_asks_by_digest_alone(there, puller, tmp_path):
    """A tag that has not moved costs one HEAD; one that has brings what is new, and of it only the layer that differs."""
    puller.pull(there.name)
    first = there.requests()
    assert puller.pull(there.name, "newer").actions == ()
    assert [(one.method, one.status) for one in there.requests()[len(first) :]] == [("HEAD", 304)]
    moved = there.push(other_image(tmp_path), "team/app:1")
    before = len(fetched(there))
    assert puller.pull(there.name, "newer").actions == (f"pulled image {there.name} ({moved})",)
    assert len(fetched(there)[before:]) == 2  # configuration and one layer


def test_newer_bears_a_registry_that_is_gone(there, puller):
    """With newer an image that is here is good enough when nobody answers, and the task says so; with always it is not."""
    puller.pull(there.name)
    there.process.kill()
    there.process.wait()
    done = puller.pull(there.name, "newer")
    assert done.actions == ()
    assert "is unreachable" in done.warnings[0]
    with pytest.raises(RegistryFailed):
        puller.pull(there.name, "always")


def test_never_asks_nobody(there, puller):
    """With never, what is not there is an error, and so is a name that is in no registry."""
    before = there.requests()
    with pytest.raises(NotFound):
        puller.pull(there.name, "never")
    with pytest.raises(NotFound):
        puller.pull("localhost/team/app:1", "always")
    assert there.requests() == before


def test_prediction_asks_and_writes_nothing(there, puller):
    """Check mode tells the digest that a real run gets, and leaves no trace."""
    puller.blobs()
    told = puller.foresee(there.name)
    assert told.actions == (f"pulled image {there.name} ({there.digest})",)
    assert puller.blobs() == set()
    assert puller.pull(there.name).actions == told.actions


def test_blobs_are_kept_and_go_with_the_image(there, puller):
    """All that the manifest names is kept as it came, and goes with the last image that has it."""
    puller.pull(there.name)
    manifest = json.loads(there.blob(there.digest).read_text())
    named = [manifest["config"], *manifest["layers"]]
    assert puller.blobs() == {there.digest, *(one["digest"] for one in named)}
    puller.remove(there.name)
    assert puller.blobs() == set()


def test_a_broken_download_goes_on(there, puller):
    """A blob that breaks off comes from there on, and no byte twice; a document that does comes again."""
    manifest = json.loads(there.blob(there.digest).read_text())
    layer, config = manifest["layers"][0], manifest["config"]
    with fault_proxy(there.port) as proxy:
        proxy.when(cut(20), path=layer["digest"], times=2)
        proxy.when(cut(20), path=config["digest"], times=1)
        assert puller.pull(f"{proxy.address}/team/app:1").changed
        asked = [one for one in proxy.passed if layer["digest"] in one.path]
        assert [one.headers.get("range") for one in asked] == [None, "bytes=20-", "bytes=40-"]
        assert sum(one.sent for one in asked) == layer["size"]


def test_a_registry_that_is_busy_is_asked_again(there, puller):
    """Too many requests, and errors that pass, are tried again after the time that the registry asks for."""
    with fault_proxy(there.port) as proxy:
        proxy.when(says(429, Retry_After="0"), path="/manifests/", times=1)
        proxy.when(says(503), path="/blobs/", times=2)
        assert puller.pull(f"{proxy.address}/team/app:1").changed
        proxy.when(says(503), path="/manifests/")
        with pytest.raises(RegistryFailed) as caught:
            puller.pull(f"{proxy.address}/team/app:1", "always")
    assert caught.value.fields["status"] == 503


def test_an_unknown_tag_names_those_that_there_are(there, puller):
    """What the registry has is told beside what it has not."""
    with pytest.raises(ImageUnknown) as caught:
        puller.pull(f"{there.address}/team/app:2")
    assert caught.value.message == f"no image named '{there.address}/team/app:2': its tags are 1"


def test_a_wrong_digest_is_refused(there, puller):
    """A blob that is not what the manifest names is told with both digests, and nothing of it is kept."""
    manifest = json.loads(there.blob(there.digest).read_text())
    damaged = manifest["layers"][1]["digest"]
    there.blob(damaged).write_bytes(b"x" * manifest["layers"][1]["size"])
    with pytest.raises(EngineError) as caught:
        puller.pull(there.name)
    assert (caught.value.code, caught.value.fields["expected"]) == ("digest_mismatch", damaged)
    assert damaged not in puller.blobs()


def test_certificates(image, puller, tmp_path):
    """A registry's certificate is looked at, by the authorities of a directory; the error says what to set."""
    authority = Authority(tmp_path / "authority")
    trust = authority.directory(tmp_path / "trust")
    with registry(tmp_path / "registry", tls=authority.server(), trust=trust) as there:
        there.push(image, "app:1")
        name = f"{there.address}/app:1"
        with pytest.raises(RegistryFailed) as caught:
            puller.pull(name, access=Access(retry=0))
        assert "ca_cert_dir" in caught.value.remedy
        assert puller.pull(name, access=Access(cert_dir=str(trust))).changed
        puller.remove(name)
        assert puller.pull(name, access=Access(verify=False)).changed


def test_plain_http_is_refused_by_default(there, puller):
    """A registry without TLS needs that the task or the file of registries says so."""
    with pytest.raises(RegistryFailed) as caught:
        puller.pull(there.name, access=Access(retry=0))
    assert "tls_verify: false" in caught.value.remedy


def test_users(image, puller, tmp_path):
    """A password comes from the task or from a file; a wrong one and none are told apart, and no error shows one."""
    with registry(tmp_path / "registry", users={"bob": "secret-of-bob"}) as there:
        there.push(image, "app:1", "--dest-creds=bob:secret-of-bob")
        name = f"{there.address}/app:1"
        with pytest.raises(RegistryDenied, match="requires credentials"):
            puller.pull(name)
        with pytest.raises(RegistryDenied, match="rejects the password of bob") as caught:
            puller.pull(name, access=Access("bob", "wrong-secret", verify=False))
        assert "wrong-secret" not in f"{caught.value!s}{caught.value.fields}"
        assert puller.pull(name, access=Access("bob", "secret-of-bob", verify=False)).changed
        puller.remove(name)
        auth = base64.b64encode(b"bob:secret-of-bob").decode()
        file = tmp_path / "auth.json"
        file.write_text(json.dumps({"auths": {there.address: {"auth": auth}}}))
        assert puller.pull(name, access=Access(auth_file=str(file), verify=False)).changed


def test_tokens(image, puller, tmp_path):
    """A registry that wants tokens gets them; who may not pull this is told so."""
    users = {
        "bob": User("secret-of-bob", {"team/app": ("pull", "push")}),
        "eve": User("secret-of-eve", {}),
    }
    with (
        token_server(tmp_path / "tokens", users) as tokens,
        registry(tmp_path / "registry", tokens=tokens) as there,
    ):
        there.push(image, "team/app:1", "--dest-creds=bob:secret-of-bob")
        name = f"{there.address}/team/app:1"
        with pytest.raises(RegistryDenied, match="denies eve"):
            puller.pull(name, access=Access("eve", "secret-of-eve", verify=False))
        assert puller.pull(name, access=Access("bob", "secret-of-bob", verify=False)).changed


def test_mirrors(there, puller, tmp_path):
    """A name leads to its mirror first, and to where the file says that it is; what is blocked is refused."""
    conf = tmp_path / "registries.json"
    entry = {"prefix": "example.com/team", "location": f"{there.address}/team", "insecure": True}
    mirror = {"location": "127.0.0.1:9/team", "insecure": True}
    entries = [{**entry, "mirror": [mirror]}, {"prefix": "example.org", "blocked": True}]
    conf.write_text(json.dumps({"unqualified-search-registries": ["example.com"], "registry": entries}))
    access = Access(registries_conf=str(conf), retry=0)
    assert puller.pull("example.com/team/app:1", access=access).result["image"]["RepoTags"] == [
        "example.com/team/app:1"
    ]
    puller.remove("example.com/team/app:1")
    done = puller.pull("team/app:1", access=access)
    assert (done.changed, done.warnings) == (True, ())
    with pytest.raises(EngineError, match="blocked"):
        puller.pull("example.org/app", access=access)


def test_two_at_once_fetch_it_once(there, puller, tree):
    """Of several that pull an image at one time one fetches each blob, and all have the image."""
    code = (
        "import sys; from pathlib import Path; from pulling import Puller;"
        "print(Puller(Path(sys.argv[1])).pull(sys.argv[2]).result['image']['Id'])"
    )
    puller.blobs()
    places = ("plugins/module_utils", "tests/support")
    environment = {"PYTHONPATH": ":".join(str(tree / place) for place in places)}
    top = puller.root.removesuffix("/root")
    running = [
        subprocess.Popen(
            [sys.executable, "-c", code, top, there.name],
            stdout=subprocess.PIPE,
            env={**environment, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
        )
        for _one in range(4)
    ]
    ids = {one.communicate()[0] for one in running}
    assert [one.returncode for one in running] == [0] * 4
    assert len(ids) == 1
    layers = [one["digest"] for one in json.loads(there.blob(there.digest).read_text())["layers"]]
    assert sorted(digest for digest in fetched(there) if digest in layers) == sorted(layers)


@pytest.mark.parametrize(("where", "error"), [("host", "host_lacks"), ("auto", "image_wanted")])
def test_a_host_without_requests(puller, tree, where, error):
    """Without Python's requests the host says what to install, and with auto the controller is asked."""
    code = (
        "import sys; sys.modules['requests'] = None; from pathlib import Path; from pulling import Puller\n"
        "from _engine.errors import EngineError\n"
        "from _engine.lifecycle.image.pull import pull\n"
        "from _engine.model.image.pull import Pull\n"
        "with Puller(Path(sys.argv[1])).open() as engine:\n"
        "    try: pull(engine, Pull('registry.example/app:1', pull_on=sys.argv[2]))\n"
        "    except EngineError as error: print(error.code)\n"
    )
    places = ("plugins/module_utils", "tests/support")
    environment = {"PYTHONPATH": ":".join(str(tree / place) for place in places), "PATH": os.environ["PATH"]}
    argv = [sys.executable, "-c", code, puller.root.removesuffix("/root"), where]
    done = subprocess.run(argv, capture_output=True, check=True, text=True, env=environment)
    assert done.stdout == f"{error}\n"
