"""Writes the file from which a service's own tools make indexes, for the queries that were seen."""

from __future__ import annotations

import sys
from pathlib import Path

import typer
from lexigram.cli.output import console, print_json
from lexigram.nosql.cli.lines import STANDARD, replace_file
from lexigram.nosql.cli.opening import stores
from lexigram.nosql.cli.options import Target

__all__ = ["write_index_file"]


def write_index_file(target: Target, output: Path | None, *, as_json: bool) -> None:
    """Write the file, and say what is in it. Nothing is connected to.

    Args:
        target: The store.
        output: Where to write; ``-`` for standard output, missing for the tools' own name in the current folder.
        as_json: Report as JSON.

    Raises:
        BadParameter: The backend has no such file, or it cannot be read or written.
        NoSQLError: Nothing was recorded.
    """
    (store,) = stores(target)
    make = store.spec.index_file
    if make is None:
        raise typer.BadParameter(
            f"{store.backend} makes its indexes itself: name a collection to list them.", param_hint="COLLECTION"
        )
    try:
        if output is None:
            # The name is the backend's, and what the file holds is needed to make it: two steps.
            output = Path(make(store.config, None).name)
        held = output.read_text(encoding="utf-8") if output != STANDARD and output.exists() else None
        made = make(store.config, held)
        if output == STANDARD:
            sys.stdout.write(made.text)
            return
        replace_file(output, made.text)
    except OSError as error:
        raise typer.BadParameter(f"{output}: {error.strerror}.", param_hint="--output") from error
    if as_json:
        print_json({"file": str(output), "seen": made.seen})
        return
    console().print(f"{output}: indexes for {made.seen:,} different needs of queries that were seen.", soft_wrap=True)
