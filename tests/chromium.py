"""A headless Chromium, driven over pipes by the DevTools protocol; what it would send anywhere comes to a socket of the test's."""

import fcntl
import json
import os
import platform
import re
import select
import shutil
import socket
import subprocess
from pathlib import Path

from tests.served import PATIENCE_SECONDS, ROOT

OURS = ROOT / ".tools/browser"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-extensions",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-default-apps",
    "--remote-debugging-pipe",
)  # fmt: skip

# A whole browser, unlike the one that make setup unpacks, asks its maker for the time and for news of itself.
ERRANDS = re.compile(r" (?:https?://)?[\w.-]*\b(?:google|googleapis|gvt1)\.com[:/]")


def chromium_here():
    """The program and the variables it needs: the one that make setup unpacked, else one on PATH; ``None`` where there is none."""
    if (platform.system(), platform.machine()) == ("Linux", "x86_64") and (OURS / "chromium").exists():
        return OURS / "chromium", {"LD_LIBRARY_PATH": str(OURS / "libraries")}
    found = next(filter(None, map(shutil.which, NAMES)), None)
    return None if found is None else (Path(found), {})


class Chromium:
    """One browser with one page, from the beginning of a ``with`` block to its end; ``folder`` is its home."""

    def __init__(self, folder):
        self.folder = folder
        self.events = []
        self._last = 0
        self._rest = b""

    def __enter__(self):
        program, variables = chromium_here()
        self._outside = socket.create_server(("127.0.0.1", 0))
        proxy = f"--proxy-server=http://127.0.0.1:{self._outside.getsockname()[1]}"
        fonts = self.folder / "fonts.conf"
        fonts.write_text(
            f"<fontconfig><dir>{OURS / 'fonts'}</dir><dir>/usr/share/fonts</dir><cachedir>{self.folder}</cachedir></fontconfig>"
        )
        theirs_in, self._to = (_high(each) for each in os.pipe())
        self._from, theirs_out = (_high(each) for each in os.pipe())
        command = [
            program,
            *OPTIONS,
            proxy,
            "--proxy-bypass-list=<-loopback>",
            f"--user-data-dir={self.folder / 'profile'}",
            "about:blank",
        ]
        self._process = subprocess.Popen(
            ["bash", "-c", f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}', "bash", *command],
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder), "FONTCONFIG_FILE": str(fonts), **variables},
            pass_fds=(theirs_in, theirs_out),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self.session = None
        page = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "DOM"):
            self.call(f"{domain}.enable")
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        os.close(self._to)
        os.close(self._from)
        self._outside.close()

    def call(self, method, **parameters):
        """The result of a command; an error of it is an ``AssertionError``."""
        self._last += 1
        message = {"id": self._last, "method": method, "params": parameters}
        if self.session is not None:
            message["sessionId"] = self.session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._last:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def open(self, file):
        """Load a file, and return when its scripts have run."""
        self.events.clear()
        self.call("Page.navigate", url=Path(file).as_uri())
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self._read())

    def run(self, script):
        """The value of a script in the page; a promise is waited for."""
        answer = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def choose(self, selector, *files):
        """Give files to a file input, as a person does: by a click first, then in a dialog."""
        self.run(f"document.querySelector('{selector}').dispatchEvent(new MouseEvent('click'))")
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", nodeId=node, files=[str(each) for each in files])

    def requested(self):
        """The addresses that the page asked for since it was opened."""
        sent = [event for event in self.events if event.get("method") == "Network.requestWillBeSent"]
        return [event["params"]["request"]["url"] for event in sent]

    def reached_outside(self, patience=0):
        """What came to the only way out that the browser knows, or comes first within so many seconds; its maker's errands apart."""
        found = []
        while not found and select.select([self._outside], [], [], patience)[0]:
            connection = self._outside.accept()[0]
            with connection:
                connection.settimeout(PATIENCE_SECONDS)
                asked = connection.recv(1 << 16).decode(errors="replace").partition("\r\n")[0]
            found += [] if ERRANDS.search(asked) else [asked]
        return found

    def _read(self):
        while b"\0" not in self._rest:
            assert select.select([self._from], [], [], PATIENCE_SECONDS)[0], "the browser says nothing"
            came = os.read(self._from, 1 << 16)
            assert came, "the browser has ended"
            self._rest += came
        message, _, self._rest = self._rest.partition(b"\0")
        return json.loads(message)


def _high(descriptor):
    """The same pipe under a number that is in nobody's way when it becomes the browser's 3 or 4."""
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD, 10)
    os.close(descriptor)
    return moved
