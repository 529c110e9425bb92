"""The container makes repositories."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import pytest
from lexigram import Application
from lexigram.contracts.data.nosql import DocumentRepositoryProtocol, DocumentStoreProtocol
from lexigram.di import Named
from lexigram.di.module import Module, module
from lexigram.nosql import NoSQLConfig, NoSQLModule
from lexigram.nosql.exceptions import DocumentValidationError
from lexigram.nosql.repository import DocumentRepository


@dataclass
class Product:
    """What is sold."""

    id: str
    name: str = ""


@dataclass
class Visit:
    """What is counted."""

    id: str


class Products(DocumentRepository[Product, str]):
    """A repository of one's own, with every argument but the store left as it is."""

    collection_name = "wares"


class Visits(DocumentRepository[Visit, str]):
    """A repository in a named store, with options of its own."""

    def __init__(self, store: Annotated[DocumentStoreProtocol, Named("analytics")]) -> None:
        super().__init__(store, soft_delete=True)


class Catalogue:
    """A service that asks for repositories by contract."""

    def __init__(
        self,
        products: DocumentRepositoryProtocol[Product],
        visits: Annotated[DocumentRepositoryProtocol[Visit], Named("analytics")],
        own: Products,
        store: DocumentStoreProtocol,
    ) -> None:
        self.products = products
        self.visits = visits
        self.own = own
        self.store = store


CONFIG = NoSQLConfig.model_validate(
    {
        "backends": [
            {"name": "main", "primary": True, "driver": "memory"},
            {"name": "analytics", "driver": "memory"},
        ]
    }
)


@module(
    imports=[NoSQLModule.stub(CONFIG), NoSQLModule.scope(Products, Visits)], providers=[Catalogue], exports=[Catalogue]
)
class Shop(Module):
    """What the application is made of."""


async def test_a_service_gets_repositories_by_contract_and_by_class() -> None:
    """In the primary store, and in a named one."""
    async with Application.boot(modules=[Shop]) as app:
        catalogue = await app.container.resolve(Catalogue)

        await catalogue.products.save(Product("a", "Anvil"))
        await catalogue.visits.save(Visit("v"))
        await catalogue.own.save(Product("b"))

        assert isinstance(catalogue.products, DocumentRepositoryProtocol)
        assert isinstance(catalogue.products, DocumentRepository)
        assert await catalogue.products.get("a") == Product("a", "Anvil")
        assert await catalogue.store.list_collections() == ["products", "wares"]
        analytics = await app.container.resolve(Annotated[DocumentStoreProtocol, Named("analytics")])
        assert await analytics.list_collections() == ["visits"]


async def test_a_scoped_repository_has_its_constructors_arguments() -> None:
    """The named store, and the options it sets itself."""

    @module(imports=[NoSQLModule.stub(CONFIG), NoSQLModule.scope(Visits)], exports=[Visits])
    class Counting(Module):
        """The module of one repository."""

    async with Application.boot(modules=[Counting]) as app:
        visits = await app.container.resolve(Visits)
        await visits.save(Visit("a"))
        await visits.delete("a")

        assert await visits.count() == 0
        assert await visits.count(include_deleted=True) == 1


async def test_repositories_of_one_type_are_of_one_collection() -> None:
    """Whoever asks sees the same objects."""
    async with Application.boot(modules=[NoSQLModule.stub()]) as app:
        one = await app.container.resolve(DocumentRepositoryProtocol[Product])
        two = await app.container.resolve(DocumentRepositoryProtocol[Product])
        await one.save(Product("a"))

        assert await two.get("a") == Product("a")


class NotMapped:
    """No dataclass, no model."""


async def test_a_repository_of_what_cannot_be_mapped_is_refused() -> None:
    """With what to do about it."""
    async with Application.boot(modules=[NoSQLModule.stub()]) as app:
        with pytest.raises(DocumentValidationError, match="NotMapped cannot be mapped"):
            await app.container.resolve(DocumentRepositoryProtocol[NotMapped])
