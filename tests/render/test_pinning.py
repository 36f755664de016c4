"""Renderers take a core each."""

import os
import subprocess
import sys

import pytest

PROGRAM = """
import os, sys
from render.pinning import take_a_core
print(take_a_core(), *sorted(os.sched_getaffinity(0)), flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system binds no process")
def test_each_process_takes_a_core_that_is_free(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    cores = sorted(os.sched_getaffinity(0))
    processes = []
    told = []
    try:
        for _ in range(len(cores) + 1):
            process = subprocess.Popen(
                [sys.executable, "-c", PROGRAM],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            processes.append(process)
            assert process.stdout is not None
            told.append(process.stdout.readline().split())
        assert told[:-1] == [[str(core), str(core)] for core in cores]
        # One process too many is not bound at all.
        assert told[-1] == ["None", *map(str, cores)]
    finally:
        for process in processes:
            process.communicate("")
    after = subprocess.run(
        [sys.executable, "-c", PROGRAM], input="", capture_output=True, text=True, check=True
    )
    assert after.stdout.split()[0] == str(cores[0])
