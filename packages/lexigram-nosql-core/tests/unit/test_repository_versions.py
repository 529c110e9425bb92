"""A versioned repository refuses to save what somebody else changed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any, NotRequired

import pytest
from lexigram.nosql.backends.memory import InMemoryDocumentStore
from lexigram.nosql.exceptions import (
    BulkWriteError,
    DocumentNotFoundError,
    DocumentValidationError,
    DuplicateKeyError,
    TransactionError,
    VersionConflictError,
    WriteConflictError,
)
from lexigram.nosql.repository import DocumentRepository, tenant_scope
from typing_extensions import TypedDict


@dataclass(frozen=True)
class Account:
    """What is counted."""

    id: str = ""
    balance: int = 0
    version: int = 0


class Accounts(DocumentRepository[Account, str]):
    """Its repository."""


class ByNumber(DocumentRepository[Account, str]):
    """The same, with the id in another field."""

    collection_name = "numbered"
    id_field = "number"


@pytest.fixture
async def store() -> AsyncIterator[InMemoryDocumentStore]:
    """A store in memory."""
    async with InMemoryDocumentStore() as opened:
        yield opened


@pytest.fixture(params=[Accounts, ByNumber])
def accounts(request: pytest.FixtureRequest, store: InMemoryDocumentStore) -> DocumentRepository[Account, str]:
    """A versioned repository."""
    return request.param(store, versioned=True)


Repository = DocumentRepository[Account, str]


async def test_a_version_counts_the_changes(accounts: Repository) -> None:
    """From 1."""
    first = await accounts.save(Account("a"))
    second = await accounts.save(replace(first, balance=5))

    assert (first.version, second.version) == (1, 2)
    assert await accounts.get("a") == second
    assert (await accounts.save(Account())).version == 1
    assert (await accounts.save(replace(second, id=""))).version == 1
    assert await accounts.count() == 3


async def test_saving_an_old_version_is_a_conflict(accounts: Repository) -> None:
    """The error says of what, and which version it was."""
    first = await accounts.save(Account("a"))
    second = await accounts.save(replace(first, balance=5))

    with pytest.raises(VersionConflictError, match="'a' was changed or removed since version 1 was read") as caught:
        await accounts.save(replace(first, balance=9))

    assert caught.value.document_id == "a"
    assert caught.value.expected == 1
    assert caught.value.collection == accounts.collection.name
    assert await accounts.get("a") == second


async def test_saving_what_is_already_there_as_new_is_a_conflict(accounts: Repository) -> None:
    """And makes no second document."""
    await accounts.save(Account("a", 1))

    with pytest.raises(VersionConflictError, match="was stored by somebody else"):
        await accounts.save(Account("a", 2))

    assert [account.balance for account in await accounts.list()] == [1]


async def test_saving_what_was_removed_is_a_conflict(accounts: Repository) -> None:
    """It does not come back."""
    first = await accounts.save(Account("a"))
    await accounts.delete("a")

    with pytest.raises(VersionConflictError):
        await accounts.save(first)

    assert await accounts.count() == 0


async def test_a_document_from_before_versions_becomes_the_first(store: InMemoryDocumentStore) -> None:
    """It has none, or None."""
    accounts = Accounts(store, versioned=True)
    await accounts.collection.insert_many([{"_id": "a", "balance": 1}, {"_id": "b", "balance": 1, "version": 0}])
    found = [await accounts.get("a"), await accounts.get("b")]

    for account in found:
        assert account is not None
        assert (await accounts.save(account)).version == 1
    assert await accounts.count() == 2


@pytest.mark.parametrize("version", ["1", 1.0, True, -1])
async def test_a_version_is_a_number_that_counts(store: InMemoryDocumentStore, version: Any) -> None:
    """Anything else is refused."""

    @dataclass
    class Loose:
        id: str
        version: Any

    loose = DocumentRepository(store, entity=Loose, versioned=True, collection_name="loose")

    with pytest.raises(DocumentValidationError, match="must be an int of 0 or more"):
        await loose.save(Loose("a", version))


class Typed(TypedDict):
    """A typed mapping that may leave out the version."""

    id: str
    version: NotRequired[int | None]


async def test_a_version_that_is_left_out_is_none_yet(store: InMemoryDocumentStore) -> None:
    """Or None."""
    typed = DocumentRepository(store, entity=Typed, versioned=True)

    assert (await typed.save({"id": "a"})) == {"id": "a", "version": 1}
    assert (await typed.save({"id": "b", "version": None})) == {"id": "b", "version": 1}


async def test_a_mapping_of_ones_own_must_give_the_version(store: InMemoryDocumentStore) -> None:
    """Else every second save would be a conflict."""

    class Own(DocumentRepository[Account, str]):
        async def _document_to_entity(self, document: dict[str, Any]) -> Account:
            return Account(document["_id"], version=document["version"])

        async def _entity_to_document(self, entity: Account) -> dict[str, Any]:
            return {"_id": entity.id}

    with pytest.raises(DocumentValidationError, match="gives no 'version'"):
        await Own(store, versioned=True).save(Account("a"))


async def test_of_a_hundred_savers_one_wins_each_version(accounts: Repository) -> None:
    """No change is lost."""
    await accounts.save(Account("a"))
    conflicts = 0

    async def add() -> None:
        nonlocal conflicts
        while True:
            account = await accounts.get("a")
            assert account is not None
            await asyncio.sleep(0)
            try:
                await accounts.save(replace(account, balance=account.balance + 1))
            except VersionConflictError:
                conflicts += 1
            else:
                return

    await asyncio.gather(*(add() for _ in range(100)))

    assert await accounts.get("a") == Account("a", 100, 101)
    assert conflicts


async def test_of_a_hundred_that_make_it_one_wins(store: InMemoryDocumentStore) -> None:
    """The others are told that it was somebody else."""
    accounts = Accounts(store, versioned=True)

    outcomes = await asyncio.gather(
        *(accounts.save(Account("a", number)) for number in range(50)),
        *(accounts.save_many([Account("a", number)]) for number in range(50)),
        return_exceptions=True,
    )

    assert sum(not isinstance(outcome, BaseException) for outcome in outcomes) == 1
    assert all(isinstance(outcome, VersionConflictError) for outcome in outcomes if isinstance(outcome, BaseException))
    assert await accounts.count() == 1


async def test_of_two_that_make_it_at_once_the_later_has_a_conflict(store: InMemoryDocumentStore) -> None:
    """Also when the first comes between looking and writing."""
    accounts = Accounts(store, versioned=True)
    collection = accounts.collection
    look = collection.exists

    async def overtaken(*args: Any, **kwargs: Any) -> bool:
        collection.exists = look  # type: ignore[method-assign]
        found = await look(*args, **kwargs)
        await collection.insert_one({"_id": "a", "balance": 7, "version": 1})
        return found

    collection.exists = overtaken  # type: ignore[method-assign]
    with pytest.raises(VersionConflictError) as caught:
        await accounts.save(Account("a"))

    assert isinstance(caught.value.__cause__, DuplicateKeyError)
    assert await accounts.get("a") == Account("a", 7, 1)


async def test_new_objects_go_together_in_one_bulk(store: InMemoryDocumentStore) -> None:
    """With ids and without."""
    accounts = Accounts(store, versioned=True)
    calls: list[int] = []
    bulk = accounts.collection.bulk_write

    async def counted(operations: Any, **options: Any) -> Any:
        calls.append(len(operations))
        return await bulk(operations, **options)

    accounts.collection.bulk_write = counted  # type: ignore[method-assign]
    saved = await accounts.save_many([Account("a"), Account(), Account("b")])

    assert calls == [3]
    assert [account.version for account in saved] == [1, 1, 1]


@pytest.mark.parametrize("known", [0, 1])
async def test_many_are_checked_one_for_one(accounts: Repository, known: int) -> None:
    """The error says which one it was; those before it are stored."""
    stale = await accounts.save(Account("b"))
    await accounts.save(replace(stale, balance=1))
    fine = await accounts.save(Account("a")) if known else Account("a")

    with pytest.raises(VersionConflictError) as caught:
        await accounts.save_many([replace(fine, balance=5), replace(stale, version=known), Account("c")])

    assert caught.value.entity_index == 1
    assert caught.value.document_id == "b"
    assert await accounts.get("a") == Account("a", 5, known + 1)
    assert await accounts.get("c") is None


async def test_one_object_twice_in_a_list_is_a_conflict(accounts: Repository) -> None:
    """The second knows nothing of the first."""
    with pytest.raises(VersionConflictError) as caught:
        await accounts.save_many([Account("a", 1), Account("a", 2)])

    assert caught.value.entity_index == 1
    assert await accounts.list() == [Account("a", 1, 1)]


async def test_another_unique_key_is_no_version_conflict(accounts: Repository) -> None:
    """It is what it is."""
    await accounts.collection.create_index([("balance", 1)], unique=True)
    first = await accounts.save(Account("a", 1))

    with pytest.raises(DuplicateKeyError):
        await accounts.save(Account("b", 1))
    with pytest.raises(DuplicateKeyError):
        await accounts.save_many([Account("b", 1)])
    with pytest.raises(DuplicateKeyError) as caught:
        await accounts.save_many([first, Account("b", 1)])

    assert caught.value.entity_index == 1
    assert not isinstance(caught.value, BulkWriteError)


async def test_versions_hold_in_a_transaction(store: InMemoryDocumentStore) -> None:
    """A conflict that is found by looking leaves it usable."""
    accounts = Accounts(store, versioned=True)
    first = await accounts.save(Account("a"))
    async with store.transaction():
        second = await accounts.save(replace(first, balance=1))
        with pytest.raises(VersionConflictError):
            await accounts.save(replace(first, balance=2))
        with pytest.raises(VersionConflictError):
            await accounts.save(Account("a", 3))
        third = await accounts.save(replace(second, balance=4))

    assert await accounts.get("a") == third == Account("a", 4, 3)


async def test_a_transaction_that_others_overtook_is_refused(store: InMemoryDocumentStore) -> None:
    """By the store, whose snapshot is the older."""
    accounts = Accounts(store, versioned=True)
    first = await accounts.save(Account("a"))

    async def overtake() -> None:
        await accounts.save(replace(first, balance=1))

    async def work() -> None:
        async with store.transaction():
            await accounts.get("a")
            await asyncio.create_task(overtake())
            await accounts.save(replace(first, balance=2))

    with pytest.raises(WriteConflictError):
        await work()

    assert await accounts.get("a") == Account("a", 1, 2)


async def test_a_deleted_object_is_not_a_conflict_but_deleted(store: InMemoryDocumentStore) -> None:
    """With every version; after a restore it can be saved again."""
    accounts = Accounts(store, versioned=True, soft_delete=True)
    first = await accounts.save(Account("a"))
    await accounts.delete("a")

    for account in (first, Account("a")):
        with pytest.raises(DocumentNotFoundError):
            await accounts.save(account)
        with pytest.raises(DocumentNotFoundError):
            await accounts.save_many([account])
    await accounts.restore("a")
    assert (await accounts.save(first)).version == 2


async def test_another_tenants_object_is_no_version_conflict(store: InMemoryDocumentStore) -> None:
    """It cannot be read again, since it is not there for this tenant."""
    accounts = Accounts(store, versioned=True, multi_tenant=True)
    with tenant_scope("one"):
        await accounts.save(Account("a"))

    async def in_transaction() -> None:
        async with store.transaction():
            await accounts.save(Account("a"))

    with tenant_scope("two"):
        for work in (accounts.save(Account("a")), accounts.save_many([Account("a")]), in_transaction()):
            with pytest.raises(DuplicateKeyError):
                await work
        with pytest.raises(VersionConflictError):
            await accounts.save(Account("a", 1, 1))
    with tenant_scope("one"):
        assert await accounts.get("a") == Account("a", 0, 1)
        with pytest.raises(VersionConflictError):
            await accounts.save_many([Account("a")])


def test_errors_are_of_the_trees_they_belong_to() -> None:
    """A lost race in a transaction can be retried, a version conflict not without reading again."""
    assert issubclass(WriteConflictError, TransactionError)
    assert not VersionConflictError().retryable
