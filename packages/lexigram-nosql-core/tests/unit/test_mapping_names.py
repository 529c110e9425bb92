"""Attributes, collections and type arguments are called what a reader expects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

import pytest
from lexigram.nosql.repository.mapping import EntityMapper
from lexigram.nosql.repository.names import FieldNames, collection_name_of, type_argument
from pydantic import AliasChoices, AliasPath, BaseModel, ConfigDict, Field, TypeAdapter
from pydantic.alias_generators import to_camel
from typing_extensions import TypeAliasType, TypedDict

K = TypeVar("K")
T = TypeVar("T")


class Address(BaseModel):
    """A nested model with aliases."""

    model_config = ConfigDict(alias_generator=to_camel)

    zip_code: str


class Cat(BaseModel):
    """One of a union."""

    claw_count: int = Field(alias="claws")


class Person(BaseModel):
    """Names of all kinds."""

    model_config = ConfigDict(alias_generator=to_camel)

    person_id: str = Field(alias="_id")
    full_name: str
    home_address: Address | None = None
    past_addresses: list[Address] = []
    by_name: dict[str, Address] = {}
    either: Address | Cat | None = None
    best_friend: Person | None = None
    nick: str = Field("", validation_alias=AliasChoices("nick", "alias", AliasPath("names", 0)))
    first: str = Field("", validation_alias=AliasPath("names", 0))


@pytest.mark.parametrize(
    ("path", "stored"),
    [
        ("person_id", "_id"),
        ("full_name", "fullName"),
        ("fullName", "fullName"),
        ("unknown.part", "unknown.part"),
        ("full_name.zip_code", "fullName.zip_code"),
        ("home_address.zip_code", "homeAddress.zipCode"),
        ("past_addresses.zip_code", "pastAddresses.zipCode"),
        ("past_addresses.0.zip_code", "pastAddresses.0.zipCode"),
        ("by_name.home.zip_code", "byName.home.zipCode"),
        ("either.zip_code", "either.zipCode"),
        ("either.claw_count", "either.claws"),
        ("best_friend.best_friend.home_address.zip_code", "bestFriend.bestFriend.homeAddress.zipCode"),
        ("nick", "nick"),
    ],
)
def test_a_path_of_attributes_is_a_path_in_documents(path: str, stored: str) -> None:
    """Through nested types, options, lists, mappings, unions and types that hold themselves."""
    assert EntityMapper(Person).stored_path(path) == stored


def test_the_id_has_its_own_name_in_documents() -> None:
    """Also where it is itself a document."""

    mapper = EntityMapper(Item)

    assert mapper.stored_path("id") == "_id"
    assert mapper.stored_path("id.shop") == "_id.shop"
    assert mapper.stored_path("_id") == "_id"
    assert mapper.stored_path("idle") == "idle"


@pytest.mark.parametrize(
    ("kind", "known"),
    [
        (Person, {"_id", "nick", "alias", "homeAddress"}),
        (TypedDict("Typed", {"a": Annotated[int, Field(alias="b")]}), {"b"}),  # type: ignore[misc]
    ],
)
def test_written_and_read_names_are_known(kind: Any, known: set[str]) -> None:
    """A path of several steps is no name."""
    names = FieldNames(TypeAdapter(kind).core_schema)

    assert all(map(names.knows, known))
    assert not names.knows("names")
    assert not names.knows("full_name")


def test_a_field_that_is_read_from_elsewhere_has_no_name_to_be_read_by() -> None:
    """Its id is then written under its own name."""

    class Odd(BaseModel):
        id: str = Field(validation_alias=AliasPath("names", 0))

    assert EntityMapper(Odd).to_document(Odd(names=["a"])) == {"_id": "a"}


def test_a_type_made_of_itself_alone_ends() -> None:
    """It has no fields, and asking for them comes to an end."""
    endless = TypeAliasType("endless", "list[endless]")  # type: ignore[misc]

    assert FieldNames(TypeAdapter(endless).core_schema).fields == {}


@pytest.mark.parametrize(
    ("name", "collection"),
    [("Product", "products"), ("OrderLine", "order_lines"), ("HTTPLog", "http_logs"), ("V2Item", "v2_items")],
)
def test_a_collection_is_called_as_the_entity_in_the_plural(name: str, collection: str) -> None:
    """In snake case."""
    assert collection_name_of(type(name, (), {})) == collection


def test_an_entity_may_name_its_collection() -> None:
    """What has no name has no collection either."""
    assert collection_name_of(type("Product", (), {"__collection__": "wares"})) == "wares"
    assert collection_name_of(Annotated[int, "x"] | str) == ""
    assert collection_name_of(dict[str, int]) == ""
    assert collection_name_of(None) == ""


@dataclass
class Key:
    """An id of parts."""

    shop: int


@dataclass
class Item:
    """What it is the id of."""

    id: Key
    idle: int = 0


class Base(Generic[T, K]):
    """What is asked for."""


class Direct(Base[int, str]):
    """Says it itself."""


class Inherits(Direct):
    """Says it by its base."""


class Swapped(Generic[K, T], Base[T, K]):  # noqa: PYI059 - an order that is allowed
    """Leaves it open, in another order."""


class Closed(Swapped[bytes, float]):
    """Closes what was open."""


class HalfOpen(Swapped[K, int]):
    """Closes one."""


class Bare(Base):  # type: ignore[type-arg]
    """Says nothing."""


class StillOpen(Swapped):  # type: ignore[type-arg]
    """Says nothing of what was open."""


class Mixed(BaseModel, Direct):
    """Has another base in front."""


@pytest.mark.parametrize(
    ("cls", "arguments"),
    [
        (Direct, (int, str)),
        (Inherits, (int, str)),
        (Closed, (float, bytes)),
        (HalfOpen, (int, None)),
        (Bare, (None, None)),
        (StillOpen, (None, None)),
        (Swapped, (None, None)),
        (Mixed, (int, str)),
        (Base, (None, None)),
    ],
)
def test_a_type_argument_is_found_wherever_it_is_given(cls: type[Any], arguments: tuple[Any, Any]) -> None:
    """Through open, swapped and half open classes."""
    assert (type_argument(cls, Base), type_argument(cls, Base, 1)) == arguments
