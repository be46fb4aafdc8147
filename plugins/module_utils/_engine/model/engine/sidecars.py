# SPDX-License-Identifier: GPL-3.0-or-later
"""What lies beside containers, volumes, networks and images: enough of their rows to make these again without the database; pure.

Only what stays as it is from one start to the next, so that a start writes nothing. How a container is, the kernel tells;
what was wished of it and can't be seen are marks in a file of their own (model/engine/marks.py).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

from ..container.networks import parse_mac
from ..container.spec import ContainerSpec
from ..mounts.mount import Mount
from ..network.interfaces import check_interface
from ..network.spec import NetworkRecord, NetworkSpec, decode_subnets, encode_subnets
from ..network.wiring import Endpoint, Port
from ..values.idmap import IdMap
from ..values.names import check_name, is_full_id
from ..volume.options import DriverOptions
from ..volume.spec import Populated, VolumeRecord, VolumeSpec
from .record import ContainerRecord, ImageRecord, LayerRecord

#: Of the form; a later one that an older engine can't read counts up.
FORM = 1


def encode_container(record: ContainerRecord) -> dict[str, Any]:
    """Return the JSON form."""
    return {
        "form": FORM,
        "id": record.id,
        "spec": record.spec.encode(),
        "created": record.created,
        "image_id": record.image_id,
        "volumes": record.volumes,
        "implied": {path: mount.encode() for path, mount in record.implied.items()},
        "images": record.images,
        "mapping": record.mapping.encode() if record.mapping else None,
        "driver": record.driver,
        "endpoints": [[*one[:4]] for one in record.endpoints],  # plugins tell the rest anew at each start
        "ports": [[*port] for port in record.ports],
    }


def decode_container(data: Mapping[str, Any]) -> ContainerRecord:
    """Return the record of a container that does not run; raises ValueError, KeyError, TypeError for what can't be read."""
    _check_form(data)
    if not is_full_id(data["id"]):
        raise ValueError(f"{data['id']!r} is no id")
    spec = ContainerSpec.decode(_mapping(data["spec"]))
    check_name("name", spec.name)
    return ContainerRecord(
        id=data["id"],
        spec=spec,
        created=_whole(data["created"]),
        image_id=None if data["image_id"] is None else _text(data["image_id"]),
        volumes=_texts(data["volumes"]),
        implied={path: Mount.decode(path, item) for path, item in _mapping(data["implied"]).items()},
        images=_texts(data["images"]),
        mapping=IdMap.decode(data["mapping"]) if data["mapping"] else None,
        driver=_text(data["driver"]),
        # Of an engine before networks there are none.
        endpoints=tuple(_endpoint(*one) for one in data.get("endpoints", ())),
        ports=tuple(_port(*one) for one in data.get("ports", ())),
    )


def encode_volume(record: VolumeRecord) -> dict[str, Any]:
    """Return the JSON form."""
    return {
        "form": FORM,
        **record.spec.encode(),
        "created": record.created,
        "anonymous": record.anonymous,
        "needs_copy_up": record.needs_copy_up,
        "needs_chown": record.needs_chown,
        "populated": record.populated._asdict() if record.populated else None,
        "mounted": record.mounted,
    }


def decode_volume(data: Mapping[str, Any]) -> VolumeRecord:
    """Return the record; raises ValueError, KeyError, TypeError for what can't be read."""
    _check_form(data)
    spec = VolumeSpec(
        _text(data["name"]), _texts(data["labels"]), _text(data["driver"]), _texts(data["options"])
    )
    check_name("name", spec.name)
    DriverOptions.decode(spec.options)
    return VolumeRecord(
        spec,
        _whole(data["created"]),
        anonymous=bool(data["anonymous"]),
        needs_copy_up=bool(data["needs_copy_up"]),
        needs_chown=bool(data["needs_chown"]),
        populated=Populated.decode(data["populated"]) if data["populated"] else None,
        mounted=bool(data["mounted"]),
    )


def encode_network(record: NetworkRecord) -> dict[str, Any]:
    """Return the JSON form."""
    return {
        "form": FORM,
        "id": record.id,
        "spec": record.spec.encode(),
        "interface": record.interface,
        "subnets": encode_subnets(record.subnets),
        "created": record.created,
    }


def decode_network(data: Mapping[str, Any]) -> NetworkRecord:
    """Return the record; raises ValueError, KeyError, TypeError for what can't be read."""
    _check_form(data)
    if not is_full_id(data["id"]):
        raise ValueError(f"{data['id']!r} is no id")
    spec = NetworkSpec.decode(_mapping(data["spec"]))
    check_name("name", spec.name)
    interface = data["interface"] and check_interface("interface", data["interface"])
    return NetworkRecord(
        data["id"], spec, _text(interface), decode_subnets(data["subnets"]), _whole(data["created"])
    )


def encode_image(record: ImageRecord) -> dict[str, Any]:
    """Return the JSON form."""
    return {
        "form": FORM,
        "id": record.id,
        "config": base64.b64encode(record.config).decode("ascii"),
        "created": record.created,
        "manifest_digest": record.manifest_digest,
        "names": [*record.names],
        "layers": [[*layer] for layer in record.layers],
        "digests": [*record.digests],
        "blobs": [*record.blobs],
    }


def decode_image(data: Mapping[str, Any]) -> ImageRecord:
    """Return the record; raises ValueError, KeyError, TypeError for what can't be read. The id vouches for the config."""
    _check_form(data)
    config = base64.b64decode(_text(data["config"]), validate=True)
    if hashlib.sha256(config).hexdigest() != _text(data["id"]).removeprefix("sha256:"):
        raise ValueError("the config is not that of the id")
    digest = data["manifest_digest"]
    return ImageRecord(
        data["id"],
        config,
        _whole(data["created"]),
        None if digest is None else _text(digest),
        tuple(_text(name) for name in data["names"]),
        tuple(_layer(*layer) for layer in data["layers"]),
        *(tuple(_text(one) for one in data.get(key, ())) for key in ("digests", "blobs")),
    )


def _layer(chain_id: object, diff_id: object, size: object) -> LayerRecord:
    if not is_full_id(chain_id):
        raise ValueError(f"{chain_id!r} is no chain id")
    return LayerRecord(_text(chain_id), _text(diff_id), _whole(size))


def _endpoint(network_id: object, interface: object, mac: object, addresses: list[object]) -> Endpoint:
    import ipaddress  # only what names an address needs it

    if not is_full_id(network_id):
        raise ValueError(f"{network_id!r} is no id")
    found = tuple(str(ipaddress.ip_address(_text(address))) for address in addresses)
    return Endpoint(_text(network_id), check_interface("interface", interface), parse_mac("mac", mac), found)


def _port(
    protocol: object, host_ip: object, host_port: object, container_port: object, _count: object
) -> Port:
    return Port(_text(protocol), _text(host_ip), _whole(host_port), _whole(container_port))


def _check_form(data: Mapping[str, Any]) -> None:
    if data["form"] != FORM:
        raise ValueError(f"it is of the form {data['form']!r}, and {FORM} is known")


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _whole(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError(f"{value!r} is no number")
    return value


def _mapping(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"{value!r} is no mapping")
    return value


def _texts(value: object) -> dict[str, str]:
    return {key: _text(one) for key, one in _mapping(value).items()}
