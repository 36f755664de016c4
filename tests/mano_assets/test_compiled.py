import os
import subprocess
import sys
from pathlib import Path

MODULE = """
from mano_assets.geometry.compiled import kernel

@kernel
def doubled(x):
    return 2 * x

print(doubled(21), type(doubled._cache).__name__)
"""


def run_where_the_source_is_read_only(folder: Path, home: Path) -> str:
    # A file where the folder would be: nobody can write there, not even root.
    (folder / "__pycache__").write_text("")
    (folder / "doubling.py").write_text(MODULE)
    ours = {key: value for key, value in os.environ.items() if not key.startswith("NUMBA_")}
    ours.pop("XDG_CACHE_HOME", None)
    code = f"import sys; sys.path.append({str(folder)!r}); import doubling"
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**ours, "HOME": str(home)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_beside_a_read_only_source_machine_code_is_kept_in_the_user_s_cache(tmp_path: Path):
    source, home = tmp_path / "source", tmp_path / "home"
    source.mkdir()
    home.mkdir()
    assert run_where_the_source_is_read_only(source, home) == "42 FunctionCache\n"
    assert len(list(home.rglob("doubling.doubled-*.nbi"))) == 1


def test_where_nothing_can_be_written_kernels_work_all_the_same(tmp_path: Path):
    assert run_where_the_source_is_read_only(tmp_path, Path("/dev/null")) == "42 NullCache\n"
