"""What ``lexigram nosql import`` and ``export`` do with their options."""

from __future__ import annotations

import time
from pathlib import Path

import typer
from lexigram.cli.output import console, print_json
from lexigram.nosql.cli.checkpoint import Checkpoint, checkpoint_path, fingerprint
from lexigram.nosql.cli.exporting import write_documents
from lexigram.nosql.cli.importing import Importer, RejectFile
from lexigram.nosql.cli.lines import STANDARD, LineReader, LineWriter
from lexigram.nosql.cli.opening import note, stores, use, warn_if_forgetful
from lexigram.nosql.cli.options import Target
from lexigram.nosql.cli.progress import ProgressBar
from lexigram.nosql.cli.reports import ExportReport, ImportMode, ImportReport
from lexigram.nosql.cli.showing import Request
from lexigram.nosql.exceptions import NoSQLError
from lexigram.nosql.store import DocumentStore

__all__ = ["run_export", "run_import"]


def run_import(
    target: Target,
    collection: str,
    file: Path,
    *,
    mode: ImportMode,
    resume: bool,
    restart: bool,
    batch_size: int,
    rejects: Path | None,
    progress: bool,
    as_json: bool,
) -> ImportReport:
    """Load documents from JSON Lines, and say how it went.

    Args:
        target: The store.
        collection: Name of the collection.
        file: The lines; ``-`` for standard input.
        mode: What happens to an ``_id`` that exists.
        resume: Go on where an import of this file stopped.
        restart: Begin anew although one stopped.
        batch_size: Most documents to write at a time.
        rejects: Where bad lines go; beside the file when missing.
        progress: Show a progress bar.
        as_json: Report as JSON.

    Returns:
        The report, which has been shown.

    Raises:
        BadParameter: The file cannot be read, or there is nothing, or something else, to resume.
        NoSQLError: The store or the file failed on the way; a checkpoint says where to go on.
    """
    start = time.perf_counter()
    (store,) = stores(target)
    try:
        reader = LineReader(file)
    except OSError as error:
        raise _bad_file(file, error) from error
    bad = RejectFile(rejects or _rejects_path(file, collection))
    if file != STANDARD and bad.path.resolve() == file.resolve():
        reader.close()
        raise typer.BadParameter("bad lines cannot go into the file that is read.", param_hint="--rejects")
    store.collection(collection)  # a name that is not valid is told before the file of bad lines begins anew
    with reader:
        checkpoint = _checkpoint(file, store, collection, reader, resume=resume, restart=restart)
        try:
            bad.cut(checkpoint.rejects_size)
            if checkpoint.offset:
                reader.go_to(checkpoint.offset, checkpoint.line)
            bar = ProgressBar(
                f"import {collection}", reader.size, before=checkpoint.counts.written, shown=progress and not as_json
            )
            importer = Importer(
                store.collection(collection),
                reader,
                mode=mode,
                batch_size=batch_size,
                checkpoint=checkpoint,
                rejects=bad,
                save=(lambda state: state.save(checkpoint_path(file))) if reader.regular else None,
                progress=lambda state: bar.update(reader.position, state.counts.written),
            )
            warn_if_forgetful(store)
            with bar:
                counts = use(store, lambda _: importer.run())
        except (KeyboardInterrupt, NoSQLError):
            _tell_stopped(checkpoint, file)
            raise
        except OSError as error:
            _tell_stopped(checkpoint, file)
            raise NoSQLError(
                f"{error.filename}: {error.strerror}",
                hint="Checkpoint and bad lines stand beside the file; copy it to where you may write.",
            ) from error
    if reader.regular:
        checkpoint_path(file).unlink(missing_ok=True)
    report = ImportReport(
        collection, checkpoint.line, counts, time.perf_counter() - start, bad.path if counts.rejected else None
    )
    _show(report, as_json=as_json)
    return report


def _rejects_path(file: Path, collection: str) -> Path:
    """Where bad lines go: beside the file, or for standard input into the current folder."""
    if file == STANDARD:
        return Path(f"{collection}.rejects.jsonl")
    return file.with_name(f"{file.name}.rejects.jsonl")


def _bad_file(file: Path, error: OSError) -> typer.BadParameter:
    return typer.BadParameter(f"{file}: {error.strerror}.", param_hint="FILE")


def _tell_stopped(checkpoint: Checkpoint, file: Path) -> None:
    # Without a checkpoint nothing was begun, and there is nothing to go on with.
    if file != STANDARD and checkpoint_path(file).exists():
        note(f"Stopped after line {checkpoint.line:,}. Go on with the same command and --resume.")


def _checkpoint(
    file: Path, store: DocumentStore, collection: str, reader: LineReader, *, resume: bool, restart: bool
) -> Checkpoint:
    """The checkpoint to begin with: a new one, or that of the import that is resumed."""
    where = f"{store.name} on {store.backend}"
    if not reader.regular:
        if resume:
            raise typer.BadParameter(f"{file} cannot be read a second time.", param_hint="--resume")
        return Checkpoint(input="", collection=collection, store=where)
    fresh = Checkpoint(input=fingerprint(file), collection=collection, store=where)
    path = checkpoint_path(file)
    found = None if restart else Checkpoint.load(path)
    if found is None:
        if resume:
            raise typer.BadParameter(f"no import of {file} was stopped: there is no {path}.", param_hint="--resume")
        return fresh
    if not resume:
        raise typer.BadParameter(
            f"an import of {file} stopped after line {found.line:,}. Go on with --resume, or begin with --restart.",
            param_hint="FILE",
        )
    for what, now, then in (
        ("the file has changed since", fresh.input, found.input),
        (f"it went to the collection {found.collection!r}", collection, found.collection),
        (f"it went to the store {found.store}", where, found.store),
    ):
        if now != then:
            raise typer.BadParameter(
                f"the import cannot go on: {what}. Begin anew with --restart.", param_hint="--resume"
            )
    return found


def run_export(target: Target, request: Request, file: Path, *, progress: bool, as_json: bool) -> ExportReport:
    """Write documents as JSON Lines, and say how it went.

    Args:
        target: The store.
        request: Which documents.
        file: Where to write; ``-`` for standard output.
        progress: Show a progress bar.
        as_json: Report as JSON.

    Returns:
        The report, which has been shown.

    Raises:
        BadParameter: The file cannot be written.
        NoSQLError: The store failed; the file is as it was before.
    """
    if as_json and file == STANDARD:
        raise typer.BadParameter("the documents themselves go to standard output.", param_hint="--json")
    start = time.perf_counter()
    (store,) = stores(target)
    try:
        writer = LineWriter(file)
    except OSError as error:
        raise _bad_file(file, error) from error

    async def write(_: DocumentStore) -> int:
        collection = store.collection(request.collection)
        total = None if request.filter else await collection.estimated_document_count()
        if request.limit:
            total = request.limit if total is None else min(total, request.limit)
        bar = ProgressBar(f"export {request.collection}", total, shown=progress and not as_json)
        with bar:
            async with request.cursor(store) as cursor:
                return await write_documents(cursor, writer, lambda written: bar.update(written, written))

    try:
        written = use(store, write)
        writer.commit()
    finally:
        writer.discard()
    report = ExportReport(request.collection, written, time.perf_counter() - start, None if file == STANDARD else file)
    if file == STANDARD:
        note(str(report))
    else:
        _show(report, as_json=as_json)
    return report


def _show(report: ImportReport | ExportReport, *, as_json: bool) -> None:
    if as_json:
        print_json(report.to_dict())
    else:
        console().print(str(report), soft_wrap=True)
