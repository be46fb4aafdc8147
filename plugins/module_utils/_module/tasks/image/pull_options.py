# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the modules that pull images, documented below each; ``make generated`` writes DOCUMENTATION from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...._engine.errors import InvalidOption
from ...._engine.model.container.kinds import of_type
from ...._engine.model.image.pull import AUTO, CONTROLLER, HOST, Access, Pull, platform_parts
from ...._engine.model.values.durations import SECOND, duration
from ...options import ArgumentSpec, declared

#: More tries than this help nobody.
_MOST_TRIES = 100


class PullOptions:
    """How images are pulled, and from where: options of ``container``, ``image`` and ``image_push``."""

    auth_file = of_type("path", aliases=["authfile"])
    """File on the host with the credentials of registries, as C(podman login) and M(slipway.oci.login) write
    it.

    Unset, the files that podman looks into: C($REGISTRY_AUTH_FILE), else
    C(/run/containers/UID/auth.json), C(~/.config/containers/auth.json) and C(~/.docker/config.json), and
    the credential helpers that they name.
    """

    tls_verify = of_type("bool", aliases=["tlsverify", "validate_certs"])
    """Whether certificates of registries are verified. With V(false) a registry that speaks plain http is
    taken too.

    Unset, they are, unless the file of registries calls one insecure.
    """

    ca_cert_dir = of_type("path", aliases=["cert_dir", "certdir"])
    """Directory on the host with certificates of authorities (C(*.crt)) and of the client (C(*.cert) with
    C(*.key)).

    Unset, C(/etc/containers/certs.d/REGISTRY) and C(/etc/docker/certs.d/REGISTRY).
    """

    registries_conf = of_type("path")
    """File on the host that says where registries are: mirrors, other places, which are insecure or blocked,
    and where names without a registry are looked for. It has the keys of containers-registries.conf(5),
    written as JSON.

    Unset, C(/etc/slipway/registries.json), which need not be there.
    """

    retry = of_type("int")
    """How often what failed by the network or the registry is tried again.

    Unset is V(3).
    """

    retry_delay = of_type("str")
    """Time between two tries, as in V(5s).

    Unset, it is longer each time: a second, two, four. Where the registry says when to come again, that is
    kept, two minutes at most.
    """


class SendOptions:
    """Who asks the registry."""

    pull_on = of_type("str", default=AUTO, choices=[AUTO, HOST, CONTROLLER])
    """Who asks the registry. V(host): the host itself. V(controller): the controller, once for all hosts of a task,
    into a cache of its own; each host is sent the layers that it lacks, compressed as they came, over its own
    connection. It needs neither Python's C(requests) nor a way to the registry then.

    V(auto): the host, and the controller where the host can't: nothing answers there, or it has no C(requests).

    Credentials, certificates and O(registries_conf) are those of the machine that asks.

    The cache is C($XDG_CACHE_HOME/slipway), C(~/.cache/slipway) unless that is set, or C($SLIPWAY_CACHE). It
    holds 20 GB at most, or as many bytes as C($SLIPWAY_CACHE_SIZE) says; what was used longest ago goes
    first.
    """

    parcel = of_type("dict")
    """Set by the action plugin, which brings images from the controller. Not for playbooks."""


class PlatformOptions:
    """For which platform an image is pulled."""

    arch = of_type("str", aliases=["architecture"])
    """Architecture of the image to pull, by Go's name for it (V(amd64), V(arm64)).

    Unset is the host's.
    """

    os = of_type("str")
    """Operating system of the image to pull.

    Unset is V(linux).
    """

    variant = of_type("str")
    """Variant of the architecture of the image to pull."""

    platform = of_type("str")
    """The three in one word, as in V(linux/arm64/v8)."""


PULL_OPTIONS: ArgumentSpec = {
    **declared(PullOptions),
    **declared(PlatformOptions),
    **declared(SendOptions),
}


def to_access(params: Mapping[str, Any]) -> Access:
    """Return how the task reaches registries. Raises InvalidOption."""
    username, password = params.get("username") or "", params.get("password") or ""
    if bool(username) != bool(password):
        raise InvalidOption(
            "username" if password else "password", None, "is missing beside the other of the two"
        )
    if username and params["auth_file"]:
        raise InvalidOption(
            "auth_file", params["auth_file"], "stands beside username and password", remedy="Write either"
        )
    retry, delay = params["retry"], params["retry_delay"]
    if retry is not None and not 0 <= retry <= _MOST_TRIES:
        raise InvalidOption("retry", retry, f"is not between 0 and {_MOST_TRIES}")
    return Access(
        username=username,
        password=password,
        auth_file=params["auth_file"],
        cert_dir=params["ca_cert_dir"],
        verify=params["tls_verify"],
        registries_conf=params["registries_conf"],
        retry=3 if retry is None else retry,
        retry_delay=None if delay is None else duration("retry_delay", delay) / SECOND,
    )


def to_pull(params: Mapping[str, Any], name: str, policy: str) -> Pull:
    """Return what the task asks for of an image. Raises InvalidOption."""
    system, architecture, variant = platform_parts(
        params["platform"], params["os"], params["arch"], params["variant"]
    )
    parcel = params["parcel"] or {}
    return Pull(
        name,
        policy,
        system,
        architecture,
        variant,
        to_access(params),
        params["pull_on"],
        parcel.get("offer"),
        parcel.get("place"),
    )
