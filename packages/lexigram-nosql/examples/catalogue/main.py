#!/usr/bin/env python3
"""A catalogue of the Python packages installed here, on whatever document store the configuration names.

    python3 tools/dev.py demo                        on the embedded store
    python3 tools/dev.py demo --driver mongodb       on another backend, with its defaults
    python3 tools/dev.py demo --config my.yaml       on what a configuration says

``service.py`` is written against the contracts only; this file puts the parts together and prints what comes out.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path

from installed import read_installed
from lexigram import Application
from lexigram.config import LexigramConfig
from lexigram.contracts.data.nosql.nosql import DocumentStoreProtocol
from lexigram.contracts.exceptions.base import LexigramError
from lexigram.contracts.result import Err, Ok
from lexigram.di.module import Module, module
from lexigram.nosql import (
    AddField,
    CreateIndex,
    DocumentQueryBuilder,
    MigrationManager,
    NoSQLModule,
    UnsupportedFeatureError,
)
from report import heading, say, table
from service import CatalogueService

HERE = Path(__file__).parent
SMALLEST_FILE = 8 * 1024


@module(imports=[NoSQLModule.configure()], providers=[CatalogueService], exports=[CatalogueService])
class CatalogueModule(Module):
    """The application: the service, and the store it needs."""


async def run(config: LexigramConfig) -> None:
    """Load what is installed and ask all the questions."""
    async with Application.boot(name="catalogue", modules=[CatalogueModule], config=config) as app:
        store = await app.container.resolve(DocumentStoreProtocol)
        catalogue = await app.container.resolve(CatalogueService)
        health = await store.health_check()
        say(f"store: {health.details['backend']}, {health.status}, answered in {health.duration_ms:.1f} ms")
        await load(catalogue)
        await query(catalogue)
        await aggregate(catalogue)
        await migrate(store)
        await transact(catalogue)


async def load(catalogue: CatalogueService) -> None:
    """Read the environment's metadata into the store."""
    heading("Import")
    found = await asyncio.to_thread(lambda: list(read_installed()))
    packages = [package for package, _ in found]
    files = [file for _, files in found for file in files if file.bytes >= SMALLEST_FILE]
    count = await catalogue.load(packages, files)
    say(f"{len(packages)} packages and {len(files)} files of {SMALLEST_FILE // 1024} KiB or more: {count} documents")


async def query(catalogue: CatalogueService) -> None:
    """Ask with the builder, by id, by specification, page by page."""
    heading("Packages of 0.2 to 2 MB that need typing-extensions, by size")
    built = (
        DocumentQueryBuilder()
        .where_between("bytes", 200_000, 2_000_000)
        .where("requires.name", "typing-extensions")
        .sort_by("bytes", descending=True)
        .limit(5)
        .build()
    )
    found = await catalogue.search(built)
    table(["package", "version", "bytes", "summary"], [(p.name, p.version, p.bytes, p.summary) for p in found])
    match await catalogue.find("no-such-package"):
        case Ok(package):
            say(f"found {package.name}")
        case Err(reason):
            say(f"and one that is not there: {reason}")
    large = await catalogue.bulky("Python", 500_000)
    say(f"{len(large)} packages over 500 kB say 'Python' in their summary")

    heading("The largest packages, two pages by keyset")
    token: str | None = None
    for number in (1, 2):
        page = await catalogue.page(token)
        table([f"page {number}", "files", "bytes"], [(p.name, p.file_count, p.bytes) for p in page.items])
        token = page.next_cursor
        if token is None:
            break


async def aggregate(catalogue: CatalogueService) -> None:
    """Count, group and join."""
    heading("Most required")
    rows = await catalogue.most_required()
    installed = "installed"
    table(
        ["package", "needed by", "here"],
        [(row["_id"], row["count"], installed if row["package"] else "not installed") for row in rows],
    )
    heading("Licences")
    table(["licence", "packages", "bytes"], [(r["_id"], r["packages"], r["bytes"]) for r in await catalogue.licences()])
    heading("What takes the room")
    rows = await catalogue.by_suffix()
    table(["suffix", "files", "bytes", "largest"], [(r["_id"] or "-", r["files"], r["bytes"], r["max"]) for r in rows])


async def migrate(store: DocumentStoreProtocol) -> None:
    """Change the documents in an ordered, recorded way, and see what an index does."""
    heading("Migration and plan")
    packages = store.collection("packages")
    wanted = {"requires.name": "typing-extensions"}
    before = packages.find(wanted)
    await before.to_list()
    say(f"before: {await before.explain()}")
    manager = MigrationManager(store)
    manager.add("0001", "look packages up by what they need", CreateIndex("packages", [("requires.name", 1)]))
    manager.add("0002", "mark what was reviewed", AddField("packages", "reviewed", default=False))
    try:
        applied = await manager.apply()
        say(f"applied: {', '.join(applied) or 'nothing, all was applied before'}")
    except UnsupportedFeatureError as error:
        say(f"not applied: {error.message}")
        return
    after = packages.find(wanted)
    await after.to_list()
    say(f"after: {await after.explain()}")


async def transact(catalogue: CatalogueService) -> None:
    """A transaction that fails changes nothing; one that ends well changes everything."""
    heading("Transactions")
    largest = (await catalogue.page(size=1)).items[0]
    try:
        try:
            await catalogue.retire(largest.id, fail=True)
        except RuntimeError as error:
            there = (await catalogue.find(largest.id)).is_ok()
            say(f"rolled back ({error}): {largest.name} is {'still there' if there else 'gone'}")
        removed = await catalogue.retire(largest.id, fail=False)
        there = (await catalogue.find(largest.id)).is_ok()
        say(f"committed, {removed} documents: {largest.name} is {'still there' if there else 'gone'}")
    except UnsupportedFeatureError as error:
        say(error.message)


def configuration(driver: str | None, path: Path) -> LexigramConfig:
    """The configuration of the demo, with another driver if one is named."""
    if driver is not None:
        os.environ["LEX_NOSQL__DRIVER"] = driver
    return LexigramConfig.from_yaml(path)


def main() -> int:
    """Run the demo; the exit code is 0 when all went well."""
    parser = argparse.ArgumentParser(prog="demo", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--driver", help="name of an installed backend (default: memory)")
    parser.add_argument("--config", type=Path, default=HERE / "application.yaml", help="configuration file")
    arguments = parser.parse_args()
    try:
        asyncio.run(run(configuration(arguments.driver, arguments.config)))
    except LexigramError as error:
        print(error.format(), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
