"""Run the Python blocks of a Markdown file, so that what a reader copies works.

Each fenced `python` block runs in a namespace and a working folder of its own; `await` is allowed at the top. Comments
on the line above a block change that:

* `<!-- continues -->`: it goes on where the block before it ended;
* `<!-- file: application.yaml -->`, above a block of any language: it is a file of that name in the working folder of
  the next Python block (and of those that continue it);
* `<!-- not run: reason -->`: it is compiled, not run.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import inspect
import os
import re
import sys
import tempfile
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from unittest import mock

__all__ = ["Example", "examples", "run"]

_BLOCK = re.compile(
    r"(?:^<!-- (?P<mark>.+?) -->\n\n?)?^```(?P<language>\w+)?[^\n]*\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL
)


@dataclass(slots=True)
class Example:
    """One or more blocks that run together.

    Attributes:
        name: The file and the line of the first block.
        blocks: For each block its first line in the file, counted from 0, and its code.
        files: Contents by file name, written to the working folder first.
        runs: Whether it is run, or only compiled.
    """

    name: str
    blocks: list[tuple[int, str]]
    files: dict[str, str] = field(default_factory=dict[str, str])
    runs: bool = True


def examples(file: Path) -> list[Example]:
    """Read the examples of a Markdown file.

    Args:
        file: The Markdown file.

    Returns:
        Its examples, in order.

    Raises:
        ValueError: A mark is unknown, or there is nothing to continue.
    """
    text = file.read_text(encoding="utf-8")
    found: list[Example] = []
    files: dict[str, str] = {}
    for match in _BLOCK.finditer(text):
        line = text.count("\n", 0, match.start("code"))
        kind, _, value = (match["mark"] or "").partition(":")
        where = f"{file.name}:{line + 1}"
        if kind == "file":
            files[value.strip()] = match["code"]
        elif match["language"] not in {"python", "py"}:
            continue
        elif kind == "continues":
            if not found:
                msg = f"{where}: there is no block to continue"
                raise ValueError(msg)
            found[-1].blocks.append((line, match["code"]))
            found[-1].files.update(files)
            files = {}
        elif kind in {"", "not run", "quickstart"}:
            found.append(Example(where, [(line, match["code"])], files, runs=kind != "not run"))
            files = {}
        else:
            msg = f"{where}: unknown mark {match['mark']!r}"
            raise ValueError(msg)
    return found


@contextlib.contextmanager
def _working_folder() -> Generator[Path]:
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)
        try:
            yield Path(scratch)
        finally:
            os.chdir(before)


@contextlib.contextmanager
def _importable(module: ModuleType) -> Generator[None]:
    """Keep a module among those that are imported; what is imported meanwhile stays."""
    sys.modules[module.__name__] = module
    try:
        yield
    finally:
        del sys.modules[module.__name__]


def run(example: Example) -> None:
    """Run an example; whatever it raises comes out.

    Args:
        example: The example.
    """
    # A module of that name must exist for the length of the run: dataclasses and pydantic look annotations up in it.
    module = ModuleType("readme_example")
    programs = [
        compile("\n" * line + code, example.name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        for line, code in example.blocks
    ]
    if not example.runs:
        return

    async def play() -> None:
        for program in programs:
            result = eval(program, vars(module))  # noqa: S307 - our own documents
            if inspect.isawaitable(result):
                await result

    with _working_folder() as folder, mock.patch.dict(os.environ), _importable(module):
        for name, content in example.files.items():
            (folder / name).write_text(content, encoding="utf-8")
        if any(program.co_flags & inspect.CO_COROUTINE for program in programs):
            asyncio.run(play())
        else:
            # A block without `await` may call asyncio.run() itself, as a script does.
            for program in programs:
                exec(program, vars(module))  # noqa: S102 - our own documents
