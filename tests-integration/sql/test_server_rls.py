"""PostgreSQL guards a table by itself under a policy: nothing passes on from task to task, and nobody sees nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio
from lexigram.sql.exceptions import DatabaseError, DataQueryError, TenantScopingError
from lexigram.sql.providers import DatabaseService
from lexigram.sql.repositories import GenericRepository, RowLevelSecurityPolicy, ScopeColumn, enforced, server_policy
from sql.place import Opener, Place


@dataclass
class Order:
    """Somebody's."""

    id: int | None = None
    name: str = ""
    tenant_id: str | None = None


POLICY = RowLevelSecurityPolicy([ScopeColumn("tenant_id")])


@pytest_asyncio.fixture
async def guarded(open_db: Opener, place: Place) -> AsyncIterator[DatabaseService]:
    """Yield a database with one connection, as a role that is no superuser, and a table that the server guards."""
    owner: DatabaseService = await open_db()
    schema = place.url.rpartition("search_path=")[2]
    role = f"role_{schema}"
    await owner.execute("CREATE TABLE orders (id SERIAL PRIMARY KEY, name TEXT, tenant_id TEXT NOT NULL)")
    for statement in server_policy(POLICY, "orders"):
        await owner.execute(statement)
    await owner.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'pass-of-role'")
    await owner.execute(f"GRANT USAGE ON SCHEMA {schema} TO {role}")
    await owner.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA {schema} TO {role}")
    await owner.execute(f"GRANT ALL ON ALL SEQUENCES IN SCHEMA {schema} TO {role}")
    scheme, _, rest = place.url.partition("://")
    url = f"{scheme}://{role}:pass-of-role@{rest.rpartition('@')[2]}"
    try:
        async with DatabaseService(f"{url}&application_name=guarded") as db:
            yield db
    finally:
        await owner.execute(f"DROP OWNED BY {role}")
        await owner.execute(f"DROP ROLE {role}")


pytestmark = pytest.mark.parametrize("kind", ["postgres"], indirect=True)


async def names(db: DatabaseService) -> list[str]:
    return [row["name"] for row in await db.fetch("SELECT name FROM orders ORDER BY name")]


async def test_statements_of_every_kind_are_held_to_the_tenant(guarded: DatabaseService) -> None:
    """Raw ones by the server alone, those of repositories twice."""
    orders = GenericRepository[Order, int](guarded, "orders", Order, rls_policy=POLICY)
    for tenant in ("acme", "other"):
        async with enforced(POLICY, guarded, tenant_id=tenant):
            await orders.bulk_create(Order(name=f"{tenant}{number}") for number in range(30))
            assert len(await names(guarded)) == await orders.count() == 30
    async with enforced(POLICY, guarded, tenant_id="acme"):
        assert (await guarded.execute("UPDATE orders SET name = 'changed'")).row_count == 30
        assert (await guarded.execute("DELETE FROM orders WHERE tenant_id = 'other'")).row_count == 0
    with pytest.raises(DatabaseError):
        async with enforced(POLICY, guarded, tenant_id="acme"):
            await guarded.execute("INSERT INTO orders (name, tenant_id) VALUES ('x', 'other')")
    async with enforced(POLICY, guarded, tenant_id="other"):
        assert "changed" not in await names(guarded)


async def test_a_connection_that_is_lent_again_knows_no_tenant(guarded: DatabaseService) -> None:
    """After a clean end, an error and a cancellation; with tasks of two tenants at once on few connections."""
    async with enforced(POLICY, guarded, tenant_id="acme"):
        await guarded.execute("INSERT INTO orders (name, tenant_id) VALUES ('a', 'acme')")
    assert await names(guarded) == []

    async def halfway() -> None:
        async with enforced(POLICY, guarded, tenant_id="acme"):
            assert await names(guarded) == ["a"]
            raise LookupError

    with pytest.raises(LookupError):
        await halfway()
    assert await names(guarded) == []

    inside = asyncio.Event()

    async def wait() -> None:
        async with enforced(POLICY, guarded, tenant_id="acme"):
            await names(guarded)
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(wait())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await names(guarded) == []

    async def work(number: int) -> None:
        tenant = ("acme", "other", "")[number % 3]
        async with enforced(POLICY, guarded, tenant_id=tenant):
            assert await names(guarded) == (["a"] if tenant == "acme" else [])
        assert await names(guarded) == []

    await asyncio.gather(*(work(number) for number in range(60)))


@pytest.mark.parametrize("nobody", [None, "", "  "])
async def test_nobody_sees_and_writes_nothing(guarded: DatabaseService, nobody: str | None) -> None:
    """Not even rows whose tenant is blank, made round the guard."""
    orders = GenericRepository[Order, int](guarded, "orders", Order, rls_policy=POLICY)
    async with enforced(POLICY, guarded, tenant_id=nobody):
        assert await orders.find_many() == []
        with pytest.raises(TenantScopingError):
            await orders.create(Order(name="x"))
        assert await names(guarded) == []
    for tenant in ("", "acme"):
        with pytest.raises(DatabaseError):
            async with enforced(POLICY, guarded, tenant_id=nobody):
                await guarded.execute("INSERT INTO orders (name, tenant_id) VALUES ('x', ?)", [tenant])


async def test_one_inside_another_holds_until_its_end(guarded: DatabaseService) -> None:
    """Whether it ends well or not."""
    async with enforced(POLICY, guarded, tenant_id="acme"):
        await guarded.execute("INSERT INTO orders (name, tenant_id) VALUES ('a', 'acme')")
        async with enforced(POLICY, guarded, tenant_id="other"):
            assert await names(guarded) == []
        assert await names(guarded) == ["a"]
        with pytest.raises(LookupError):
            async with enforced(POLICY, guarded, tenant_id="other"):
                raise LookupError
        assert await names(guarded) == ["a"]


async def test_values_that_could_be_anything_are_refused(guarded: DatabaseService) -> None:
    """Before anything is sent."""
    with pytest.raises(DataQueryError):
        async with enforced(POLICY, guarded, tenant_id=["acme"]):
            pass
    with pytest.raises(DataQueryError):
        server_policy(POLICY, "orders", prefix="app'; DROP TABLE orders; --")
