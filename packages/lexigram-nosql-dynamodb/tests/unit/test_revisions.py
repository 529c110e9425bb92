"""Revisions of writes, by which a store knows its own ones again."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

_FORKS = """
import os
from lexigram.nosql.backends.dynamodb.layouts.home import new_revision
new_revision()
reading, writing = os.pipe()
child = os.fork()
if child == 0:
    os.write(writing, new_revision().encode())
    os._exit(0)
os.waitpid(child, 0)
print(os.read(reading, 100).decode(), new_revision())
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not copy processes")
def test_a_copy_of_a_process_makes_other_revisions() -> None:
    told = subprocess.run([sys.executable, "-c", _FORKS], capture_output=True, text=True, check=True)
    child, parent = told.stdout.split()
    assert child != parent
