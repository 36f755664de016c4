"""A real Prefect server with a worker, for as long as a test session needs it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

REPOSITORY = Path(__file__).parents[2]
PREFECT = str(Path(sys.executable).with_name("prefect"))


@dataclass(frozen=True)
class PrefectServer:
    """A running server with a worker, and the environment in which commands find it."""

    url: str
    environment: dict[str, str]
    logs: Path

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs `prefect ARGUMENTS` in the repository's folder."""
        return subprocess.run(
            [PREFECT, *arguments],
            cwd=REPOSITORY, env=self.environment, capture_output=True, text=True, timeout=300,
            check=False,
        )  # fmt: skip

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Asks the server's API."""
        request = Request(
            f"{self.url}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def refusal(self, path: str, body: dict[str, Any]) -> str:
        """What the server says when it refuses a request; empty when it does not."""
        try:
            self.post(path, body)
        except HTTPError as error:
            return error.read().decode()
        return ""

    def get(self, path: str) -> Any:
        """Asks the server's API."""
        with urlopen(f"{self.url}{path}", timeout=30) as answer:
            return json.load(answer)

    def await_state(self, run: str, state: str, seconds: float = 240) -> dict[str, Any]:
        """Waits until a flow run is over and checks how it ended."""

        def over() -> dict[str, Any] | None:
            found = self.get(f"/flow_runs/{run}")
            done = found["state_type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
            return found if done else None

        found = wait_for(over, seconds, "the flow run to end")
        assert found["state_type"] == state, (self.logs / "worker.log").read_text()
        return found


def wait_for(check: Callable[[], Any], seconds: float, what: str) -> Any:
    """The first true answer of a check."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = check()
        if answer:
            return answer
        time.sleep(0.3)
    raise TimeoutError(f"waited {seconds} s for {what}")


@contextmanager
def running_server(home: Path) -> Iterator[PrefectServer]:
    """The first three of the README's four commands, on a free port with a home of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")},
        "PREFECT_HOME": str(home),
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        "DO_NOT_TRACK": "1",
        "PYTHONUNBUFFERED": "1",
    }
    server = PrefectServer(environment["PREFECT_API_URL"], environment, home)
    processes = []

    def start(log: str, *arguments: str) -> None:
        with (home / log).open("w") as stream:
            processes.append(
                subprocess.Popen(
                    [PREFECT, *arguments],
                    cwd=REPOSITORY, env=environment, stdout=stream, stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            )  # fmt: skip

    def answers(path: str) -> bool:
        try:
            server.get(path)
        except (URLError, OSError):
            return False
        return True

    try:
        start("server.log", "server", "start", "--host", "127.0.0.1", "--port", str(port))
        wait_for(lambda: answers("/health"), 90, "the server")
        start("worker.log", "worker", "start", "--pool", "local", "--type", "process")
        wait_for(lambda: answers("/work_pools/local"), 60, "the worker's pool")
        deployed = server.command("--no-prompt", "deploy", "--all")
        assert deployed.returncode == 0, deployed.stdout + deployed.stderr
        yield server
    finally:
        for process in reversed(processes):
            _end_group(process)
        _end_flow_runs(home)


def _end_group(process: subprocess.Popen[bytes]) -> None:
    for force in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, force)
            process.wait(10)
        except subprocess.TimeoutExpired:
            continue
        except ProcessLookupError:
            return


def _end_flow_runs(home: Path) -> None:
    # The worker starts flow runs in sessions of their own; their environment tells whose they are.
    mark = f"PREFECT_HOME={home}".encode()
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark in (entry / "environ").read_bytes().split(b"\0"):
                os.kill(int(entry.name), signal.SIGKILL)
