"""A server in a process of its own, in a folder of its own."""

import json
import os
import subprocess
import time
from pathlib import Path


class Serving:
    """Runs `command` (a list) with `flags` until it is stopped or killed; its log, as JSON, is in the folder."""

    def __init__(self, command, folder, *flags):
        self.command, self.folder, self.flags = command, Path(folder), flags
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log = self.folder / "log"
        # Nothing that the user or the machine has set.
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("KINORA_")}
        self.environment["XDG_CONFIG_HOME"] = str(self.folder)
        self.process = None

    def new_key(self, name):
        """Makes a key, before the server is started."""
        said = subprocess.run(
            [*self.command, "--data", self.folder / "data", "--new-key", name],
            env=self.environment, stdout=subprocess.PIPE, text=True, check=True,
        )
        return said.stdout.split()[0]

    def start(self, patience=120, **options):
        """Starts it (again), and gives its address."""
        seen = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.command, "--data", self.folder / "data", "--port", "0", "--log", "json", *self.flags],
                env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=log, **options,
            )
        end = time.monotonic() + patience
        while time.monotonic() < end and self.process.poll() is None:
            with self.log.open() as lines:
                lines.seek(seen)
                for line in lines:
                    if line.endswith("}\n") and (event := json.loads(line))["event"] == "listening":
                        self.url = event["url"].removesuffix("/v1")
                        return self.url
            time.sleep(0.02)
        raise SystemExit(f"{self.command} does not listen; {self.log} says why: {self.log.read_text()[-2000:]}")

    def events(self, name):
        """What it has written down of that name."""
        lines = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [line for line in lines if line["event"] == name]

    def memory(self):
        """Bytes that it has now, and the most that it had."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        kib = dict(line.split(":", 1) for line in lines)
        return [int(kib[name].split()[0]) << 10 for name in ("VmRSS", "VmHWM")]

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        """Asks it to end, as an operator does."""
        self.process.stdin.close()
        self.process.terminate()
        self.process.wait(60)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop()
