# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidecar files of containers, volumes, networks and images, from which their rows can be rebuilt; pure.

They hold only what does not change from start to start, so that a start writes nothing. The state of a container is observed;
what cannot be observed is in its marks, a separate file (model/engine/marks.py).
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

#: Version of the format; it increases when an older engine cannot read the new format.
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
        "endpoints": [[*one[:4]] for one in record.endpoints],  # CNI plugins report the rest at each start
        "ports": [[*port] for port in record.ports],
    }


def decode_container(data: Mapping[str, Any]) -> ContainerRecord:
    """Return the record of a container that is not running. Raises ValueError, KeyError or TypeError for invalid data."""
    _check_form(data)
    if not is_full_id(data["id"]):
        raise ValueError(f"{data['id']!r} is not an ID")
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
        # Files of an engine without networks have none.
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
    """Return the record. Raises ValueError, KeyError or TypeError for invalid data."""
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
    """Return the record. Raises ValueError, KeyError or TypeError for invalid data."""
    _check_form(data)
    if not is_full_id(data["id"]):
        raise ValueError(f"{data['id']!r} is not an ID")
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
    """Return the record, with the config verified by the ID. Raises ValueError, KeyError or TypeError for invalid data."""
    _check_form(data)
    config = base64.b64decode(_text(data["config"]), validate=True)
    if hashlib.sha256(config).hexdigest() != _text(data["id"]).removeprefix("sha256:"):
        raise ValueError("the config does not match the ID")
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
        raise ValueError(f"{chain_id!r} is not a chain ID")
    return LayerRecord(_text(chain_id), _text(diff_id), _whole(size))


def _endpoint(network_id: object, interface: object, mac: object, addresses: list[object]) -> Endpoint:
    import ipaddress  # needed only if an address is named

    if not is_full_id(network_id):
        raise ValueError(f"{network_id!r} is not an ID")
    found = tuple(str(ipaddress.ip_address(_text(address))) for address in addresses)
    return Endpoint(_text(network_id), check_interface("interface", interface), parse_mac("mac", mac), found)


def _port(
    protocol: object, host_ip: object, host_port: object, container_port: object, _count: object
) -> Port:
    return Port(_text(protocol), _text(host_ip), _whole(host_port), _whole(container_port))


def _check_form(data: Mapping[str, Any]) -> None:
    if data["form"] != FORM:
        raise ValueError(f"unknown form {data['form']!r}; expected {FORM}")


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a string")
    return value


def _whole(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError(f"{value!r} is not an integer")
    return value


def _mapping(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"{value!r} is not a mapping")
    return value


def _texts(value: object) -> dict[str, str]:
    return {key: _text(one) for key, one in _mapping(value).items()}
