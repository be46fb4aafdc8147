# SPDX-License-Identifier: GPL-3.0-or-later
"""Logs in the journal of a machine with systemd."""

from __future__ import annotations

from enginehost import eventually

SCRIPT = "echo out $$; echo err >&2; exec sleep 1000"


def test_in_the_journal(clean):
    """What a container wrote is in the journal under its tag, is read by slipway and by a task, and outlives a reboot."""
    wanted = {
        "log_driver": "journald",
        "log_opt": {"tag": "boxes"},
        "stop_timeout": 0,
        "restart_policy": "always",
    }
    task = clean.container("box", "sh", "-c", SCRIPT, **wanted)
    clean.have(task)
    assert clean.have(task).changed == []
    lines = "slipway logs box 2>&1 | sort"
    eventually(lambda: clean.run(lines).split() == ["err", "out", "1"], "two lines", timeout=60)
    assert clean.run("slipway logs box 2>/dev/null") == "out 1"
    clean.run("journalctl --sync")
    assert sorted(clean.run("journalctl --quiet --output=cat --identifier=boxes").split()) == [
        "1",
        "err",
        "out",
    ]
    clean.do("reboot")
    eventually(lambda: clean.run(lines).split().count("out") == 2, "lines of both runs", timeout=180)
    told = clean.have(
        {"name": "ask", "slipway.oci.container_info": {"name": "box", "logs": True, "log_tail": 1}}
    )
    [shape] = told.tasks[-1].result["containers"]
    assert [line["text"] for line in shape["logs"]] in (["out 1"], ["err"])
