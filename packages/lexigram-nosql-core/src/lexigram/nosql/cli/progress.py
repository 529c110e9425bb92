"""A progress bar, where somebody sits in front of a terminal."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from lexigram.cli.output import console
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

__all__ = ["ProgressBar"]


class _Documents(ProgressColumn):
    """Documents so far, and how many in a second."""

    def render(self, task: Task) -> Text:
        documents = int(task.fields["documents"])
        fresh = documents - int(task.fields["before"])
        rate = f", {fresh / task.elapsed:,.0f}/s" if task.elapsed else ""
        return Text(f"{documents:,} documents{rate}")


class ProgressBar:
    """Shows how far a transfer is; nothing when standard error is no terminal.

    Args:
        label: What is going on.
        total: Where it ends, in the units that :meth:`update` gets; None when nobody knows.
        before: Documents that an earlier run has done.
        shown: False shows nothing.
        out: Where to show it; standard error when missing.
    """

    def __init__(
        self, label: str, total: int | None, *, before: int = 0, shown: bool = True, out: Console | None = None
    ) -> None:
        target = out if out is not None else console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            _Documents(),
            TimeRemainingColumn(),
            console=target,
            disable=not (shown and target.is_terminal),
            transient=True,
        )
        self._task = self._progress.add_task(label, total=total, documents=before, before=before)

    def update(self, completed: int, documents: int) -> None:
        """Move on.

        Args:
            completed: How far, in the units of the total.
            documents: Documents so far.
        """
        self._progress.update(self._task, completed=completed, documents=documents)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()
