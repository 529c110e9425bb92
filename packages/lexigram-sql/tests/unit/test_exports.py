"""What the package offers at its root: all of it exists, none of it is imported before it is asked for."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import lexigram.sql
import pytest


@pytest.mark.parametrize("name", lexigram.sql.__all__)
def test_every_name_can_be_had(name: str) -> None:
    """And is listed."""
    assert getattr(lexigram.sql, name).__module__.startswith("lexigram.")
    assert name in dir(lexigram.sql)


def test_type_checkers_see_the_same_names() -> None:
    """The imports for them, the table and ``__all__`` hold together."""
    tree = ast.parse(Path(lexigram.sql.__file__).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {alias.name for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert seen == set(lexigram.sql.__all__)


@pytest.mark.parametrize(
    "code",
    [
        "import lexigram.sql, sys; assert not {'sqlalchemy', 'pydantic', 'aiosqlite'} & sys.modules.keys()",
        "from lexigram.sql import *; assert DatabaseService and DatabaseConfig and DatabaseModule",
        "import lexigram.sql.backend, sys; assert not {'asyncpg', 'aiomysql', 'aiosqlite'} & sys.modules.keys()",
    ],
    ids=["lazy", "star", "no drivers"],
)
def test_in_a_new_interpreter(code: str) -> None:
    """Where nothing was imported before."""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    """As of any module."""
    with pytest.raises(AttributeError, match="absent"):
        _ = lexigram.sql.absent
