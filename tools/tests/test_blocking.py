"""The fixture of packages/conftest.py fails a test in which our code blocks the event loop."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from workspace import ROOT

TEST = """
import time, types
import lexigram, pytest

ours = types.ModuleType("ours")
code = compile("import time\\ndef wait(): time.sleep(0.001)", lexigram.__path__[-1] + "/ours.py", "exec")
exec(code, ours.__dict__)

async def test_ours(): ours.wait()
async def test_of_the_test_itself(): time.sleep(0.001)
def test_without_a_loop(): ours.wait()
@pytest.mark.allow_blocking("it is the subject of this test")
async def test_marked(): ours.wait()
"""


def test_a_blocking_call_of_ours_fails_the_test(tmp_path: Path) -> None:
    """Our code on the loop's thread may not block; tests, code without a loop and marked tests may."""
    shutil.copy(ROOT / "packages/conftest.py", tmp_path)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "test_it.py").write_text(TEST)

    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "test_it.py"]
    # Coverage, where it runs, would look for the file that the code above only pretends to come from.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    assert "1 failed, 3 passed" in done.stdout, done.stdout + done.stderr
    assert "FAILED test_it.py::test_ours - blockbuster.blockbuster.BlockingError" in done.stdout
