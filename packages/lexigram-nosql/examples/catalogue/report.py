"""Prints the answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

console = Console(highlight=False)


def heading(text: str) -> None:
    """A line between two parts."""
    console.print()
    console.rule(f"[bold]{text}", align="left")


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Rows under columns; numbers to the right."""
    shown = Table(box=None, pad_edge=False, header_style="bold cyan")
    listed = [list(row) for row in rows]
    for position, column in enumerate(columns):
        numbers = bool(listed) and all(isinstance(row[position], int) for row in listed)
        shown.add_column(column, justify="right" if numbers else "left", no_wrap=position == 0, overflow="fold")
    for row in listed:
        shown.add_row(*(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row))
    console.print(shown)


def say(text: str) -> None:
    """A sentence."""
    console.print(text)
