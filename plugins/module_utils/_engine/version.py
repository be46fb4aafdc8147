# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's version; a unit test checks that it equals galaxy.yml's."""

VERSION = "0.1.0"
