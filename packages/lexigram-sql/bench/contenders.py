"""Who is measured: a driver by itself, the service, builder and repository on it, and those that others write with.

All work on one table of one database, with pools of the same size. On SQLite the file is in memory where the machine
has a place for that, and everyone who can be told so writes ahead of it, so that no one is measured by the disk. What
is read comes back as each contender's users get it: rows, dictionaries or objects.
"""

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, ClassVar

import aiosqlite
import asyncpg
from lexigram.sql import AsyncQueryBuilder, DatabaseService, GenericRepository
from lexigram.sql.config import DatabaseConfig
from sqlalchemy import (
    Boolean,
    Column,
    Double,
    Integer,
    MetaData,
    Table,
    Text,
    event,
    insert,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

__all__ = ["CONTENDERS", "OPERATIONS", "STORED", "Contender", "Place", "clear", "create_table"]

OPERATIONS: dict[str, str] = {
    "select_one": "select by key",
    "insert_one": "insert",
    "select_100": "select 100 rows",
    "insert_1000": "insert 1,000 rows",
    "transaction": "transaction, 2 statements",
}
"""What is measured, and how the tables call it."""

STORED = 100
POOL = 5
_COLUMNS = ("sku", "name", "price", "quantity", "active")
_SELECT = "SELECT id, sku, name, price, quantity, active FROM product"
_PRAGMAS = ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=NORMAL")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a database is.

    Attributes:
        kind: ``sqlite`` or ``postgres``.
        target: The path of the file, or the server's URL.
    """

    kind: str
    target: str

    @property
    def url(self) -> str:
        """The URL."""
        return f"sqlite:///{self.target}" if self.kind == "sqlite" else self.target

    @property
    def alchemy_url(self) -> str:
        """The URL as SQLAlchemy has it."""
        driver = "aiosqlite" if self.kind == "sqlite" else "asyncpg"
        return self.url.replace("://", f"+{driver}://", 1)


@dataclass
class Product:
    """A row as an object."""

    id: int | None = None
    sku: str = ""
    name: str = ""
    price: float = 0.0
    quantity: int = 0
    active: bool = True


def product(number: int) -> dict[str, Any]:
    """A row as applications have them, without its key."""
    return {
        "sku": f"sku-{number}",
        "name": f"Product {number}",
        "price": 9.5 + number % 90,
        "quantity": number % 40,
        "active": number % 3 > 0,
    }


async def create_table(place: Place) -> None:
    """Make the table anew, with the rows that are read."""
    async with DatabaseService(place.url) as db:
        key = "INTEGER PRIMARY KEY AUTOINCREMENT" if place.kind == "sqlite" else "SERIAL PRIMARY KEY"
        await db.execute("DROP TABLE IF EXISTS product")
        await db.execute(
            f"CREATE TABLE product (id {key}, sku TEXT NOT NULL, name TEXT NOT NULL, price DOUBLE PRECISION NOT NULL,"
            " quantity INTEGER NOT NULL, active BOOLEAN NOT NULL)"
        )
        await AsyncQueryBuilder("product").execute_many(db, [product(number) for number in range(1, STORED + 1)])


class Contender(ABC):
    """One of those measured. Each operation takes a number that no other call of it had.

    Args:
        place: Where the database is.
    """

    name: ClassVar[str]
    package: ClassVar[str]
    ours: ClassVar[bool] = False

    def __init__(self, place: Place) -> None:
        self.place = place
        self.many = [product(number) for number in range(1000)]

    @classmethod
    def described(cls) -> str:
        """The name with the version of its package."""
        return f"{cls.name} ({cls.package} {version(cls.package)})"

    @abstractmethod
    async def open(self) -> None:
        """Connect."""

    @abstractmethod
    async def close(self) -> None:
        """Disconnect."""

    @abstractmethod
    async def select_one(self, number: int) -> Any:
        """Read one of the stored rows by its key."""

    @abstractmethod
    async def select_100(self, number: int) -> Any:
        """Read all stored rows."""

    @abstractmethod
    async def insert_one(self, number: int) -> Any:
        """Insert a row, and know its key."""

    @abstractmethod
    async def insert_1000(self, number: int) -> Any:
        """Insert 1,000 rows, all or none."""

    @abstractmethod
    async def transaction(self, number: int) -> Any:
        """Insert a row and change another one, both or none."""


def _key(number: int) -> int:
    return number % STORED + 1


class RawPostgres(Contender):
    """asyncpg's pool by itself."""

    name = "driver by itself"
    package = "asyncpg"

    async def open(self) -> None:
        self.pool = await asyncpg.create_pool(self.place.url, min_size=1, max_size=POOL)

    async def close(self) -> None:
        await self.pool.close()

    async def select_one(self, number: int) -> Any:
        return await self.pool.fetchrow(f"{_SELECT} WHERE id = $1", _key(number))

    async def select_100(self, number: int) -> Any:
        return await self.pool.fetch(f"{_SELECT} WHERE id <= $1 ORDER BY id", STORED)

    async def insert_one(self, number: int) -> Any:
        return await self.pool.fetchval(f"{_INSERT_PG} RETURNING id", *product(number).values())

    async def insert_1000(self, number: int) -> Any:
        await self.pool.executemany(_INSERT_PG, [tuple(row.values()) for row in self.many])

    async def transaction(self, number: int) -> Any:
        async with self.pool.acquire() as connection, connection.transaction():
            await connection.execute(_INSERT_PG, *product(number).values())
            await connection.execute("UPDATE product SET quantity = $1 WHERE id = $2", number % 40, _key(number))


_INSERT_PG = f"INSERT INTO product ({', '.join(_COLUMNS)}) VALUES ($1, $2, $3, $4, $5)"
_INSERT_LITE = f"INSERT INTO product ({', '.join(_COLUMNS)}) VALUES (?, ?, ?, ?, ?)"


class RawSQLite(Contender):
    """One connection of aiosqlite by itself."""

    name = "driver by itself"
    package = "aiosqlite"

    async def open(self) -> None:
        self.db = await aiosqlite.connect(self.place.target)
        for pragma in _PRAGMAS:
            await self.db.execute(pragma)

    async def close(self) -> None:
        await self.db.close()

    async def select_one(self, number: int) -> Any:
        async with self.db.execute(f"{_SELECT} WHERE id = ?", (_key(number),)) as cursor:
            return _row(await cursor.fetchone())

    async def select_100(self, number: int) -> Any:
        async with self.db.execute(f"{_SELECT} WHERE id <= ? ORDER BY id", (STORED,)) as cursor:
            return [_row(row) for row in await cursor.fetchall()]

    async def insert_one(self, number: int) -> Any:
        async with self.db.execute(_INSERT_LITE, tuple(product(number).values())) as cursor:
            key = cursor.lastrowid
        await self.db.commit()
        return key

    async def insert_1000(self, number: int) -> Any:
        await self.db.executemany(_INSERT_LITE, [tuple(row.values()) for row in self.many])
        await self.db.commit()

    async def transaction(self, number: int) -> Any:
        await self.db.execute("BEGIN")
        await self.db.execute(_INSERT_LITE, tuple(product(number).values()))
        await self.db.execute("UPDATE product SET quantity = ? WHERE id = ?", (number % 40, _key(number)))
        await self.db.commit()


def _row(row: Any) -> Any:
    """A row of sqlite3 as its users take it: by position."""
    return row


class _Lexigram(Contender):
    ours = True
    package = "lexigram-sql"

    async def open(self) -> None:
        config = DatabaseConfig.model_validate({"url": self.place.url, "pool_size": POOL, "max_overflow": 0})
        self.db = DatabaseService(config)
        await self.db.connect()

    async def close(self) -> None:
        await self.db.disconnect()


class Builder(_Lexigram):
    """Queries described in Python for each call."""

    name = "Lexigram builder"

    async def select_one(self, number: int) -> Any:
        return await AsyncQueryBuilder("product").where("id", "=", _key(number)).fetch_one(self.db)

    async def select_100(self, number: int) -> Any:
        return await AsyncQueryBuilder("product").where("id", "<=", STORED).order_by("id").fetch(self.db)

    async def insert_one(self, number: int) -> Any:
        return (await self.db.execute_insert("product", product(number))).inserted_id

    async def insert_1000(self, number: int) -> Any:
        return await AsyncQueryBuilder("product").execute_many(self.db, self.many)

    async def transaction(self, number: int) -> Any:
        async with self.db.transaction():
            await AsyncQueryBuilder("product").insert(product(number)).execute(self.db)
            change = AsyncQueryBuilder("product").update({"quantity": number % 40})
            await change.where("id", "=", _key(number)).execute(self.db)


class Repository(_Lexigram):
    """Objects of a dataclass."""

    name = "Lexigram repository"

    async def open(self) -> None:
        await super().open()
        self.products = GenericRepository[Product, int](self.db, "product", Product)

    async def select_one(self, number: int) -> Any:
        return await self.products.get(_key(number))

    async def select_100(self, number: int) -> Any:
        return await self.products.find_many(id__lte=STORED, sort_by="id")

    async def insert_one(self, number: int) -> Any:
        return (await self.products.create(Product(**product(number)))).id

    async def insert_1000(self, number: int) -> Any:
        return await self.products.bulk_create([Product(**row) for row in self.many])

    async def transaction(self, number: int) -> Any:
        async with self.db.transaction():
            await self.products.create(Product(**product(number)))
            change = AsyncQueryBuilder("product").update({"quantity": number % 40})
            await change.where("id", "=", _key(number)).execute(self.db)


_TABLE = Table(
    "product",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("sku", Text),
    Column("name", Text),
    Column("price", Double),
    Column("quantity", Integer),
    Column("active", Boolean),
)


def _engine(place: Place) -> AsyncEngine:
    engine = create_async_engine(place.alchemy_url, pool_size=POOL, max_overflow=0)
    if place.kind == "sqlite":

        @event.listens_for(engine.sync_engine, "connect")
        def settle(connection: Any, _: Any) -> None:
            cursor = connection.cursor()
            for pragma in _PRAGMAS:
                cursor.execute(pragma)
            cursor.close()

    return engine


class AlchemyCore(Contender):
    """SQLAlchemy Core."""

    name = "SQLAlchemy Core"
    package = "sqlalchemy"

    async def open(self) -> None:
        self.engine = _engine(self.place)

    async def close(self) -> None:
        await self.engine.dispose()

    async def select_one(self, number: int) -> Any:
        async with self.engine.connect() as connection:
            found = await connection.execute(select(_TABLE).where(_TABLE.c.id == _key(number)))
            return found.mappings().first()

    async def select_100(self, number: int) -> Any:
        async with self.engine.connect() as connection:
            found = await connection.execute(select(_TABLE).where(_TABLE.c.id <= STORED).order_by(_TABLE.c.id))
            return found.mappings().all()

    async def insert_one(self, number: int) -> Any:
        async with self.engine.begin() as connection:
            done = await connection.execute(insert(_TABLE).values(product(number)))
            return done.inserted_primary_key[0]

    async def insert_1000(self, number: int) -> Any:
        async with self.engine.begin() as connection:
            await connection.execute(insert(_TABLE), self.many)

    async def transaction(self, number: int) -> Any:
        async with self.engine.begin() as connection:
            await connection.execute(insert(_TABLE).values(product(number)))
            change = update(_TABLE).values(quantity=number % 40).where(_TABLE.c.id == _key(number))
            await connection.execute(change)


class _Base(DeclarativeBase):
    """Of the mapped class."""


class _Mapped(_Base):
    __tablename__ = "product"
    id: Mapped[int] = mapped_column(primary_key=True)
    sku: Mapped[str]
    name: Mapped[str]
    price: Mapped[float]
    quantity: Mapped[int]
    active: Mapped[bool]


class AlchemyOrm(Contender):
    """SQLAlchemy's ORM, a session for each piece of work."""

    name = "SQLAlchemy ORM"
    package = "sqlalchemy"

    async def open(self) -> None:
        self.engine = _engine(self.place)
        self.session = async_sessionmaker(self.engine, expire_on_commit=False)

    async def close(self) -> None:
        await self.engine.dispose()

    async def select_one(self, number: int) -> Any:
        async with self.session() as session:
            return await session.get(_Mapped, _key(number))

    async def select_100(self, number: int) -> Any:
        async with self.session() as session:
            found = await session.scalars(select(_Mapped).where(_Mapped.id <= STORED).order_by(_Mapped.id))
            return found.all()

    async def insert_one(self, number: int) -> Any:
        async with self.session.begin() as session:
            made = _Mapped(**product(number))
            session.add(made)
            await session.flush()
            return made.id

    async def insert_1000(self, number: int) -> Any:
        async with self.session.begin() as session:
            session.add_all([_Mapped(**row) for row in self.many])

    async def transaction(self, number: int) -> Any:
        async with self.session.begin() as session:
            session.add(_Mapped(**product(number)))
            await session.flush()
            change = update(_Mapped).values(quantity=number % 40).where(_Mapped.id == _key(number))
            await session.execute(change.execution_options(synchronize_session=False))


class AdvancedAlchemy(AlchemyOrm):
    """advanced-alchemy's repository, with a session for each piece of work."""

    name = "advanced-alchemy"
    package = "advanced-alchemy"

    async def open(self) -> None:
        from advanced_alchemy.repository import SQLAlchemyAsyncRepository

        await super().open()
        self.kind: Any = type("Products", (SQLAlchemyAsyncRepository,), {"model_type": _Mapped})

    async def select_one(self, number: int) -> Any:
        async with self.session() as session:
            return await self.kind(session=session).get(_key(number))

    async def select_100(self, number: int) -> Any:
        async with self.session() as session:
            return await self.kind(session=session).list(_Mapped.id <= STORED, order_by=[(_Mapped.id, False)])

    async def insert_one(self, number: int) -> Any:
        async with self.session() as session:
            return (await self.kind(session=session).add(_Mapped(**product(number)), auto_commit=True)).id

    async def insert_1000(self, number: int) -> Any:
        async with self.session() as session:
            await self.kind(session=session).add_many([_Mapped(**row) for row in self.many], auto_commit=True)

    async def transaction(self, number: int) -> Any:
        async with self.session.begin() as session:
            await self.kind(session=session).add(_Mapped(**product(number)))
            change = update(_Mapped).values(quantity=number % 40).where(_Mapped.id == _key(number))
            await session.execute(change.execution_options(synchronize_session=False))


class Tortoise(Contender):
    """Tortoise."""

    name = "Tortoise"
    package = "tortoise-orm"

    async def open(self) -> None:
        from peers import TortoiseProduct
        from tortoise import Tortoise as Registry

        sizes = f"?minsize=1&maxsize={POOL}"
        url = f"sqlite://{self.place.target}?journal_mode=WAL&synchronous=NORMAL"
        if self.place.kind == "postgres":
            url = self.place.url.replace("postgresql://", "asyncpg://") + sizes
        # Statements are kept by the name of the connection, so it must not be the same for both databases.
        place = f"bench_{self.place.kind}"
        apps = {"models": {"models": ["peers"], "default_connection": place}}
        await Registry.init(config={"connections": {place: url}, "apps": apps})
        self.model: Any = TortoiseProduct

    async def close(self) -> None:
        from tortoise import Tortoise as Registry

        await Registry.close_connections()

    async def select_one(self, number: int) -> Any:
        return await self.model.get(id=_key(number))

    async def select_100(self, number: int) -> Any:
        return await self.model.filter(id__lte=STORED).order_by("id")

    async def insert_one(self, number: int) -> Any:
        return (await self.model.create(**product(number))).id

    async def insert_1000(self, number: int) -> Any:
        await self.model.bulk_create([self.model(**row) for row in self.many])

    async def transaction(self, number: int) -> Any:
        from tortoise.transactions import in_transaction

        async with in_transaction():
            await self.model.create(**product(number))
            await self.model.filter(id=_key(number)).update(quantity=number % 40)


class Piccolo(Contender):
    """Piccolo, whose SQLite engine opens a connection for each query."""

    name = "Piccolo"
    package = "piccolo"

    async def open(self) -> None:
        from peers import piccolo_engine, piccolo_model

        self.engine: Any = piccolo_engine(self.place.kind, self.place.target)
        self.model: Any = piccolo_model(self.engine)
        if self.place.kind == "postgres":
            await self.engine.start_connection_pool(min_size=1, max_size=POOL)

    async def close(self) -> None:
        if self.place.kind == "postgres":
            await self.engine.close_connection_pool()

    async def select_one(self, number: int) -> Any:
        return await self.model.objects().get(self.model.id == _key(number))

    async def select_100(self, number: int) -> Any:
        return await self.model.objects().where(self.model.id <= STORED).order_by(self.model.id)

    async def insert_one(self, number: int) -> Any:
        made = self.model(**product(number))
        await made.save()
        return made.id

    async def insert_1000(self, number: int) -> Any:
        await self.model.insert(*[self.model(**row) for row in self.many])

    async def transaction(self, number: int) -> Any:
        async with self.engine.transaction():
            await self.model(**product(number)).save()
            change = self.model.update({self.model.quantity: number % 40})
            await change.where(self.model.id == _key(number))


_PEERS: tuple[type[Contender], ...] = (AlchemyCore, AlchemyOrm, AdvancedAlchemy, Tortoise, Piccolo)
CONTENDERS: dict[str, tuple[type[Contender], ...]] = {
    "sqlite": (RawSQLite, Builder, Repository, *_PEERS),
    "postgres": (RawPostgres, Builder, Repository, *_PEERS),
}
"""Who is measured on each database; the first is the measure."""


async def clear(place: Place) -> None:
    """Remove what was inserted, outside of what is measured."""
    if place.kind == "sqlite":
        connection = sqlite3.connect(place.target)
        with connection:
            connection.execute(f"DELETE FROM product WHERE id > {STORED}")
        connection.close()
        return
    connection = await asyncpg.connect(place.url)
    await connection.execute(f"DELETE FROM product WHERE id > {STORED}")
    await connection.execute("VACUUM product")
    await connection.close()
