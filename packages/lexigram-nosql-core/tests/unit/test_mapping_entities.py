"""Objects become documents and come back, whatever kind of type they are."""

from __future__ import annotations

import math
import re
import sys
import typing
import uuid
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import IntEnum, StrEnum
from ipaddress import IPv4Address
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal, NamedTuple, NotRequired

import pydantic.dataclasses
import pytest
from bson import ObjectId
from lexigram.nosql.exceptions import DocumentValidationError
from lexigram.nosql.repository.mapping import EntityMapper, storable
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    RootModel,
    SecretStr,
    computed_field,
    field_validator,
)
from typing_extensions import TypedDict


class Colour(StrEnum):
    """An enum of text."""

    RED = "red"
    BLUE = "blue"


class Level(IntEnum):
    """An enum of numbers."""

    LOW = 1
    HIGH = 2


class Size(NamedTuple):
    """A tuple with names."""

    width: int
    height: int


@dataclass
class Maker:
    """A nested dataclass."""

    name: str
    founded: date | None = None


@dataclass
class Everything:
    """One field of each type that a document holds, and of many that it does not."""

    id: str
    maker: Maker
    none: str | None = None
    flag: bool = True
    number: int = 2**62
    price: float = 1.5
    exact: Decimal = Decimal("1.10")
    raw: bytes = b"\x00\xff"
    token: uuid.UUID = uuid.UUID(int=7)  # noqa: RUF009 - it never changes
    at: datetime = datetime(2026, 1, 2, 3, 4, 5, 678000, UTC)
    day: date = date(2026, 1, 2)
    hour: time = time(3, 4)
    lasting: timedelta = timedelta(days=1, seconds=2)
    colour: Colour = Colour.RED
    level: Level = Level.HIGH
    size: Size = Size(1, 2)  # noqa: RUF009 - it never changes
    pair: tuple[int, str] = (1, "a")
    tags: set[str] = field(default_factory=lambda: {"b", "a", "c"})
    frozen: frozenset[int] = frozenset({2, 1})
    makers: list[Maker] = field(default_factory=lambda: [Maker("x"), Maker("y", date(2000, 1, 1))])
    prices: dict[Colour, Decimal] = field(default_factory=lambda: {Colour.BLUE: Decimal(1)})
    numbered: dict[int, str] = field(default_factory=lambda: {1: "one"})
    path: PurePosixPath = PurePosixPath("/a/b")  # noqa: RUF009 - it never changes
    address: IPv4Address = IPv4Address("127.0.0.1")  # noqa: RUF009 - it never changes
    pattern: re.Pattern[str] = re.compile("a+")
    anything: Any = None


@dataclass(frozen=True, slots=True)
class Frozen:
    """A frozen dataclass with slots."""

    id: str
    name: str = ""


@dataclass
class Underscored:
    """A dataclass that calls its id as documents do."""

    _id: str
    name: str = ""


@dataclass
class Both:
    """A dataclass with the document's id and an id of its own."""

    _id: str
    id: int


@pydantic.dataclasses.dataclass
class Checked:
    """A dataclass of pydantic."""

    id: str
    stock: int = 0


class Strict(BaseModel):
    """A model that allows nothing else, strictly."""

    model_config = ConfigDict(extra="forbid", strict=True)

    id: str = Field(alias="_id")
    token: uuid.UUID
    tags: set[Colour] = set()
    stock: Annotated[int, Field(ge=0)] = 0

    @field_validator("stock")
    @classmethod
    def _even(cls, value: int) -> int:
        if value % 2:
            raise ValueError("must be even")
        return value


class Plain(BaseModel):
    """A model without aliases that allows nothing else."""

    model_config = ConfigDict(extra="forbid")

    id: str | None = None
    name: str = ""


class Typed(TypedDict):
    """A typed mapping."""

    id: str
    name: NotRequired[str]


class TypedUnderscored(TypedDict):
    """A typed mapping that calls its id as documents do."""

    _id: str
    stock: int


@pytest.mark.parametrize(
    ("kind", "entity", "document"),
    [
        (Frozen, Frozen("a", "A"), {"_id": "a", "name": "A"}),
        (Underscored, Underscored("a", "A"), {"_id": "a", "name": "A"}),
        (Both, Both("a", 1), {"_id": "a", "id": 1}),
        (Checked, Checked("a", 2), {"_id": "a", "stock": 2}),
        (
            Strict,
            Strict(_id="a", token=uuid.UUID(int=1), tags={Colour.RED}, stock=2),
            {"_id": "a", "token": uuid.UUID(int=1), "tags": ["red"], "stock": 2},
        ),
        (Plain, Plain(id="a"), {"_id": "a", "name": ""}),
        (Typed, {"id": "a"}, {"_id": "a"}),
        (Typed, {"id": "a", "name": "A"}, {"_id": "a", "name": "A"}),
        (TypedUnderscored, {"_id": "a", "stock": 1}, {"_id": "a", "stock": 1}),
    ],
)
def test_a_kind_of_type_is_mapped_both_ways(kind: Any, entity: Any, document: dict[str, Any]) -> None:
    """The document has the id in front, and makes an equal object."""
    mapper: EntityMapper[Any] = EntityMapper(kind)

    made = mapper.to_document(entity)

    assert made == document
    assert next(iter(made)) == "_id"
    assert mapper.to_entity(made) == entity


def test_every_value_comes_back_as_it_was() -> None:
    """What documents hold stays what it is, and all else is text, lists and plain values meanwhile."""
    mapper = EntityMapper(Everything)
    entity = Everything("a", Maker("m", date(1999, 1, 1)), anything={"deep": [1, {"x": None}]})

    document = mapper.to_document(entity)

    assert mapper.to_entity(document) == entity
    assert document == {
        "_id": "a",
        "maker": {"name": "m", "founded": "1999-01-01"},
        "none": None,
        "flag": True,
        "number": 2**62,
        "price": 1.5,
        "exact": Decimal("1.10"),
        "raw": b"\x00\xff",
        "token": uuid.UUID(int=7),
        "at": datetime(2026, 1, 2, 3, 4, 5, 678000, UTC),
        "day": "2026-01-02",
        "hour": "03:04:00",
        "lasting": "P1DT2S",
        "colour": "red",
        "level": 2,
        "size": [1, 2],
        "pair": [1, "a"],
        "tags": ["a", "b", "c"],
        "frozen": [1, 2],
        "makers": [{"name": "x", "founded": None}, {"name": "y", "founded": "2000-01-01"}],
        "prices": {"blue": Decimal(1)},
        "numbered": {"1": "one"},
        "path": "/a/b",
        "address": "127.0.0.1",
        "pattern": re.compile("a+"),
        "anything": {"deep": [1, {"x": None}]},
    }
    assert type(document["colour"]) is str
    assert type(document["level"]) is int


def test_a_datetime_is_utc_and_has_milliseconds() -> None:
    """What is stored is what the store would make of it."""
    east = timezone(timedelta(hours=2))

    assert storable(datetime(2026, 1, 1, 2, 0, 0, 1999, east)) == datetime(2026, 1, 1, 0, 0, 0, 1000, UTC)
    assert storable(datetime(2026, 1, 1)) == datetime(2026, 1, 1, tzinfo=UTC)  # noqa: DTZ001 - naive on purpose


def test_types_of_bson_and_arrays_of_bytes_are_stored() -> None:
    """They need no help."""
    native = ObjectId()

    assert storable(native) is native
    assert storable(bytearray(b"a")) == b"a"
    assert storable(memoryview(b"a")) == b"a"
    assert math.isnan(storable(math.nan))


def test_a_float_field_takes_an_int() -> None:
    """Whoever writes price=10 means 10.0."""
    mapper = EntityMapper(Everything)

    assert mapper.to_document(Everything("a", Maker("m"), price=10))["price"] == 10


def test_aliases_are_what_is_stored() -> None:
    """Written and read names may differ, as pydantic has them."""

    class Aliased(BaseModel):
        id: str = Field(validation_alias="_id")
        name: str = Field(serialization_alias="n", validation_alias="n")

    class Other(BaseModel):
        id: str = Field(serialization_alias="_id")

    mapper, other = EntityMapper(Aliased), EntityMapper(Other)

    assert mapper.to_document(Aliased(_id="a", n="b")) == {"_id": "a", "n": "b"}
    assert mapper.to_entity({"_id": "a", "n": "b"}) == Aliased(_id="a", n="b")
    assert other.to_document(Other(id="a")) == {"_id": "a"}
    assert other.to_entity({"_id": "a"}) == Other(id="a")


def test_another_field_may_hold_the_id() -> None:
    """By the document's name for it, or by the entity's."""

    @dataclass
    class Item:
        sku: str
        name: str = ""

    assert EntityMapper(Item, "_id", "sku").to_document(Item("a")) == {"_id": "a", "name": ""}
    assert EntityMapper(Item, "_id", "sku").to_entity({"_id": "a"}) == Item("a")
    assert EntityMapper(Item, "sku").to_document(Item("a")) == {"sku": "a", "name": ""}
    assert EntityMapper(Item, "sku").to_entity({"sku": "a", "_id": "generated"}) == Item("a")
    assert EntityMapper(Plain, "key").to_document(Plain(id="a")) == {"key": "a", "name": ""}
    assert EntityMapper(Plain, "key").to_entity({"key": "a"}) == Plain(id="a")


def test_computed_fields_are_not_stored() -> None:
    """They could not be read again."""

    class Priced(BaseModel):
        model_config = ConfigDict(extra="forbid")
        id: str
        net: int = 1

        @computed_field
        def gross(self) -> int:
            return self.net * 2

    mapper = EntityMapper(Priced)

    assert mapper.to_document(Priced(id="a")) == {"_id": "a", "net": 1}
    assert mapper.to_entity({"_id": "a", "net": 1}).gross == 2


def test_a_union_is_told_apart_by_its_tag() -> None:
    """Several kinds of object may share a collection."""

    @dataclass
    class Cat:
        id: str
        kind: Literal["cat"] = "cat"

    @dataclass
    class Dog:
        id: str
        kind: Literal["dog"] = "dog"

    mapper: EntityMapper[Cat | Dog] = EntityMapper(Annotated[Cat | Dog, Field(discriminator="kind")])

    assert mapper.to_document(Dog("d")) == {"_id": "d", "kind": "dog"}
    assert mapper.to_entity({"_id": "d", "kind": "dog"}) == Dog("d")


def test_a_document_that_does_not_fit_is_named_with_its_fields() -> None:
    """The error says which document, which fields and why, and shows no values."""
    mapper = EntityMapper(Strict)

    with pytest.raises(DocumentValidationError) as caught:
        mapper.to_entity({"_id": "a", "token": "hunter2", "stock": 3, "tags": ["green"], "more": 1})

    error = caught.value
    assert error.document_id == "a"
    assert error.fields == ["token", "tags.0", "stock", "more"]
    assert error.path == "token"
    assert "document 'a' is not a Strict" in error.message
    assert "stock: Value error, must be even" in error.message
    assert "hunter2" not in str(error)


@pytest.mark.parametrize(
    ("entity", "said", "path"),
    [
        (Everything("a", Maker("m"), number="seven"), "number: expected int, found str", "number"),  # type: ignore[arg-type]
        (Everything("a", Maker("m"), tags=["x"]), "tags: expected set\\[str\\], found list", "tags"),  # type: ignore[arg-type]
        (Everything("a", {"name": "m"}), "maker: expected Maker, found dict", "maker"),  # type: ignore[arg-type]
        (Frozen("a"), "this Frozen cannot be stored as Everything", ""),
        ({"id": "a"}, "this dict cannot be stored as Everything: expected Everything, found dict", ""),
    ],
)
def test_an_object_that_is_not_of_its_type_is_refused(entity: Any, said: str, path: str) -> None:
    """The error says which field, and what it should be."""
    with pytest.raises(DocumentValidationError, match=said) as caught:
        EntityMapper(Everything).to_document(entity)

    assert caught.value.path == path
    assert caught.value.__cause__ is not None


def _deep(levels: int) -> dict[str, Any]:
    whole: dict[str, Any] = {}
    inner = whole
    for _ in range(levels):
        inner["a"] = inner = {}
    return whole


def _circle() -> dict[str, Any]:
    whole: dict[str, Any] = {}
    whole["a"] = whole
    return whole


@pytest.mark.parametrize("value", [object(), _deep(50_000), _circle(), SecretStr("hunter2"), Maker])
def test_what_documents_cannot_hold_is_refused(value: Any) -> None:
    """Objects, endless nesting, and secrets that would be stored as stars."""
    entity = Everything("a", Maker("m"), anything=value)

    with pytest.raises(DocumentValidationError) as caught:
        EntityMapper(Everything).to_document(entity)

    assert "hunter2" not in str(caught.value)


def test_a_secret_is_stored_where_the_field_says_how() -> None:
    """A serializer of the field is asked."""

    class Account(BaseModel):
        id: str
        password: Annotated[SecretStr, PlainSerializer(lambda secret: secret.get_secret_value())]

    mapper = EntityMapper(Account)
    account = Account(id="a", password=SecretStr("hunter2"))

    assert mapper.to_document(account) == {"_id": "a", "password": "hunter2"}
    assert mapper.to_entity(mapper.to_document(account)) == account


def test_a_serializer_that_fails_is_an_error_of_the_document() -> None:
    """Its own error is the cause."""

    class Broken(BaseModel):
        id: str
        price: Annotated[int, PlainSerializer(lambda price: 1 / 0)] = 1

    with pytest.raises(DocumentValidationError, match="this Broken cannot be stored as Broken: price"):
        EntityMapper(Broken).to_document(Broken(id="a"))


def test_a_dataclass_without_one_of_its_fields_is_refused() -> None:
    """An object may be made past its constructor."""
    with pytest.raises(DocumentValidationError, match="cannot be stored"):
        EntityMapper(Frozen).to_document(object.__new__(Frozen))


class NotMapped:
    """A class that pydantic does not understand."""


def test_a_type_that_cannot_be_mapped_says_what_to_do() -> None:
    """At once, not at the first document."""
    with pytest.raises(DocumentValidationError, match="NotMapped cannot be mapped") as caught:
        EntityMapper(NotMapped)

    assert "override the two mapping methods" in str(caught.value.hint)


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="pydantic maps it from Python 3.12 on")
def test_the_older_typed_dict_is_refused_with_the_one_to_use() -> None:
    """On Python 3.11, ``typing.TypedDict`` does not say enough of itself."""
    with pytest.raises(DocumentValidationError, match=r"typing_extensions\.TypedDict"):
        EntityMapper(typing.TypedDict("Old", {"id": str}))


def test_what_pydantic_writes_of_an_object_is_stored() -> None:
    """Its fields where it has some, with their own values; else text."""
    assert storable(Maker("m", date(2026, 1, 1))) == {"name": "m", "founded": "2026-01-01"}
    assert storable(Strict(_id="a", token=uuid.UUID(int=1))) == {
        "_id": "a",
        "token": uuid.UUID(int=1),
        "tags": [],
        "stock": 0,
    }
    assert storable([IPv4Address("127.0.0.1"), {date(2026, 1, 1): time(1)}]) == [
        "127.0.0.1",
        {"2026-01-01": "01:00:00"},
    ]


def test_a_type_without_an_id_is_refused() -> None:
    """Its objects could be stored, but never found."""
    with pytest.raises(DocumentValidationError, match="Maker has no field 'id' for the document's '_id'") as caught:
        EntityMapper(Maker)

    assert "id_attribute" in str(caught.value.hint)


def test_a_type_that_is_no_mapping_of_fields_is_refused_with_its_first_object() -> None:
    """A list is no document."""
    mapper: EntityMapper[Any] = EntityMapper(RootModel[list[int]])

    with pytest.raises(DocumentValidationError, match="it has no fields"):
        mapper.to_document(RootModel[list[int]]([1]))
    with pytest.raises(DocumentValidationError, match="this NoneType cannot be stored as Frozen"):
        EntityMapper(Frozen).to_document(None)  # type: ignore[arg-type]


def test_mappings_of_any_kind_are_left_as_they_are() -> None:
    """A type with no fields of its own has no id to rename."""
    mapper: EntityMapper[dict[str, Any]] = EntityMapper(dict[str, Any])

    assert mapper.to_document({"_id": 1, "id": 2}) == {"_id": 1, "id": 2}
    assert mapper.to_entity({"_id": 1, "id": 2}) == {"_id": 1, "id": 2}
    assert mapper.stores("anything")
