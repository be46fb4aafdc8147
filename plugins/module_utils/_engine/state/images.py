# SPDX-License-Identifier: GPL-3.0-or-later
"""Store images, their names and their layers: convert records to rows and back.

Each function takes the connection that ``Database.transaction()`` or ``Database.reading()`` yields.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from ..errors import InUse
from ..model.engine.record import ImageRecord, LayerRecord
from ..model.values.names import is_full_id
from .columns import check, decoding

_SELECT = "SELECT id, config, manifest_digest, created FROM images"
_ORDER = "ORDER BY created, id"


def insert(connection: sqlite3.Connection, record: ImageRecord) -> None:
    """Add an image with its layers and names; names of other images are moved to it.

    An existing image keeps its names and its time of creation.
    """
    connection.execute(
        "INSERT INTO images (id, config, manifest_digest, created) VALUES (?, ?, ?, ?) ON CONFLICT (id) "
        "DO UPDATE SET manifest_digest = coalesce(excluded.manifest_digest, manifest_digest)",
        (record.id, record.config, record.manifest_digest, record.created),
    )
    add_layers(connection, record.layers)
    connection.executemany(
        "INSERT OR IGNORE INTO image_layers (image_id, position, chain_id) VALUES (?, ?, ?)",
        [(record.id, position, layer.chain_id) for position, layer in enumerate(record.layers)],
    )
    connection.executemany(
        "INSERT OR REPLACE INTO image_names (name, image_id) VALUES (?, ?)",
        [(name, record.id) for name in record.names],
    )
    connection.executemany(
        "INSERT OR IGNORE INTO image_digests (image_id, name) VALUES (?, ?)",
        [(record.id, name) for name in record.digests],
    )
    connection.executemany(
        "INSERT OR IGNORE INTO image_blobs (image_id, digest) VALUES (?, ?)",
        [(record.id, digest) for digest in record.blobs],
    )


def get(connection: sqlite3.Connection, image_id: str) -> ImageRecord | None:
    """Return the image with this full ID."""
    row = connection.execute(f"{_SELECT} WHERE id = ?", (image_id,)).fetchone()
    return _record(connection, row) if row else None


def by_name(connection: sqlite3.Connection, name: str) -> ImageRecord | None:
    """Return the image with this name, or that was pulled by this digest (``REPOSITORY@DIGEST``)."""
    image_id = names(connection).get(name) or _by_digest(connection, name)
    return get(connection, image_id) if image_id else None


def _by_digest(connection: sqlite3.Connection, name: str) -> str | None:
    if "@" not in name:
        return None
    row = connection.execute("SELECT image_id FROM image_digests WHERE name = ?", (name,)).fetchone()
    return row["image_id"] if row else None


def blobs(connection: sqlite3.Connection) -> frozenset[str]:
    """Return the digests of all blobs of images in the blob store."""
    return frozenset(row["digest"] for row in connection.execute("SELECT DISTINCT digest FROM image_blobs"))


def forget_blobs(connection: sqlite3.Connection, image_id: str, digests: Iterable[str]) -> None:
    """Record that these blobs are no longer stored for this image."""
    connection.executemany(
        "DELETE FROM image_blobs WHERE image_id = ? AND digest = ?",
        [(image_id, digest) for digest in digests],
    )


def forget_blob(connection: sqlite3.Connection, digest: str) -> None:
    """Record that a blob is no longer stored."""
    connection.execute("DELETE FROM image_blobs WHERE digest = ?", (digest,))


def forget_manifest(connection: sqlite3.Connection, image_id: str) -> None:
    """Record that the manifest of an image is unknown."""
    connection.execute("UPDATE images SET manifest_digest = NULL WHERE id = ?", (image_id,))


def find(connection: sqlite3.Connection, id_prefix: str) -> tuple[ImageRecord, ...]:
    """Return all images whose IDs begin with the prefix, with or without ``sha256:``; several if it is ambiguous."""
    digits = id_prefix.removeprefix("sha256:")
    rows = connection.execute(
        f"{_SELECT} WHERE ? <> '' AND substr(replace(id, 'sha256:', ''), 1, length(?)) = ? {_ORDER}",
        (digits, digits, digits),
    ).fetchall()
    return tuple(_record(connection, row) for row in rows)


def all(connection: sqlite3.Connection) -> tuple[ImageRecord, ...]:  # noqa: A001
    """Return all images, oldest first."""
    rows = connection.execute(f"{_SELECT} {_ORDER}").fetchall()
    return tuple(_record(connection, row) for row in rows)


def names(connection: sqlite3.Connection) -> dict[str, str]:
    """Return the image IDs by name."""
    rows = connection.execute("SELECT name, image_id FROM image_names ORDER BY name")
    return {row["name"]: row["image_id"] for row in rows}


def remove_name(connection: sqlite3.Connection, name: str) -> None:
    """Remove a name from its image; do nothing if no image has it."""
    connection.execute("DELETE FROM image_names WHERE name = ?", (name,))


def delete(connection: sqlite3.Connection, image_id: str) -> None:
    """Delete the row and the names of an image, but not its layers; do nothing if there is no row."""
    connection.execute("DELETE FROM images WHERE id = ?", (image_id,))


def add_layers(connection: sqlite3.Connection, layers: Iterable[LayerRecord]) -> None:
    """Add layers; existing ones are not changed."""
    connection.executemany(
        "INSERT OR IGNORE INTO layers (chain_id, diff_id, size) VALUES (?, ?, ?)",
        [(layer.chain_id, layer.diff_id, layer.size) for layer in layers],
    )


def has_layer(connection: sqlite3.Connection, chain_id: str) -> bool:
    """Return whether a layer has a row."""
    row = connection.execute("SELECT 1 FROM layers WHERE chain_id = ?", (chain_id,)).fetchone()
    return row is not None


def layers(connection: sqlite3.Connection) -> dict[str, LayerRecord]:
    """Return all layers by chain ID."""
    rows = connection.execute("SELECT chain_id, diff_id, size FROM layers ORDER BY chain_id")
    return {row["chain_id"]: _layer(row) for row in rows}


def unreferenced_layers(connection: sqlite3.Connection) -> tuple[LayerRecord, ...]:
    """Return the layers that no image uses."""
    rows = connection.execute(
        "SELECT chain_id, diff_id, size FROM layers "
        "WHERE chain_id NOT IN (SELECT chain_id FROM image_layers) ORDER BY chain_id"
    )
    return tuple(_layer(row) for row in rows)


def delete_layer(connection: sqlite3.Connection, chain_id: str) -> None:
    """Delete the layer's row; do nothing if there is none. Raises InUse if an image uses it."""
    try:
        connection.execute("DELETE FROM layers WHERE chain_id = ?", (chain_id,))
    except sqlite3.IntegrityError:
        query = "SELECT DISTINCT image_id FROM image_layers WHERE chain_id = ?"
        users = [row["image_id"] for row in connection.execute(query, (chain_id,))]
        text = f"layer {chain_id} is used by image {', '.join(users)}"
        raise InUse(text, remedy="Remove these images first", chain_id=chain_id, users=users) from None


def _record(connection: sqlite3.Connection, row: sqlite3.Row) -> ImageRecord:
    image = (row["id"],)
    named = connection.execute("SELECT name FROM image_names WHERE image_id = ? ORDER BY name", image)
    layered = connection.execute(
        "SELECT chain_id, diff_id, size FROM image_layers JOIN layers USING (chain_id) WHERE image_id = ? "
        "ORDER BY position",
        image,
    )
    with decoding("images", row):
        check(row, texts="id manifest_digest", integers="created", optional="manifest_digest")
        if not isinstance(row["config"], bytes):
            raise TypeError("config is not a BLOB")
        if not is_full_id(row["id"].removeprefix("sha256:")):
            raise ValueError("id is not an ID")
        return ImageRecord(
            id=row["id"],
            config=row["config"],
            created=row["created"],
            manifest_digest=row["manifest_digest"],
            names=tuple(_name(name) for name in named),
            layers=tuple(_layer(layer) for layer in layered),
            digests=_texts(
                connection, "SELECT name FROM image_digests WHERE image_id = ? ORDER BY name", image
            ),
            blobs=_texts(
                connection, "SELECT digest FROM image_blobs WHERE image_id = ? ORDER BY digest", image
            ),
        )


def _texts(connection: sqlite3.Connection, query: str, image: tuple[str]) -> tuple[str, ...]:
    return tuple(str(value) for (value,) in connection.execute(query, image))


def _name(row: sqlite3.Row) -> str:
    with decoding("image_names", row):
        check(row, texts="name")
        return str(row["name"])


def _layer(row: sqlite3.Row) -> LayerRecord:
    with decoding("layers", row):
        check(row, texts="chain_id diff_id", integers="size")
        if not is_full_id(row["chain_id"]):
            raise ValueError("chain_id is not a chain ID")
        return LayerRecord(row["chain_id"], row["diff_id"], row["size"])
