"""One side of the comparison: a process that answers requests (see `worker.rs`)."""

import json
import subprocess
import sys

from others import process_ticks


class Worker:
    def __init__(self, command: list, environment: dict) -> None:
        command = [str(word) for word in command]
        self.process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, request: dict) -> dict:
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit(f"{self.process.args} ended over {json.dumps(request)}; what it wrote stands above")
        return json.loads(answer)

    def ticks(self) -> int:
        """Ticks in which it has worked so far."""
        return process_ticks(self.process.pid)

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_) -> None:
        self.process.stdin.close()
        self.process.wait()
