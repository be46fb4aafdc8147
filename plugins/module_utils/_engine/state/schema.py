# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of the database, as migrations from an empty one.

They work with SQLite 3.26, the oldest version on supported hosts: no STRICT, no RETURNING.
"""

from __future__ import annotations

#: ``user_version`` is the number of applied migrations. A released migration never changes; later ones make changes.
MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE images (
        id              TEXT PRIMARY KEY NOT NULL,
        config          BLOB NOT NULL,
        manifest_digest TEXT,
        created         INTEGER NOT NULL
    );
    CREATE TABLE image_names (
        name     TEXT PRIMARY KEY NOT NULL,
        image_id TEXT NOT NULL REFERENCES images (id) ON DELETE CASCADE
    );
    CREATE INDEX image_names_by_image ON image_names (image_id);

    CREATE TABLE layers (
        chain_id TEXT PRIMARY KEY NOT NULL,
        diff_id  TEXT NOT NULL,
        size     INTEGER NOT NULL
    );
    CREATE TABLE image_layers (
        image_id TEXT NOT NULL REFERENCES images (id) ON DELETE CASCADE,
        position INTEGER NOT NULL,
        chain_id TEXT NOT NULL REFERENCES layers (chain_id) ON DELETE RESTRICT,
        PRIMARY KEY (image_id, position)
    );
    CREATE INDEX image_layers_by_layer ON image_layers (chain_id);

    CREATE TABLE volumes (
        name          TEXT PRIMARY KEY NOT NULL,
        labels        TEXT NOT NULL,
        driver        TEXT NOT NULL,
        options       TEXT NOT NULL,
        created       INTEGER NOT NULL,
        anonymous     INTEGER NOT NULL,
        needs_copy_up INTEGER NOT NULL,
        populated     TEXT,
        removing      INTEGER NOT NULL
    );

    CREATE TABLE containers (
        id              TEXT PRIMARY KEY NOT NULL,
        name            TEXT NOT NULL UNIQUE,
        spec            TEXT NOT NULL,
        image_id        TEXT,
        status          TEXT NOT NULL,
        intent          TEXT NOT NULL,
        pid             INTEGER,
        pid_start       INTEGER,
        monitor_pid     INTEGER,
        monitor_start   INTEGER,
        created         INTEGER NOT NULL,
        started         INTEGER,
        finished        INTEGER,
        exit_code       INTEGER,
        oom_killed      INTEGER NOT NULL,
        stopped_by_user INTEGER NOT NULL,
        restart_count   INTEGER NOT NULL,
        error           TEXT NOT NULL,
        runtime         TEXT NOT NULL
    );
    CREATE TABLE container_volumes (
        container_id TEXT NOT NULL REFERENCES containers (id) ON DELETE CASCADE,
        destination  TEXT NOT NULL,
        volume       TEXT NOT NULL REFERENCES volumes (name) ON DELETE RESTRICT,
        PRIMARY KEY (container_id, destination)
    );
    CREATE INDEX container_volumes_by_volume ON container_volumes (volume);

    CREATE TABLE events (
        seq        INTEGER PRIMARY KEY AUTOINCREMENT,
        at         INTEGER NOT NULL,
        kind       TEXT NOT NULL,
        action     TEXT NOT NULL,
        id         TEXT NOT NULL,
        name       TEXT NOT NULL,
        attributes TEXT NOT NULL
    );

    CREATE TABLE meta (
        key   TEXT PRIMARY KEY NOT NULL,
        value TEXT NOT NULL
    );
    """,
    # The full life cycle: restart policies, dependencies, exec sessions.
    """
    ALTER TABLE containers ADD COLUMN restart_at INTEGER;
    ALTER TABLE containers ADD COLUMN crashes INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE containers ADD COLUMN interrupted INTEGER NOT NULL DEFAULT 0;

    CREATE TABLE container_dependencies (
        container_id TEXT NOT NULL REFERENCES containers (id) ON DELETE CASCADE,
        via          TEXT NOT NULL,
        needs        TEXT NOT NULL REFERENCES containers (id) ON DELETE RESTRICT,
        PRIMARY KEY (container_id, via, needs)
    );
    CREATE INDEX container_dependencies_by_needs ON container_dependencies (needs);

    CREATE TABLE exec_sessions (
        id            TEXT PRIMARY KEY NOT NULL,
        container_id  TEXT NOT NULL REFERENCES containers (id) ON DELETE CASCADE,
        request       TEXT NOT NULL,
        pid           INTEGER,
        pid_start     INTEGER,
        monitor_pid   INTEGER,
        monitor_start INTEGER,
        created       INTEGER NOT NULL,
        finished      INTEGER,
        exit_code     INTEGER
    );
    CREATE INDEX exec_sessions_by_container ON exec_sessions (container_id);

    CREATE INDEX events_by_name ON events (name);
    """,
    # The cgroup of a container, because there are two managers.
    """
    ALTER TABLE containers ADD COLUMN cgroup TEXT NOT NULL DEFAULT '';
    """,
    # The mapping of a container's user namespace, as JSON.
    """
    ALTER TABLE containers ADD COLUMN mapping TEXT;
    """,
    # The times of a container's checkpoint and restore.
    """
    ALTER TABLE containers ADD COLUMN checkpointed INTEGER;
    ALTER TABLE containers ADD COLUMN restored INTEGER;
    """,
    # The implied mounts of a container, as JSON by destination.
    """
    ALTER TABLE containers ADD COLUMN implied TEXT NOT NULL DEFAULT '{}';
    """,
    # The images that a container mounts, and the owners given to its mounts (option U): JSON by destination.
    """
    ALTER TABLE containers ADD COLUMN images TEXT NOT NULL DEFAULT '{}';
    ALTER TABLE containers ADD COLUMN given TEXT NOT NULL DEFAULT '{}';
    """,
    # Whether the user wants a volume's own file system mounted on the host.
    """
    ALTER TABLE volumes ADD COLUMN mounted INTEGER NOT NULL DEFAULT 0;
    """,
    # The storage driver of a container's root file system.
    """
    ALTER TABLE containers ADD COLUMN driver TEXT NOT NULL DEFAULT 'overlay';
    """,
    # Whether a volume's root still has to get its owner: to copy into it may be left to a later attach than the first.
    """
    ALTER TABLE volumes ADD COLUMN needs_chown INTEGER NOT NULL DEFAULT 0;
    UPDATE volumes SET needs_chown = needs_copy_up;
    """,
    # Whether a task stopped a container in order to start it again, and no start has succeeded since.
    """
    ALTER TABLE containers ADD COLUMN start_pending INTEGER NOT NULL DEFAULT 0;
    """,
    # Networks, attachments, addresses, and published ports.
    """
    CREATE TABLE networks (
        id        TEXT PRIMARY KEY NOT NULL,
        name      TEXT NOT NULL UNIQUE,
        spec      TEXT NOT NULL,
        interface TEXT NOT NULL,
        subnets   TEXT NOT NULL,
        created   INTEGER NOT NULL,
        removing  INTEGER NOT NULL
    );
    CREATE UNIQUE INDEX networks_by_interface ON networks (interface) WHERE interface <> '';

    CREATE TABLE attachments (
        container_id TEXT NOT NULL REFERENCES containers (id) ON DELETE CASCADE,
        position     INTEGER NOT NULL,
        network_id   TEXT NOT NULL REFERENCES networks (id) ON DELETE RESTRICT,
        interface    TEXT NOT NULL,
        mac          TEXT NOT NULL,
        PRIMARY KEY (container_id, position),
        UNIQUE (container_id, network_id),
        UNIQUE (network_id, mac)
    );
    CREATE TABLE leases (
        network_id   TEXT NOT NULL,
        address      TEXT NOT NULL,
        container_id TEXT NOT NULL,
        PRIMARY KEY (network_id, address),
        FOREIGN KEY (container_id, network_id) REFERENCES attachments (container_id, network_id) ON DELETE CASCADE
    );

    CREATE TABLE ports (
        protocol       TEXT NOT NULL,
        host_ip        TEXT NOT NULL,
        host_port      INTEGER NOT NULL,
        container_id   TEXT NOT NULL REFERENCES containers (id) ON DELETE CASCADE,
        container_port INTEGER NOT NULL,
        PRIMARY KEY (protocol, host_ip, host_port)
    );
    CREATE INDEX ports_by_container ON ports (container_id);
    """,
    # What CNI plugins reported about a container's addresses.
    """
    ALTER TABLE attachments ADD COLUMN told TEXT NOT NULL DEFAULT '{}';
    """,
    # The digests by which images were pulled (REPOSITORY@DIGEST), and their blobs in the blob store.
    """
    CREATE TABLE image_digests (
        image_id TEXT NOT NULL REFERENCES images (id) ON DELETE CASCADE,
        name     TEXT NOT NULL,
        PRIMARY KEY (image_id, name)
    );
    CREATE INDEX image_digests_by_name ON image_digests (name);
    CREATE TABLE image_blobs (
        image_id TEXT NOT NULL REFERENCES images (id) ON DELETE CASCADE,
        digest   TEXT NOT NULL,
        PRIMARY KEY (image_id, digest)
    );
    CREATE INDEX image_blobs_by_digest ON image_blobs (digest);
    """,
)
