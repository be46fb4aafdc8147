# SPDX-License-Identifier: GPL-3.0-or-later
"""Pushing: only missing blobs are sent, byte for byte, and credentials reach only the registry."""

from __future__ import annotations

import json
import os

import pytest

from _engine.errors import DigestMismatch, InvalidOption, NotFound, RegistryDenied, RegistryFailed, WrongState
from _engine.images.blobs import BlobStore
from _engine.lifecycle.image.load import load
from _engine.lifecycle.image.push import Push, push
from _engine.model.image.pull import Access
from certificates import Authority, served_with
from dockerarchive import layer, write_archive
from faultproxy import fault_proxy, header, redirect, says
from pulling import PLAIN, Puller
from referrers import registry_in_memory
from registries import digest_of, registry, run
from tokenserver import User, token_server


class Pusher(Puller):
    """An engine that pulls and pushes."""

    def push(self, name, dest="", access=PLAIN, **more):
        """Push an image and return the outcome."""
        with self.open() as engine:
            return push(engine, Push(name, dest, access, **more))

    def foresee_push(self, name, dest="", access=PLAIN):
        """Predict the same."""
        with self.open(read_only=True) as engine:
            return push(engine, Push(name, dest, access))

    def blob(self, digest):
        """Return the path of a stored blob."""
        with self.open() as engine:
            return BlobStore(engine.layout.blobs).path(digest)


@pytest.fixture
def pusher(tmp_path):
    """Return an engine for one test."""
    return Pusher(tmp_path)


@pytest.fixture
def there(image, tmp_path, pusher):
    """Return a registry that has team/app:1, which the engine has pulled."""
    with registry(tmp_path / "registry") as found:
        found.digest = found.push(image, "team/app:1")
        found.name = f"{found.address}/team/app:1"
        found.manifest = json.loads(found.blob(found.digest).read_text())
        found.blobs = [one["digest"] for one in (found.manifest["config"], *found.manifest["layers"])]
        pusher.pull(found.name)
        found.pulled = len(found.requests())
        yield found


@pytest.fixture
def other(tmp_path, there):
    """Return another registry, which is empty."""
    with registry(tmp_path / "other") as found:
        yield found


@pytest.fixture
def empty(image, tmp_path):
    """Return an empty registry, and an engine that has pulled nothing."""
    with registry(tmp_path / "empty") as found:
        yield found


def seen(there, method):
    """Return a registry's requests with this method since the engine's pull."""
    return [one for one in there.requests()[there.pulled :] if one.method == method]


def inspect(name):
    """Return the digest with which skopeo finds an image."""
    return json.loads(run(["skopeo", "inspect", "--tls-verify=false", f"docker://{name}"]))["Digest"]


def test_round_trip(there, other, pusher, tmp_path):
    """A pulled image has the same digest in another registry, for skopeo and podman; pushing again is no change."""
    dest = f"{other.address}/copy/app:2"
    done = pusher.push(there.name, dest)
    assert done.actions == (f"pushed image {there.name} to {dest}",)
    assert done.result["digest"] == there.digest == inspect(dest)
    target = f"dir:{tmp_path / 'copy'}"
    run(["skopeo", "copy", "-q", "--src-tls-verify=false", f"docker://{dest}", target])
    assert (tmp_path / "copy/manifest.json").read_bytes() == there.blob(there.digest).read_bytes()
    before = len(other.requests())
    again = pusher.push(there.name, dest)
    assert (again.actions, again.result["digest"]) == ((), there.digest)
    assert [one.method for one in other.requests()[before:]] == ["HEAD"]
    assert pusher.pull(f"{other.address}/copy/app@{there.digest}").actions == ()


def test_prediction_asks_and_sends_nothing(there, other, pusher):
    """Check mode reports what a real run does."""
    dest = f"{other.address}/copy/app:2"
    told = pusher.foresee_push(there.name, dest)
    assert {one.method for one in other.requests()} == {"HEAD"}
    assert pusher.push(there.name, dest).actions == told.actions
    assert pusher.foresee_push(there.name, dest).actions == ()


def test_blobs_are_mounted_from_a_neighbour(there, pusher):
    """No blob is sent to the registry it was pulled from, since another repository there has it."""
    dest = f"{there.address}/other/app:1"
    assert pusher.push(there.name, dest).result["digest"] == inspect(dest) == there.digest
    asked = seen(there, "POST")
    assert [(one.status, f"mount={one.path.partition('mount=')[2][:6]}") for one in asked] == [
        (201, "mount=sha256")
    ] * 3
    assert seen(there, "PATCH") == []


def test_a_mount_that_is_refused_is_sent(there, pusher):
    """A registry that does not mount answers with an upload, and gets the blob."""
    with fault_proxy(there.port) as proxy:
        pusher.pull(f"{proxy.address}/team/app:1", "always")
        proxy.when(says(401, WWW_Authenticate='Basic realm="x"'), method="POST", path="mount=", times=1)
        proxy.when(without_mount, method="POST", path="mount=")
        assert pusher.push(f"{proxy.address}/team/app:1", f"{proxy.address}/other/app:1").changed
        assert len(proxy.asked("PATCH")) == 3
        assert len(proxy.asked("DELETE")) == 2
    assert inspect(f"{there.address}/other/app:1") == there.digest


def without_mount(exchange):
    """Change the request for a mount into one for an upload."""
    exchange.seen.path = exchange.seen.path.partition("?")[0]
    return exchange.forward()


def test_only_what_is_lacking_is_sent(there, other, pusher, tmp_path):
    """Of an image that shares a layer with the registry, only the rest is sent."""
    pusher.push(there.name, f"{other.address}/app:1")
    layers = [layer({"one": b"1" * 5000}), layer({"two": b"3" * 5000})]
    second = f"docker-archive:{write_archive(tmp_path / 'second.tar', 'localhost/image:2', layers)}"
    there.push(second, "team/app:2")
    pusher.pull(f"{there.address}/team/app:2")
    before = len(other.requests())
    assert pusher.push(f"{there.address}/team/app:2", f"{other.address}/app:2").changed
    assert len([one for one in other.requests()[before:] if one.method == "PATCH"]) == 2


def test_a_layer_that_is_not_kept_is_taken_from_the_registry(there, pusher):
    """Blobs that the registry has need not be stored here; the manifest is sent unchanged."""
    os.unlink(pusher.blob(there.blobs[1]))
    assert pusher.push(there.name, f"{there.address}/other/app:1").result["digest"] == there.digest
    assert inspect(f"{there.address}/other/app:1") == there.digest


def test_an_upload_that_breaks_off_is_sent_again(there, other, pusher):
    """Broken connections, temporary errors and a lost answer cost an attempt, and the image arrives whole."""
    with fault_proxy(other.port) as proxy:
        proxy.when(lambda _exchange: None, method="PATCH", times=2)
        proxy.when(says(503), method="POST", times=1)
        proxy.when(says(502), method="PUT", path="/uploads/", times=1)
        dest = f"{proxy.address}/app:1"
        assert pusher.push(there.name, dest).result["digest"] == there.digest
    assert inspect(f"{other.address}/app:1") == there.digest


def broken_upload(after):
    """Accept this many bytes of an upload's body, then cut the connection."""

    def act(exchange):
        exchange.seen.body = exchange.seen.body[:after]
        exchange.forward()

    return act


def test_an_upload_goes_on_where_it_broke_off(there, pusher):
    """An upload is resumed at the registry's offset, without a duplicate byte."""
    with registry_in_memory() as memory, fault_proxy(int(memory.address.rpartition(":")[2])) as proxy:
        proxy.when(broken_upload(20), method="PATCH", times=1)
        assert pusher.push(there.name, f"{proxy.address}/app:1").result["digest"] == there.digest
        first, second = proxy.asked("PATCH", proxy.asked("PATCH")[0].path)
        assert (len(first.body), second.headers["content-range"]) == (20, f"20-{19 + len(second.body)}")
        assert digest_of(first.body + second.body) in there.blobs
        assert inspect(f"{memory.address}/app:1") == there.digest


def test_tries_that_bring_much_are_not_counted(there, pusher, monkeypatch):
    """A connection that breaks repeatedly but makes progress each time completes a large blob."""
    monkeypatch.setattr("_engine.images.registry.upload._PROGRESS", 10)
    with registry_in_memory() as memory, fault_proxy(int(memory.address.rpartition(":")[2])) as proxy:
        proxy.when(broken_upload(20), method="PATCH", times=4)
        access = Access(verify=False, retry=1, retry_delay=0.01)
        assert pusher.push(there.name, f"{proxy.address}/app:1", access).changed
        assert inspect(f"{memory.address}/app:1") == there.digest


def test_an_upload_that_nobody_knows_begins_again(there, other, pusher):
    """A registry that has lost the offset of an upload gets the blob from its start."""
    with fault_proxy(other.port) as proxy:
        proxy.when(broken_upload(20), method="PATCH", times=2)
        assert pusher.push(there.name, f"{proxy.address}/app:1").result["digest"] == there.digest
    assert inspect(f"{other.address}/app:1") == there.digest


def test_a_registry_that_stays_broken_is_an_error(there, other, pusher):
    """After the permitted attempts the registry's error is raised; no manifest has the tag."""
    with fault_proxy(other.port) as proxy:
        proxy.when(says(507, b'{"errors":[{"code":"DENIED","message":"quota of 5 MB"}]}'), method="PATCH")
        with pytest.raises(RegistryFailed, match="quota of 5 MB"):
            pusher.push(there.name, f"{proxy.address}/app:1")
        proxy.clear()
        proxy.when(says(503), method="PATCH")
        with pytest.raises(RegistryFailed, match="503"):
            pusher.push(there.name, f"{proxy.address}/app:1", Access(verify=False, retry=1, retry_delay=0.01))
        assert proxy.asked("PUT") == []


def test_users(there, image, pusher, tmp_path):
    """Missing permission and a wrong password have different errors, without secrets."""
    with registry(tmp_path / "closed", users={"bob": "secret-of-bob"}) as closed:
        dest = f"{closed.address}/app:1"
        with pytest.raises(RegistryDenied, match="requires credentials"):
            pusher.push(there.name, dest)
        with pytest.raises(RegistryDenied, match="rejects the password of bob") as caught:
            pusher.push(there.name, dest, Access("bob", "wrong-secret", verify=False))
        assert "wrong-secret" not in f"{caught.value}{caught.value.fields}"
        assert pusher.push(there.name, dest, Access("bob", "secret-of-bob", verify=False)).changed


def test_tokens(image, pusher, tmp_path):
    """A token is for the action: pushing here and pulling from the neighbour; a read-only user gets an error."""
    users = {
        "bob": User("secret-of-bob", {"*": ("pull", "push")}),
        "eve": User("secret-of-eve", {"team/app": ("pull",)}),
    }
    with (
        token_server(tmp_path / "tokens", users) as tokens,
        registry(tmp_path / "registry", tokens=tokens) as there,
    ):
        digest = there.push(image, "team/app:1", "--dest-creds=bob:secret-of-bob")
        name, bob = f"{there.address}/team/app:1", Access("bob", "secret-of-bob", verify=False)
        eve = Access("eve", "secret-of-eve", verify=False)
        pusher.pull(name, access=eve)
        assert pusher.push(name, access=eve).actions == ()
        with pytest.raises(RegistryDenied, match="denies eve access to other/app"):
            pusher.push(name, f"{there.address}/other/app:1", eve)
        tokens.asked.clear()
        assert pusher.push(name, f"{there.address}/other/app:1", bob).result["digest"] == digest
        assert {one.scopes for one in tokens.asked} == {
            ("repository:other/app:pull,push", "repository:team/app:pull")
        }
        assert [one for one in there.requests() if one.method == "PATCH" and "other/app" in one.path] == []


def test_certificates(there, pusher, tmp_path):
    """A registry's certificate is verified."""
    authority = Authority(tmp_path / "authority")
    trust = authority.directory(tmp_path / "trust")
    with registry(tmp_path / "closed", tls=authority.server(), trust=trust) as closed:
        dest = f"{closed.address}/app:1"
        with pytest.raises(RegistryFailed, match="not trusted"):
            pusher.push(there.name, dest, Access(retry=0))
        assert pusher.push(there.name, dest, Access(cert_dir=str(trust))).changed


def test_an_upload_elsewhere_gets_no_credentials(there, pusher, tmp_path):
    """If the registry redirects uploads to another host, that gets the blob but no password."""
    with registry(tmp_path / "closed", users={"bob": "secret-of-bob"}) as closed, fault_proxy(None) as away:
        away.when(says(202, Location=f"{away.url}/there", Range="0-1"), method="PATCH")
        away.when(says(401, WWW_Authenticate=f'Bearer realm="{away.url}/token"'), method="PUT")
        with fault_proxy(closed.port) as proxy:
            proxy.when(says(202, Location=f"{away.url}/upload?x=1"), method="POST", path="/uploads/")
            bob = Access("bob", "secret-of-bob", verify=False, retry=0)
            with pytest.raises(RegistryDenied):
                pusher.push(there.name, f"{proxy.address}/app:1", bob)
            assert proxy.asked("POST")[-1].headers["authorization"].startswith("Basic ")
        assert away.asked("PATCH")
        assert [one.path for one in away.passed if "authorization" in one.headers] == []
        assert away.asked(path="/token") == []


@pytest.mark.parametrize("location", ["http://127.0.0.1:9/x", "http://[::1", "ftp://x/", "https://u:p@x/"])
def test_an_upload_that_leads_nowhere(there, other, pusher, tmp_path, location):
    """An upload address that downgrades https to http, or is invalid, is an error."""
    authority = Authority(tmp_path / "authority")
    server = authority.server()
    trust = authority.directory(tmp_path / "trust")
    with fault_proxy(other.port, served_with(server)) as proxy:
        proxy.when(header("Location", location), method="POST", path="/uploads/")
        with pytest.raises(RegistryFailed, match="redirects"):
            pusher.push(there.name, f"{proxy.address}/app:1", Access(cert_dir=str(trust), retry=0))


def test_a_manifest_is_not_carried_elsewhere(there, other, pusher):
    """A redirect gets neither credentials nor a manifest."""
    with fault_proxy(None) as away, fault_proxy(other.port) as proxy:
        proxy.when(redirect(away.url), method="PUT", path="/manifests/")
        with pytest.raises(RegistryFailed, match="redirects a request with data"):
            pusher.push(there.name, f"{proxy.address}/app:1")
        assert away.passed == []


def test_a_registry_that_keeps_something_else(there, other, pusher):
    """A registry that reports another digest than that of the pushed manifest is an error."""
    wrong = f"sha256:{'0' * 64}"
    with fault_proxy(other.port) as proxy:
        proxy.when(header("Docker-Content-Digest", wrong), method="PUT", path="/manifests/")
        with pytest.raises(RegistryFailed, match=wrong):
            pusher.push(there.name, f"{proxy.address}/app:1")


def test_names(there, pusher):
    """A name without a registry, with a digest, or an id is refused; so is an unknown image."""
    for dest in ("localhost/app:1", "app:1", f"{there.address}/app@{there.digest}", "Reg/App"):
        with pytest.raises(InvalidOption):
            pusher.push(there.name, dest)
    with pytest.raises(InvalidOption, match="dest"):
        pusher.push(pusher.pull(there.name).result["image"]["Id"])
    with pytest.raises(NotFound):
        pusher.push("nosuch:1", f"{there.address}/app:1")
    assert pusher.push(there.name).actions == ()
    assert pusher.push(there.name, f"docker://{there.address}/team/app:1").actions == ()


def test_a_damaged_blob_is_not_sent_on(there, other, pusher):
    """A blob that was altered in the store is an error, and no manifest with it is pushed."""
    path = pusher.blob(there.blobs[2])
    with open(path, "r+b") as file:
        file.write(b"x")
    with pytest.raises(DigestMismatch, match="altered in the store"):
        pusher.push(there.name, f"{other.address}/app:1")
    assert [one for one in other.requests() if one.method == "PUT" and "/manifests/" in one.path] == []


def test_an_image_that_was_loaded(empty, pusher, tmp_path):
    """Layers of an archive are reassembled and compressed, reproducibly; existing blobs are not sent again."""
    source = tmp_path / "image.tar"
    with pusher.open() as engine:
        loaded = load(engine, str(source)).result["image"]
    dest = f"{empty.address}/loaded/app:1"
    other = write_archive(tmp_path / "other.tar", "localhost/other:1", [layer({"three": b"3"})])
    empty.push(f"docker-archive:{other}", "loaded/app:1")
    told = pusher.foresee_push("localhost/image:1", dest)
    done = pusher.push("localhost/image:1", dest)
    assert done.actions == told.actions == (f"pushed image localhost/image:1 to {dest}",)
    assert done.result["digest"] == inspect(dest)
    assert pusher.push("localhost/image:1", dest).actions == ()
    found = json.loads(run(["skopeo", "inspect", "--config", "--tls-verify=false", f"docker://{dest}"]))
    assert [*loaded["RootFS"]["Layers"]] == found["rootfs"]["diff_ids"]
    before = len(empty.requests())
    again = pusher.push("localhost/image:1", f"{empty.address}/again/app:1", force=True)
    assert again.result["digest"] == done.result["digest"]
    assert [one for one in empty.requests()[before:] if one.method == "PATCH"] == []
    target = f"docker-archive:{tmp_path / 'back.tar'}:localhost/image:1"
    run(["skopeo", "copy", "-q", "--src-tls-verify=false", f"docker://{dest}", target])


def test_a_layer_that_is_kept_nowhere_is_made_anew(there, other, pusher):
    """A layer whose blob is neither here nor there is compressed again; the others are sent unchanged."""
    os.unlink(pusher.blob(there.blobs[1]))
    done = pusher.push(there.name, f"{other.address}/app:1")
    assert done.result["digest"] == inspect(f"{other.address}/app:1") != there.digest
    sent = json.loads(other.blob(done.result["digest"]).read_text())
    assert sent["layers"][1]["digest"] == there.blobs[2]
    assert pusher.push(there.name, f"{other.address}/app:1").actions == ()


def test_an_altered_layer_is_not_sent(empty, pusher, tmp_path):
    """An altered layer is an error, and no manifest with it is pushed."""
    with pusher.open() as engine:
        loaded = load(engine, str(tmp_path / "image.tar"))
        [path] = [
            os.path.join(top, "two") for top, _names, files in os.walk(engine.layout.layers) if "two" in files
        ]
    assert loaded.changed
    with open(path, "r+b") as file:
        file.write(b"x")
    with pytest.raises(DigestMismatch, match="altered in the store"):
        pusher.push("localhost/image:1", f"{empty.address}/app:1")
    assert [one for one in empty.requests() if one.method == "PUT" and "/manifests/" in one.path] == []


def test_a_layer_that_can_not_be_written_again(empty, pusher, tmp_path):
    """A layer without a recipe is an error with a remedy, before anything is sent."""
    with pusher.open() as engine:
        load(engine, str(tmp_path / "image.tar"))
        top = engine.layout.layers
        [place] = [name for name in os.listdir(top) if os.path.exists(f"{top}/{name}/diff/two")]
        os.unlink(f"{top}/{place}/recipe")
    with pytest.raises(WrongState, match="Load or pull its image again"):
        pusher.push("localhost/image:1", f"{empty.address}/app:1")
    assert {one.method for one in empty.requests()} == {"HEAD"}


@pytest.mark.parametrize("transport", ["oci-archive", "docker-archive", "oci", "dir"])
def test_to_the_host(there, pusher, tmp_path, transport):
    """A file or directory is written as by image_save, and writing it again is no change."""
    place = f"{transport}:{tmp_path / 'saved'}"
    assert pusher.push(there.name, place).changed
    assert pusher.push(there.name, place).actions == ()
    run(["skopeo", "inspect", place])
    with pytest.raises(InvalidOption):
        pusher.push(there.name, f"{transport}:saved")
