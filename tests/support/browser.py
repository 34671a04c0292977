"""A real Chromium for tests, spoken to over its own pipe (the DevTools protocol): no library, no
port, no profile left behind. A browser driver of 50 MB would do the same few calls.
"""

import json
import os
import select
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--hide-scrollbars",
)


class Tab:
    """One page. `heard` keeps every event the browser told of, in order."""

    def __init__(self, send: int, receive: int) -> None:
        self.send, self.receive = send, receive
        self.heard: list[dict[str, Any]] = []
        self.rest = b""
        self.session: str | None = None
        self.number = 0

    def call(self, method: str, **parameters: object) -> dict[str, Any]:
        """Send a command and give its result; an error of the browser's fails the test."""
        self.number += 1
        message: dict[str, object] = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.send, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self.number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                result: dict[str, Any] = answer["result"]
                return result
            self.heard.append(answer)

    def run(self, script: str) -> Any:
        """Give the value of an expression in the page, awaited if it is a promise."""
        found = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def open(self, page: Path, *, width: int = 1400, height: int = 1000) -> None:
        """Open a file of this machine's, and wait until it has drawn itself."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        self.call("Page.navigate", url=page.as_uri())
        self.until("document.documentElement?.dataset.ready === 'yes'")
        self.frame()

    def frame(self) -> None:
        """Wait until the page has drawn twice."""
        self.run("new Promise(go => requestAnimationFrame(() => requestAnimationFrame(go)))")

    def until(self, condition: str) -> None:
        """Wait until an expression holds, a good while at most."""
        end = time.monotonic() + 120
        while not self.run(condition):
            assert time.monotonic() < end, f"never came true: {condition}"

    def mouse(self, kind: str, x: float, y: float, **more: object) -> None:
        """Move, press, release or wheel at a place of the window, and let the page draw."""
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)
        self.frame()

    def media(self, kind: str = "", **features: str) -> None:
        """Emulate a medium (`print`) and features such as `prefers_color_scheme`."""
        told = [{"name": k.replace("_", "-"), "value": v} for k, v in features.items()]
        self.call("Emulation.setEmulatedMedia", media=kind, features=told)

    def events(self, method: str) -> list[Mapping[str, Any]]:
        """Give what the browser told of one kind so far."""
        return [told["params"] for told in self.heard if told.get("method") == method]

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self.rest:
            ready, _, _ = select.select([self.receive], [], [], 120)
            assert ready, "Chromium said nothing for two minutes"
            piece = os.read(self.receive, 1 << 20)
            assert piece, "Chromium has gone"
            self.rest += piece
        line, self.rest = self.rest.split(b"\0", 1)
        found: dict[str, Any] = json.loads(line)
        return found


@contextmanager
def browser(folder: Path) -> Iterator[Tab]:
    """Run Chromium with a profile in `folder` and give an empty page."""
    to_read, send = os.pipe()
    receive, to_write = os.pipe()
    # Chromium reads its pipe as 3 and writes 4: the shell moves ours there.
    script = f'exec "$0" "$@" 3<&{to_read} 4>&{to_write}'
    process = subprocess.Popen(
        [
            *("bash", "-c", script, "chromium", *FLAGS, "--remote-debugging-pipe"),
            f"--user-data-dir={folder / 'profile'}",
        ],
        pass_fds=(to_read, to_write),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(to_read)
    os.close(to_write)
    try:
        tab = Tab(send, receive)
        target = tab.call("Target.createTarget", url="about:blank")["targetId"]
        attached = tab.call("Target.attachToTarget", targetId=target, flatten=True)
        tab.session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            tab.call(f"{domain}.enable")
        yield tab
    finally:
        process.kill()
        process.wait()
        os.close(send)
        os.close(receive)
