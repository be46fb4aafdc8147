# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/seed.md names existing files and tests, and all functions of the seed."""

from __future__ import annotations

import re

#: The functions of seed/container_internal.go.
FUNCTIONS = """
    rootFsSize rwSize bundlePath ControlSocketPath CheckpointPath AttachSocketPath exitFilePath waitForExitFileAndSync
    handleExitFile handleRestartPolicy ensureState syncContainer setupStorageMapping setupStorage teardownStorage
    refresh resetState removeIPv4Allocations removeConmonFiles export getArtifactPath isStopped save prepareToStart
    checkDependenciesAndHandleError startDependencies getAllDependencies checkDependenciesRunning completeNetworkSetup init
    cleanupRuntime reinit initAndStart start stop pause unpause restartWithTimeout mountStorage mountNamedVolume
    cleanupStorage cleanup delete postDeleteHooks writeStringToRundir appendStringToRundir saveSpec setupOCIHooks mount
    unmount copyWithTarFromImage checkReadyForRemoval writeJSONFile prepareCheckpointExport sortUserVolumes checkExitFile
    hasNamespace
""".split()


def test_the_map_is_true(tree):
    """Every function has a row, and every file and test that a row names exists."""
    text = (tree / "docs/seed.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("| seed")]
    named = {word for row in rows for word in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert sorted(set(FUNCTIONS) - named) == []
    engine = tree / "plugins/module_utils/_engine"
    files = {word for row in rows for word in re.findall(r"`([\w/]+\.py)`", row.split("|")[2])}
    assert [file for file in sorted(files) if not (engine / file).is_file()] == []
    tests = {found for row in rows for found in re.findall(r"`([\w/]+\.py)::(\w+)`", row.split("|")[3])}
    missing = [
        (file, name)
        for file, name in sorted(tests)
        if f"def {name}(" not in (tree / "tests/engine" / file).read_text()
    ]
    assert missing == []
    assert len(tests) > 30
