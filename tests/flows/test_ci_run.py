"""The CI script: what a job leaves behind when it is ended."""

from __future__ import annotations

import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from prefect_server import REPOSITORY, wait_for

MAKEFILE = """test:
\tPREFECT_HOME=$$TMPDIR/pytest/prefect0 setsid sleep 120 & echo $$! > started
\tsleep 120
"""


def runs(pid: str) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    return False


def test_ended_job_leaves_no_prefect_process(tmp_path: Path) -> None:
    (tmp_path / ".ci").mkdir()
    shutil.copy(REPOSITORY / ".ci" / "run", tmp_path / ".ci" / "run")
    (tmp_path / "Makefile").write_text(MAKEFILE)
    started = tmp_path / "started"
    with subprocess.Popen([str(tmp_path / ".ci" / "run")]) as job:
        wait_for(lambda: started.exists() and started.read_text().strip(), 20, "the job")
        pid = started.read_text().strip()
        wait_for(lambda: Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"sleep"), 20, "it")
        job.send_signal(signal.SIGTERM)
    wait_for(lambda: not runs(pid), 20, "the process to end")
