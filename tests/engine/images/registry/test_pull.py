# SPDX-License-Identifier: GPL-3.0-or-later
"""Pulling: when the registry is asked, what is fetched, with which credentials, and the errors."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys

import pytest

from _engine.errors import EngineError, ImageUnknown, InUse, NotFound, RegistryDenied, RegistryFailed
from _engine.images.archive.reference import parse
from _engine.lifecycle.image.remote import repositories
from _engine.lifecycle.image.tag import tag
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
    """Return an engine for one test."""
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
    """Return the digests, or tags, that were fetched from a registry."""
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
    """A missing image is fetched whole, with its names and digests; after that the registry is not asked."""
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
    """A tag that has not moved costs one HEAD; for one that has, only the layer that differs is fetched."""
    puller.pull(there.name)
    first = there.requests()
    assert puller.pull(there.name, "newer").actions == ()
    assert [(one.method, one.status) for one in there.requests()[len(first) :]] == [("HEAD", 304)]
    moved = there.push(other_image(tmp_path), "team/app:1")
    before = len(fetched(there))
    assert puller.pull(there.name, "newer").actions == (f"pulled image {there.name} ({moved})",)
    assert len(fetched(there)[before:]) == 2  # configuration and one layer


def test_newer_bears_a_registry_that_is_gone(there, puller):
    """With newer, a local image suffices if the registry is unreachable, with a warning; with always it does not."""
    puller.pull(there.name)
    there.process.kill()
    there.process.wait()
    done = puller.pull(there.name, "newer")
    assert done.actions == ()
    assert "is unreachable" in done.warnings[0]
    with pytest.raises(RegistryFailed):
        puller.pull(there.name, "always")


def test_never_asks_nobody(there, puller):
    """With never, a missing image is an error, and so is a name that no registry has."""
    before = there.requests()
    with pytest.raises(NotFound):
        puller.pull(there.name, "never")
    with pytest.raises(NotFound):
        puller.pull("localhost/team/app:1", "always")
    assert there.requests() == before


def test_prediction_asks_and_writes_nothing(there, puller):
    """Check mode reports the digest that a real run gets, and leaves no trace."""
    puller.blobs()
    told = puller.foresee(there.name)
    assert told.actions == (f"pulled image {there.name} ({there.digest})",)
    assert puller.blobs() == set()
    assert puller.pull(there.name).actions == told.actions


def test_blobs_are_kept_and_go_with_the_image(there, puller):
    """Everything that the manifest names is stored unchanged, and removed with the last image that uses it."""
    puller.pull(there.name)
    manifest = json.loads(there.blob(there.digest).read_text())
    named = [manifest["config"], *manifest["layers"]]
    assert puller.blobs() == {there.digest, *(one["digest"] for one in named)}
    puller.remove(there.name)
    assert puller.blobs() == set()


def test_a_broken_download_goes_on(there, puller):
    """An interrupted blob is resumed without a duplicate byte; an interrupted document is fetched again."""
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
    """Too many requests and temporary errors are retried after the time that the registry asks for."""
    with fault_proxy(there.port) as proxy:
        proxy.when(says(429, Retry_After="0"), path="/manifests/", times=1)
        proxy.when(says(503), path="/blobs/", times=2)
        assert puller.pull(f"{proxy.address}/team/app:1").changed
        proxy.when(says(503), path="/manifests/")
        with pytest.raises(RegistryFailed) as caught:
            puller.pull(f"{proxy.address}/team/app:1", "always")
    assert caught.value.fields["status"] == 503


def test_an_unknown_tag_names_those_that_there_are(there, puller):
    """The error for an unknown tag lists the registry's tags."""
    with pytest.raises(ImageUnknown) as caught:
        puller.pull(f"{there.address}/team/app:2")
    assert caught.value.message == f"no image named '{there.address}/team/app:2': its tags are 1"


def test_a_wrong_digest_is_refused(there, puller):
    """A blob that does not match the manifest is an error with both digests, and nothing of it is kept."""
    manifest = json.loads(there.blob(there.digest).read_text())
    damaged = manifest["layers"][1]["digest"]
    there.blob(damaged).write_bytes(b"x" * manifest["layers"][1]["size"])
    with pytest.raises(EngineError) as caught:
        puller.pull(there.name)
    assert (caught.value.code, caught.value.fields["expected"]) == ("digest_mismatch", damaged)
    assert damaged not in puller.blobs()


def test_certificates(image, puller, tmp_path):
    """A registry's certificate is verified with the authorities of a directory; the error names the option."""
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
    """A registry without TLS must be allowed by the task or by the registries file."""
    with pytest.raises(RegistryFailed) as caught:
        puller.pull(there.name, access=Access(retry=0))
    assert "tls_verify: false" in caught.value.remedy


@pytest.mark.parametrize("unknown", [False, True])
def test_newer_without_a_way(there, puller, unknown):
    """If the controller cannot pull either, ``newer`` keeps the existing image, unless the registry has no such image."""
    puller.pull(there.name)
    offer = {"failed": "it is down", "host": "it is down here", "unknown": unknown}
    if unknown:
        with pytest.raises(RegistryFailed, match="the controller cannot pull it: it is down"):
            puller.pull(there.name, "newer", offer=offer)
    else:
        done = puller.pull(there.name, "newer", offer=offer)
        assert (done.actions, len(done.warnings)) == ((), 1)
        assert "the existing image is used" in done.warnings[0]
    with pytest.raises(RegistryFailed, match="the host cannot pull it: it is down here"):
        puller.pull(there.name, "always", offer=offer)


def test_removed_by_digest(there, puller):
    """By digest, an image with several names stays without ``force``, as by ID."""
    puller.pull(there.name)
    with puller.open() as engine:
        tag(engine, there.name, ("localhost/mine:1",))
    with pytest.raises(InUse, match="several names"):
        puller.remove(f"{there.address}/team/app@{there.digest}")
    puller.remove("localhost/mine:1")
    assert puller.remove(f"{there.address}/team/app@{there.digest}").changed


def test_two_blobs_at_once_log_in_once(tmp_path):
    """A second request that is rejected while the first one logs in is sent again, not denied."""
    with registry(tmp_path / "registry", users={"bob": "secret-of-bob"}) as there:
        access = Access(username="bob", password="secret-of-bob", verify=False)
        (repository,) = repositories(access, parse(f"{there.address}/team/app:1"))
        rejected = repository._http.send("GET", f"{there.url}/v2/", {})
        assert rejected.status == 401
        assert repository._log_in(rejected, "pull", {})
        assert repository._log_in(rejected, "pull", {})  # as the second thread does
        wrong = repository._authorization("pull", rejected.url)
        assert not repository._log_in(rejected, "pull", wrong)
        rejected.close()


def test_the_program_finds_requests(tree, need):
    """The program's interpreter ignores site-packages at its start, and the client finds requests all the same."""
    need(os.access("/usr/bin/python3", os.X_OK), "the system's Python")
    code = "import sys; sys.path.insert(0, sys.argv[1]); from _engine.images.registry import library; print(library.MISSING)"
    argv = ["/usr/bin/python3", "-IS", "-c", code, str(tree / "plugins/module_utils")]
    assert subprocess.run(argv, check=True, capture_output=True, text=True).stdout == "False\n"


def test_users(image, puller, tmp_path):
    """A password comes from the task or from a file; wrong and missing ones have different errors without secrets."""
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
    """A registry that requires tokens gets them; a user without permission gets an error."""
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
    """A name is looked up at its mirror first, then at its location; a blocked one is refused."""
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
    """Of several concurrent pulls of an image, one fetches each blob, and all succeed."""
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
    """Without Python's requests, the host says what to install; with auto, the controller is asked."""
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
