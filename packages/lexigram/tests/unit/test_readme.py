"""The README's examples do what it says."""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from lexigram import Application, LexigramConfig

README = Path(__file__).parents[2] / "README.md"
BLOCK = re.compile(r"^```(python|yaml)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def test_the_examples_run_in_order(project: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """In one session, in an empty folder; files are those that the examples show."""
    monkeypatch.setenv("LEX_QUEUE__WORKERS__2__NAME", "")  # so that what an example sets is taken back
    monkeypatch.delenv("LEX_QUEUE__WORKERS__2__NAME")
    names: dict[str, Any] = {"Application": Application}  # imported before a loop runs, as programs do
    with asyncio.Runner() as runner:
        for language, source in BLOCK.findall(README.read_text(encoding="utf-8")):
            if language == "yaml":
                project(source.partition("\n")[0].removeprefix("# "), source)
                continue
            code = compile(source, str(README), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
            outcome = eval(code, names)
            if inspect.isawaitable(outcome):
                runner.run(_awaited(outcome))

    assert isinstance(names["config"], LexigramConfig)


async def _awaited(outcome: Awaitable[object]) -> None:
    await outcome
