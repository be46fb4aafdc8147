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

#: More retries than this are a mistake.
_MOST_TRIES = 100


class PullOptions:
    """Registry access: options of ``container``, ``image``, ``image_push`` and ``login``."""

    auth_file = of_type("path", aliases=["authfile"])
    """Path on the host of the file with registry credentials, as written by C(podman login) and
    M(slipway.oci.login).

    If unset, the same files as podman are used: C($REGISTRY_AUTH_FILE), or else
    C(/run/containers/UID/auth.json), C(~/.config/containers/auth.json) and C(~/.docker/config.json), and the
    credential helpers that they name.
    """

    tls_verify = of_type("bool", aliases=["tlsverify", "validate_certs"])
    """Verify the certificates of registries. With V(false), plain HTTP is allowed as well.

    If unset, certificates are verified unless O(registries_conf) marks the registry as insecure.
    """

    ca_cert_dir = of_type("path", aliases=["cert_dir", "certdir"])
    """Directory on the host with CA certificates (C(*.crt)) and client certificates (C(*.cert) with
    C(*.key)).

    The default is C(/etc/containers/certs.d/REGISTRY) and C(/etc/docker/certs.d/REGISTRY).
    """

    registries_conf = of_type("path")
    """Path on the host of the registries' configuration: mirrors, remapped locations, insecure and blocked
    registries, and the registries to search for names without one. The file is JSON with the keys of
    containers-registries.conf(5).

    The default is C(/etc/slipway/registries.json), which need not exist.
    """

    retry = of_type("int")
    """Number of retries after a failure of the network or the registry.

    The default is V(3).
    """

    retry_delay = of_type("str")
    """Delay between retries, for example V(5s).

    If unset, the delay doubles each time: one second, two, four. If the registry requests a delay
    (C(Retry-After)), that is used, up to two minutes.
    """


class SendOptions:
    """Which machine contacts the registry."""

    pull_on = of_type("str", default=AUTO, choices=[AUTO, HOST, CONTROLLER])
    """Machine that contacts the registry. With V(host), the host pulls the image itself. With V(controller),
    the controller pulls it into its cache, once for all hosts of the task, and sends each host the layers
    that it lacks, still compressed, over the host's connection. The host then needs neither the Python
    package C(requests) nor access to the registry.

    With V(auto), the host pulls the image, or the controller if the host cannot, because it does not reach
    the registry or lacks C(requests).

    Credentials, certificates and O(registries_conf) are read on the machine that contacts the registry.

    The cache is C($SLIPWAY_CACHE), by default C($XDG_CACHE_HOME/slipway) or C(~/.cache/slipway). Its size is
    limited to C($SLIPWAY_CACHE_SIZE) bytes, by default 20 GB. The least recently used images are removed
    first.
    """

    parcel = of_type("dict")
    """Set by the action plugin, which transfers images from the controller. Not for use in playbooks."""


class PlatformOptions:
    """Platform of the image to pull."""

    arch = of_type("str", aliases=["architecture"])
    """Architecture of the image to pull, as Go names it, for example V(amd64) or V(arm64).

    The default is the host's architecture.
    """

    os = of_type("str")
    """Operating system of the image to pull.

    The default is V(linux).
    """

    variant = of_type("str")
    """Architecture variant of the image to pull."""

    platform = of_type("str")
    """O(os), O(arch) and O(variant) in one, for example V(linux/arm64/v8)."""


PULL_OPTIONS: ArgumentSpec = {
    **declared(PullOptions),
    **declared(PlatformOptions),
    **declared(SendOptions),
}


def to_access(params: Mapping[str, Any]) -> Access:
    """Return the task's options for access to registries. Raises InvalidOption."""
    username, password = params.get("username") or "", params.get("password") or ""
    if bool(username) != bool(password):
        raise InvalidOption(
            "username" if password else "password", None, "must be set if the other of the two is set"
        )
    if username and params["auth_file"]:
        raise InvalidOption(
            "auth_file",
            params["auth_file"],
            "is mutually exclusive with username and password",
            remedy="Set only one of them",
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
    """Return the task's request to pull an image. Raises InvalidOption."""
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
