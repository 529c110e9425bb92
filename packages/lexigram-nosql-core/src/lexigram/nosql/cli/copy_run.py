"""What ``lexigram nosql copy`` does with its options."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import typer
from lexigram.cli.output import console, print_json
from lexigram.nosql.cli.copy_state import CopyState, state_path
from lexigram.nosql.cli.copying import Copier, Inspection, Summary
from lexigram.nosql.cli.opening import note, run, stores, warn_if_forgetful
from lexigram.nosql.cli.options import Target
from lexigram.nosql.cli.progress import ProgressBar
from lexigram.nosql.cli.showing import printable
from lexigram.nosql.driver import SupportsNesting
from lexigram.nosql.exceptions import NoSQLError
from lexigram.nosql.finishing import to_the_end
from lexigram.nosql.query.plan import deliberate_scan
from lexigram.nosql.store import DocumentStore

__all__ = ["CopyOptions", "CopyReport", "run_copy"]

_MOST_NAMED: Final = 10


@dataclass(frozen=True, slots=True)
class CopyOptions:
    """How to copy.

    Attributes:
        dry_run: Look at everything, and write nothing.
        resume: Go on where a copy between these stores stopped.
        restart: Begin anew although one stopped.
        overwrite: Write into collections that hold documents already.
        skip_unfit: Copy the rest where the target cannot hold some documents.
        indexes: Make the source's indexes as well.
        verify: Read both sides afterwards, and compare them.
        batch_size: Most documents to hold at a time.
        progress: Show a progress bar.
        as_json: Report as JSON.
    """

    dry_run: bool = False
    resume: bool = False
    restart: bool = False
    overwrite: bool = False
    skip_unfit: bool = False
    indexes: bool = True
    verify: bool = True
    batch_size: int = 500
    progress: bool = True
    as_json: bool = False


@dataclass(slots=True)
class CopyReport:
    """What a copy did.

    Attributes:
        source: Name and backend of the store it came from.
        target: Name and backend of the store it went to.
        inspection: What was found before; None for a copy that went on.
        collections: What was done with each collection.
        dry_run: Nothing was written.
        seconds: How long this run took.
    """

    source: str
    target: str
    inspection: Inspection | None = None
    collections: list[Summary] = field(default_factory=list[Summary])
    dry_run: bool = False
    seconds: float = 0.0

    @property
    def failed(self) -> bool:
        """True where something does not fit, or both sides differ."""
        unfit = self.inspection is not None and bool(self.inspection.misfits)
        return unfit or any(summary.differs is not None for summary in self.collections)

    def to_dict(self) -> dict[str, Any]:
        """The report as plain data."""
        found = self.inspection
        return {
            "from": self.source,
            "to": self.target,
            "dry_run": self.dry_run,
            "documents": None if found is None else found.documents,
            "unfit_documents": 0 if found is None else found.unfit_documents,
            "unfit_collections": [] if found is None else found.unfit_collections,
            "misfits": []
            if found is None
            else [
                {"collection": each.collection, each.kind: each.what, "code": each.code, "reason": each.reason}
                for each in found.misfits
            ],
            "collections": [
                {
                    "collection": each.collection,
                    "read": each.read,
                    "written": each.written,
                    "indexes": each.indexes,
                    "checksum": each.checksum,
                    "differs": each.differs,
                }
                for each in self.collections
            ],
            "seconds": round(self.seconds, 3),
        }


def run_copy(target: Target, source: str, destination: str, names: Sequence[str], options: CopyOptions) -> CopyReport:
    """Copy collections between two configured stores, and say how it went.

    Args:
        target: The configuration.
        source: Name of the store they come from.
        destination: Name of the store they go to.
        names: The collections; all of the source when empty.
        options: How to copy.

    Returns:
        The report, which has been shown.

    Raises:
        BadParameter: Both are the same store, or there is nothing, or something else, to resume.
        NoSQLError: A store failed on the way; a checkpoint says where to go on.
    """
    if source == destination:
        raise typer.BadParameter("a store cannot be copied into itself.", param_hint="--to")
    (origin,) = stores(Target(target.config, target.profile, None, source))
    (goal,) = stores(Target(target.config, target.profile, None, destination))
    for store in (origin, goal):
        warn_if_forgetful(store)
    report = CopyReport(_called(origin), _called(goal), dry_run=options.dry_run)
    path = state_path(source, destination)
    start = time.perf_counter()
    try:
        run(_opened(origin, goal, names, options, report, path))
    except (KeyboardInterrupt, NoSQLError):
        if path.exists():
            note(f"Stopped; {path} says where. Go on with the same command and --resume.")
        raise
    except OSError as error:
        raise NoSQLError(f"{error.filename}: {error.strerror}", hint="Run this where you may write files.") from error
    report.seconds = time.perf_counter() - start
    _show(report, options)
    return report


def _called(store: DocumentStore) -> str:
    return f"{store.name} on {store.backend}"


async def _opened(
    origin: DocumentStore,
    goal: DocumentStore,
    names: Sequence[str],
    options: CopyOptions,
    report: CopyReport,
    path: Path,
) -> None:
    async with origin, goal:
        held = None
        if not options.dry_run:
            held = await asyncio.to_thread(_held, path, options)
        wanted = await _named(origin, names) if names or held is None else held.collections
        state = CopyState(report.source, report.target, wanted)
        if held is not None:
            _check_same(held, state)
            state = held
        copier = Copier(origin, goal, options.batch_size)
        if not options.resume:
            report.inspection = found = await _inspected(copier, state, origin, options)
            state.counts = found.documents
            unfit = found.unfit_documents or found.unfit_collections
            if options.dry_run or (unfit and not options.skip_unfit):
                return
            state.done = list(found.unfit_collections)
            if not options.overwrite:
                await _refuse_occupied(goal, [name for name in state.collections if name not in state.done])
            await asyncio.to_thread(state.save, path)
        await _copied(copier, state, options, report, path)
        await asyncio.to_thread(path.unlink, missing_ok=True)


async def _named(origin: DocumentStore, names: Sequence[str]) -> list[str]:
    """The collections to copy: those that are named, or all, also those below documents.

    Raises:
        BadParameter: One that is named holds nothing.
    """
    listed = await origin.list_collections()
    driver = origin.driver
    if not names:
        nested: list[str] = []
        if isinstance(driver, SupportsNesting):
            with origin.translating("list_collections"):
                nested = await driver.list_nested()
        return sorted({*listed, *nested})
    wanted = list(dict.fromkeys(names))
    missing: list[str] = []
    for name in set(wanted).difference(listed):
        # What is below a document is not listed.
        with deliberate_scan():
            nested_one = isinstance(driver, SupportsNesting) and await origin.collection(name).find_one({}) is not None
        if not nested_one:
            missing.append(name)
    if missing:
        raise typer.BadParameter(
            f"{_called(origin)} has no collection {', '.join(sorted(missing))}.", param_hint="COLLECTION"
        )
    return wanted


def _held(path: Path, options: CopyOptions) -> CopyState | None:
    """The state of the copy that is resumed; None to begin."""
    held = None if options.restart else CopyState.load(path)
    if held is None:
        if options.resume:
            raise typer.BadParameter(f"no copy was stopped: there is no {path}.", param_hint="--resume")
        return None
    if not options.resume:
        raise typer.BadParameter(
            f"a copy stopped in {held.begun!r}. Go on with --resume, or begin with --restart.", param_hint="--resume"
        )
    return held


def _check_same(held: CopyState, fresh: CopyState) -> None:
    if (held.source, held.target, held.collections) != (fresh.source, fresh.target, fresh.collections):
        raise typer.BadParameter(
            f"the copy that stopped was of {_some(held.collections)} from {held.source} to {held.target}. Begin anew "
            "with --restart.",
            param_hint="--resume",
        )


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED:,} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more


async def _refuse_occupied(goal: DocumentStore, names: Sequence[str]) -> None:
    for name in names:
        if await goal.collection(name).find_one({}) is not None:
            raise typer.BadParameter(
                f"{name!r} of {_called(goal)} holds documents already. With --overwrite those with the same _id are "
                "replaced, and others stay.",
                param_hint="--overwrite",
            )


def _bar(label: str, total: int | None, options: CopyOptions) -> ProgressBar:
    return ProgressBar(label, total, shown=options.progress and not options.as_json)


def _telling(bar: ProgressBar) -> Callable[[int], None]:
    return lambda seen: bar.update(seen, seen)


async def _inspected(copier: Copier, state: CopyState, origin: DocumentStore, options: CopyOptions) -> Inspection:
    total = sum([await origin.collection(name).estimated_document_count() for name in state.collections])
    with _bar("look", total, options) as bar:
        return await copier.inspect(state.collections, _telling(bar))


async def _copied(copier: Copier, state: CopyState, options: CopyOptions, report: CopyReport, path: Path) -> None:
    anew = not options.resume and not options.overwrite
    for name in state.collections:
        if name in state.done:
            continue
        state.begun, state.read = name, 0
        with _bar(f"copy {name}", state.counts.get(name), options) as bar:
            summary = await copier.copy(
                name,
                anew=anew,
                indexes=options.indexes,
                skip_unfit=options.skip_unfit,
                progress=_telling(bar),
                save=lambda read: _save(state, read, path),
            )
        report.collections.append(summary)
        if options.verify:
            with _bar(f"compare {name}", 2 * summary.read, options) as bar:
                source, target = await copier.compare(name, _telling(bar), skip_unfit=options.skip_unfit)
            summary.checksum = source.checksum
            if (source.count, source.checksum) != (target.count, target.checksum):
                summary.differs = (
                    f"{source.count:,} documents with the checksum {source.checksum[:16]}… in the source, "
                    f"{target.count:,} with {target.checksum[:16]}… in the target"
                )
        state.done.append(name)
        await asyncio.to_thread(state.save, path)


async def _save(state: CopyState, read: int, path: Path) -> None:
    state.read = read
    # A stop in the middle of it must not leave a thread that writes the file when nobody expects it.
    await to_the_end(asyncio.to_thread(state.save, path))


def _show(report: CopyReport, options: CopyOptions) -> None:
    if options.as_json:
        print_json(report.to_dict())
        return
    out = console()
    found = report.inspection
    if found is not None:
        for each in found.misfits:
            what = f"{each.kind} {each.what}"
            out.print(f"{printable(each.collection)}: {printable(what)}: {printable(each.reason)}", soft_wrap=True)
        done = "the others were copied" if options.skip_unfit and not report.dry_run else "nothing was written"
        if found.unfit_collections:
            count = f"{len(found.unfit_collections):,} of {len(found.documents):,} collections"
            out.print(f"{report.target} cannot have {count} by their names; {done}.", soft_wrap=True)
        if found.unfit_documents:
            count = f"{found.unfit_documents:,} of {found.total:,} documents"
            out.print(f"{report.target} cannot hold {count}; {done}.", soft_wrap=True)
    if report.dry_run and found is not None:
        out.print(
            f"{found.total:,} documents in {len(found.documents):,} collections would be copied from {report.source} "
            f"to {report.target}.",
            soft_wrap=True,
        )
    for summary in report.collections:
        made = f", {summary.indexes} indexes made" if summary.indexes else ""
        checked = "" if summary.checksum is None else "; both sides are equal"
        if summary.differs is not None:
            checked = f"; THEY DIFFER: {summary.differs}"
        out.print(
            f"{printable(summary.collection)}: {summary.read:,} documents, {summary.written:,} written{made}{checked}.",
            soft_wrap=True,
        )
    if report.collections:
        out.print(f"{report.source} to {report.target} in {report.seconds:.1f} s.", soft_wrap=True)
