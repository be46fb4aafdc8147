# SPDX-License-Identifier: GPL-3.0-or-later
"""Disk use of containers."""

from __future__ import annotations

from _engine.lifecycle.info import info

MEGABYTE = 1024 * 1024


def test_what_a_container_writes_is_told_apart_from_its_image(host):
    """SizeRw is what the container writes, hard links once; SizeRootFs is the layers' size."""
    host.start("sh", "-c", "head -c 1048576 /dev/zero > /big && ln /big /again && echo done && sleep 100")
    host.said("done")
    with host.open(read_only=True) as engine:
        [shape] = info.containers(engine, ["box"], size=True).result["containers"]
        [image] = info.images(engine, [host.image]).result["images"]
    assert shape["SizeRw"] == MEGABYTE
    assert shape["SizeRootFs"] == image["Size"] > MEGABYTE


def test_nothing_is_measured_unasked(host):
    """Sizes are only measured on request, because that takes time."""
    host.start("sleep", "100")
    assert "SizeRw" not in host.inspect()
