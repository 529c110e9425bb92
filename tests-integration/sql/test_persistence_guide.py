"""What the guide to persistence and the page on architecture show, done with every database."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import pytest
import pytest_asyncio
from lexigram import Application
from lexigram.config import LexigramConfig
from lexigram.contracts.data.sql.database import DatabaseProviderProtocol
from lexigram.contracts.data.types import FieldEq, FieldGt, FieldIn
from lexigram.di.module import Module, module
from lexigram.result import Err, Ok, Result
from lexigram.sql.config import DatabaseConfig
from lexigram.sql.module import DatabaseModule
from lexigram.sql.providers import DatabaseService
from lexigram.sql.query import AsyncQueryBuilder, Operator, PredicateCompiler
from lexigram.sql.repositories import GenericRepository
from lexigram.sql.sessions import DbSession
from sql.place import Opener, Place


@dataclass
class Product:
    """Of the domain."""

    id: str
    name: str
    stock: int = 0


@dataclass
class User:
    """Of the domain."""

    id: str
    name: str
    status: str = "active"


@runtime_checkable
class ProductRepository(Protocol):
    """What the domain asks for."""

    async def find(self, product_id: str) -> Result[Product, str]: ...
    async def save(self, product: Product) -> Result[None, str]: ...


class SqlProductRepository:
    """Keeps the contract of the domain with a repository inside."""

    def __init__(self, provider: DatabaseProviderProtocol) -> None:
        self._products = GenericRepository[Product, str](provider, "products", Product)

    async def find(self, product_id: str) -> Result[Product, str]:
        found = await self._products.get(product_id)
        return Err(f"no product {product_id}") if found is None else Ok(found)

    async def save(self, product: Product) -> Result[None, str]:
        await self._products.save(product)
        return Ok(None)


class UserRepository(GenericRepository[User, str]):
    """A table and a class."""

    def __init__(self, provider: DatabaseProviderProtocol) -> None:
        super().__init__(provider, table_name="users", entity_class=User)

    async def find_by_custom(self, value: str) -> list[User]:
        rows = await self.provider.execute_query("SELECT * FROM users WHERE name = $1", [value])  # type: ignore[attr-defined]
        return [self._row_to_entity(row) for row in rows.rows]


class UserService:
    """Asks the repository."""

    def __init__(self, repo: UserRepository) -> None:
        self.repo = repo

    async def find_active(self) -> list[User]:
        return await self.repo.find_many(status="active", offset=0, limit=100)


@pytest_asyncio.fixture
async def db(open_db: Opener, place: Place) -> DatabaseService:
    """Return a database with the guide's tables."""
    opened: DatabaseService = await open_db()
    await opened.execute("CREATE TABLE products (id VARCHAR(40) PRIMARY KEY, name VARCHAR(100), stock INTEGER)")
    stamp = place["TIMESTAMP | TIMESTAMP | DATETIME(6)"]
    await opened.execute(
        f"CREATE TABLE users (id VARCHAR(40) PRIMARY KEY, name VARCHAR(100), status VARCHAR(20), created_at {stamp})"
    )
    return opened


async def test_a_domain_contract_is_kept_by_a_repository(db: DatabaseService) -> None:
    """The service knows the contract only."""
    products = SqlProductRepository(db)
    assert isinstance(products, ProductRepository)
    assert (await products.find("p1")).is_err()
    assert (await products.save(Product("p1", "Lamp"))).is_ok()
    await products.save(Product("p1", "Lamp", stock=3))
    assert (await products.find("p1")).unwrap() == Product("p1", "Lamp", 3)


async def test_a_repository_class_is_a_table_and_a_class(db: DatabaseService) -> None:
    """With methods of its own beside the inherited ones."""
    users = UserRepository(db)
    await users.bulk_create([User("1", "Ada"), User("2", "Bob", "gone")])
    assert await UserService(users).find_active() == [User("1", "Ada")]
    assert await users.find_by_custom("Bob") == [User("2", "Bob", "gone")]


async def test_the_builder_of_the_page_on_architecture_runs(db: DatabaseService) -> None:
    """As it is written there."""
    await db.execute("INSERT INTO users VALUES ('1', 'Ada', 'active', '2026-01-01'), ('2', 'Bob', 'gone', NULL)")
    query = (
        AsyncQueryBuilder()
        .select("id", "name")
        .from_table("users")
        .where("status", Operator.EQ, "active")
        .order_by("created_at", "DESC")
        .limit(20)
    )
    sql, params = query.build()
    assert sql.startswith("SELECT")
    assert params == ("active", 20)
    assert await query.fetch(db) == [{"id": "1", "name": "Ada"}]


async def test_filter_expressions_are_the_same_in_the_database_and_in_memory(db: DatabaseService) -> None:
    """One predicate, two places."""
    products = GenericRepository[Product, str](db, "products", Product)
    stock = [Product("a", "Lamp", 1), Product("b", "Lamp", 9), Product("c", "Desk", 9)]
    await products.bulk_create(stock)
    for expression in (FieldEq("name", "Lamp"), FieldGt("stock", 1) & FieldEq("name", "Lamp"), ~FieldIn("id", ("a",))):
        keep = PredicateCompiler().compile(expression)
        found = await products.find_many(expression, sort_by="id")
        assert found == [one for one in stock if keep(one)]
        assert found


async def test_a_transaction_commits_or_leaves_nothing(db: DatabaseService) -> None:
    """By how its block ends."""
    async with db.transaction():
        await db.execute_query("INSERT INTO users (id, name) VALUES ('1', 'Ada')")

    async def halfway() -> None:
        async with db.transaction():
            await db.execute_query("INSERT INTO users (id, name) VALUES ('2', 'Bob')")
            raise RuntimeError("halfway")

    with pytest.raises(RuntimeError, match="halfway"):
        await halfway()
    assert [row["id"] for row in (await db.execute_query("SELECT id FROM users")).rows] == ["1"]


async def test_an_application_finds_the_database_of_its_configuration(place: Place, tmp_path: Path) -> None:
    """Of the section and the keys that the guide names, with the driver in the URL."""
    file = tmp_path / "application.yaml"
    scheme, _, rest = place.url.partition("://")
    url = f"{scheme}+{place['aiosqlite | asyncpg | aiomysql']}://{rest}"
    file.write_text(
        f'database:\n  url: "{url}"\n  echo: false\n  pool_size: 20\n  pool_timeout: 30\n', encoding="utf-8"
    )
    config = LexigramConfig.from_yaml(file)
    section = config.get_section("database", DatabaseConfig)
    assert (section.pool.max_size, section.pool.acquire_timeout.total_seconds) == (20, 30)
    async with Application.boot(config=config, modules=[DatabaseModule.configure()]) as app:
        db = await app.container.resolve(DatabaseProviderProtocol)
        await db.execute("CREATE TABLE products (id VARCHAR(40) PRIMARY KEY, name TEXT, stock INTEGER)")
        products = SqlProductRepository(db)
        await products.save(Product("p1", "Lamp"))
        async with app.container.scope() as scoped:
            session = await scoped.resolve(DbSession)
            result = await session.execute("SELECT * FROM products")
        assert list(result) == [{"id": "p1", "name": "Lamp", "stock": 0}]


async def test_a_module_offers_databases_and_a_part_of_it_repositories(place: Place) -> None:
    """``configure()`` once, ``scope()`` where the repositories are."""

    @module(
        imports=[DatabaseModule.configure(place.url), DatabaseModule.scope(UserRepository)],
        providers=[UserService],
        exports=[UserService],
    )
    class Users(Module):
        """Has the service."""

    async with Application.boot(modules=[Users]) as app:
        db = await app.container.resolve(DatabaseProviderProtocol)
        await db.execute("CREATE TABLE users (id VARCHAR(40) PRIMARY KEY, name TEXT, status TEXT)")
        service = await app.container.resolve(UserService)
        await service.repo.create(User("1", "Ada"))
        assert await service.find_active() == [User("1", "Ada")]
