# SPDX-License-Identifier: GPL-3.0-or-later
"""Drive a headless Chromium by the DevTools protocol, over the two pipes of --remote-debugging-pipe; standard library only."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

#: Names of the program, the first one Debian's.
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
_TIMEOUT = 60


def program() -> str | None:
    """Return the path of Chromium, None where there is none."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


class Tab:
    """A page of the browser."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands, self._answers = commands, answers
        self._number, self._read = 0, b""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.call("Page.enable")

    _session = ""

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Return the result of a method of the protocol; raises RuntimeError when the browser refuses it."""
        self._number += 1
        command = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            command["sessionId"] = self._session
        os.write(self._commands, json.dumps(command).encode() + b"\0")
        answer = self._until(lambda message: message.get("id") == self._number)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def _until(self, fits: Any) -> dict[str, Any]:
        while True:
            head, end, rest = self._read.partition(b"\0")
            if end:
                self._read = rest
                if fits(message := json.loads(head)):
                    return message
            elif part := os.read(self._answers, 1 << 20):
                self._read += part
            else:
                raise RuntimeError("the browser has ended")

    def resize(self, width: int, height: int = 900) -> None:
        """Set the size of the window in pixels."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,  # which would fit the window to what is too wide
        )

    def prefer(self, scheme: str) -> None:
        """Set the colour scheme that the user prefers, ``light`` or ``dark``."""
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def open(self, url: str) -> None:
        """Load a page and wait until it is complete."""
        self.call("Page.navigate", url=url)
        self._until(lambda message: message.get("method") == "Page.loadEventFired")

    def run(self, script: str) -> Any:
        """Return the value of an expression, of a promise when it is there."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"])
        return answer["result"].get("value")

    def press_tab(self) -> None:
        """Press the tabulator key."""
        for kind in ("rawKeyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)

    def picture(self, path: Path) -> None:
        """Write a screenshot of the window."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))


@contextmanager
def tab() -> Iterator[Tab]:
    """Start a browser and return a tab of it; the browser and its profile are gone afterwards."""
    theirs_in, ours_out = os.pipe()
    ours_in, theirs_out = os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        # The shell puts the pipes at descriptors 3 and 4, where the browser expects them; they must not be there yet.
        above = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10) for fd in (theirs_in, theirs_out)]
        os.close(theirs_in)
        os.close(theirs_out)
        argv = [
            program() or PROGRAMS[0],
            "--headless",
            "--no-sandbox",  # which root cannot have; it opens our own files only
            "--disable-gpu",
            "--no-first-run",
            "--allow-file-access-from-files",
            f"--user-data-dir={profile}",
            "--remote-debugging-pipe",
        ]
        shell = ["bash", "-c", f'exec "$@" 3<&{above[0]} 4>&{above[1]}', "bash", *argv]
        with subprocess.Popen(
            shell,
            pass_fds=above,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            for fd in above:
                os.close(fd)
            try:
                yield Tab(ours_out, ours_in)
            finally:
                os.close(ours_out)
                os.close(ours_in)
                try:
                    process.wait(timeout=_TIMEOUT)  # it ends with its pipe
                except subprocess.TimeoutExpired:
                    process.kill()
