"""What holds for every test below: hypothesis profiles, and no blocking call on the event loop."""

from __future__ import annotations

import os
from collections.abc import Iterator
from types import ModuleType

import lexigram
import pytest
from blockbuster import BlockBuster
from hypothesis import settings

# Deadlines measure the machine. In CI the examples follow from the test alone, so that a failure there is one anywhere;
# elsewhere they are new ones each time, and a failure prints what reproduces it.
settings.register_profile("dev", deadline=None, max_examples=50, print_blob=True)
settings.register_profile("ci", deadline=None, max_examples=50, print_blob=True, derandomize=True, database=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "dev"))


def _source_tree(path: str) -> ModuleType:
    """Stand for one folder of the shared import name: blockbuster asks a module for its first folder only."""
    tree = ModuleType("lexigram")
    tree.__path__ = [path]
    return tree


@pytest.fixture(scope="session")
def _block_buster() -> BlockBuster:
    found = BlockBuster([_source_tree(path) for path in lexigram.__path__])
    for function in found.functions.values():
        # A module is read once, whenever its first user comes by; that is not what this looks for.
        function.can_block_in("<frozen importlib._bootstrap>", "_find_and_load")
    return found


@pytest.fixture(autouse=True)
def _no_blocking_calls(request: pytest.FixtureRequest, _block_buster: BlockBuster) -> Iterator[None]:
    """Fail a test in which our code sleeps, reads a file or waits for a lock on the event loop's thread."""
    if request.node.get_closest_marker("allow_blocking"):
        yield
        return
    _block_buster.activate()
    yield
    _block_buster.deactivate()
