# SPDX-License-Identifier: GPL-3.0-or-later
"""Traffic counters of /proc/PID/net/dev."""

from __future__ import annotations

from _engine.kernel.net import counters

TEXT = """\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:     900       9    0    0    0     0          0         0      900       9    0    0    0     0       0          0
  eth0:    1000       7    0    0    0     0          0         0      200       3    0    0    0     0       0          0
eth1:12345678901       7    0    0    0     0          0         0      50       3    0    0    0     0       0          0
"""


def test_all_interfaces_but_lo_count():
    """Received and sent bytes are summed, with or without a space after the colon."""
    assert counters.parse(TEXT) == (12345679901, 250)


def test_a_process_that_is_gone_has_none():
    """PID 0 does not exist, so there are no counters."""
    assert counters.received_and_sent(0) is None
