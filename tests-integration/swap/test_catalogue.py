"""The demo's service and repository run unchanged on every backend, and every answer is the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pytest
from lexigram import Application
from lexigram.config import LexigramConfig
from lexigram.contracts.data.nosql.nosql import DocumentStoreProtocol
from lexigram.nosql import AddField, CreateIndex, DocumentQueryBuilder, MigrationManager
from swap.conftest import BACKENDS

LICENCES = ["MIT", "BSD-3-Clause", "Apache-2.0"]


def things() -> tuple[list[Any], list[Any]]:
    """Packages that need each other, and files of theirs."""
    from models import InstalledFile, Package, Requirement

    packages = [
        Package(
            id=f"package-{number:02}",
            name=f"Package_{number:02}",
            version=f"1.{number}",
            summary=f"{'Python' if number % 2 else 'Another'} thing, number {number}: “odd”",
            license=LICENCES[number % 3],
            requires=[
                Requirement(f"package-{other:02}", f">={other}", "extra" if other % 5 == 4 else None)
                for other in range(number)
                if number % (other + 2) == 0
            ],
            file_count=number,
            bytes=number * 37_000 % 500_000,
        )
        for number in range(20)
    ]
    files = [
        InstalledFile(
            f"{package.id}:f{number}", package.id, f"f{number}", (".py", ".so", "")[number % 3], number * 1009
        )
        for package in packages
        for number in range(5)
    ]
    return packages, files


async def answers(config: LexigramConfig) -> dict[str, Any]:
    """What the service says on a backend."""
    from main import CatalogueModule
    from service import CatalogueService

    packages, files = things()
    told: dict[str, Any] = {}
    async with Application.boot(name="catalogue", modules=[CatalogueModule], config=config) as app:
        store = await app.container.resolve(DocumentStoreProtocol)
        catalogue = await app.container.resolve(CatalogueService)
        told["backend"] = (await store.health_check()).details["backend"]
        told["loaded"] = [await catalogue.load(packages, files) for _ in range(2)]
        told["found"] = [str(await catalogue.find(name)) for name in ("package-07", "no-such-package")]
        built = (
            DocumentQueryBuilder()
            .where_between("bytes", 100_000, 400_000)
            .where("requires.name", "package-01")
            .sort_by("bytes", descending=True)
            .limit(4)
            .build()
        )
        told["search"] = [asdict(package) for package in await catalogue.search(built)]
        bulky = await catalogue.bulky("Python", 200_000)
        told["bulky"] = sorted(package.id for package in bulky)
        told["pages"], token = [], None
        while True:
            page = await catalogue.page(token, 6)
            told["pages"].append([package.id for package in page.items])
            token = page.next_cursor
            if token is None:
                break
        rows = await catalogue.most_required()
        told["required"] = [
            (row["_id"], row["count"], sorted(row["needed_by"]), [package["name"] for package in row["package"]])
            for row in rows
        ]
        told["licences"] = await catalogue.licences()
        told["suffixes"] = await catalogue.by_suffix()
        manager = MigrationManager(store)
        manager.add("1", "index and field", CreateIndex("packages", [("requires.name", 1)], name="by_requirement"))
        manager.add("2", "a field", AddField("packages", "checked", default=False))
        await manager.apply()
        wanted = {"requires.name": "package-01", "checked": False}
        told["migrated"] = await store.collection("packages").count_documents(wanted)
        with pytest.raises(RuntimeError, match="changed our mind"):
            await catalogue.retire("package-03", fail=True)
        told["rolled back"] = (await catalogue.find("package-03")).is_ok()
        told["retired"] = await catalogue.retire("package-03", fail=False)
        told["gone"] = (await catalogue.find("package-03")).is_ok()
        told["left"] = await store.collection("files").count_documents()
    return told


@pytest.mark.timeout(180)
@pytest.mark.parametrize("backend", BACKENDS[1:])
async def test_every_answer_is_that_of_the_embedded_store(
    backend: str, section: Callable[[str], dict[str, Any]]
) -> None:
    """Loading, finding, pages, pipelines, a migration, transactions."""

    async def of(name: str) -> dict[str, Any]:
        chosen = {"driver": name, name: section(name)} if name != "memory" else {"driver": name}
        return await answers(LexigramConfig.from_dict({"app_name": "catalogue", "nosql": chosen}))

    here, there = await of("memory"), await of(backend)
    assert (here.pop("backend"), there.pop("backend")) == ("memory", backend)
    assert there == here
    assert here["rolled back"]
    assert here["retired"] == 6
