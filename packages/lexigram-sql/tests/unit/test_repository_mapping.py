"""Rows become objects and objects rows, for every kind of class."""

from __future__ import annotations

import enum
import uuid
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NotRequired, TypedDict

import pytest
import sqlalchemy as sa
from lexigram.sql.exceptions import DataQueryError, MappingError
from lexigram.sql.repositories.mapping import EntityMapper
from pydantic import AwareDatetime, BaseModel, ConfigDict
from pydantic import Field as ModelField
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Colour(enum.Enum):
    RED = "r"
    BLUE = "b"


@dataclass
class Maker:
    name: str
    city: str = "Turin"


@dataclass
class Everything:
    id: int
    price: Decimal
    token: uuid.UUID
    made: date
    seen: datetime
    sold: AwareDatetime
    colour: Colour
    active: bool
    data: bytes
    tags: list[str]
    maker: Maker
    extra: dict[str, Any] = field(default_factory=dict)
    weight: float | None = None


TOKEN = uuid.UUID("12345678123456781234567812345678")
SEEN = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
WHOLE = Everything(
    7, Decimal("1.50"), TOKEN, date(2026, 1, 2), SEEN, SEEN, Colour.BLUE, True, b"\x00x", ["a"], Maker("Ada"), {"n": 1}
)


def test_values_of_other_types_become_what_the_fields_declare() -> None:
    """As SQLite and MySQL return them."""
    mapper = EntityMapper(Everything)
    row = {
        "id": 7,
        "price": "1.50",
        "token": str(TOKEN),
        "made": "2026-01-02",
        "seen": SEEN.isoformat(" "),
        "sold": SEEN.replace(tzinfo=None),
        "colour": "b",
        "active": 1,
        "data": bytearray(b"\x00x"),
        "tags": '["a"]',
        "maker": '{"name": "Ada"}',
        "extra": '{"n": 1}',
        "weight": None,
    }
    assert mapper.to_entity(row) == WHOLE
    assert mapper.to_entity({**row, "weight": Decimal("2.5")}).weight == 2.5


def test_an_object_becomes_a_row_of_parameters() -> None:
    row = EntityMapper(Everything).to_row(WHOLE)
    assert row["colour"] == "b"
    assert row["maker"] == {"name": "Ada", "city": "Turin"}
    assert (row["tags"], row["extra"], row["weight"]) == (["a"], {"n": 1}, None)
    assert (row["price"], row["token"], row["sold"]) == (Decimal("1.50"), TOKEN, SEEN)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("id", "seven"),
        ("id", None),
        ("id", 1.5),
        ("price", "much"),
        ("token", "none"),
        ("made", SEEN),
        ("colour", "g"),
        ("active", 2),
        ("data", 5),
        ("tags", '{"a": 1}'),
        ("maker", "{}"),
        ("extra", "[]"),
        ("weight", "heavy"),
    ],
)
def test_a_value_that_does_not_fit_names_its_field_and_row(column: str, value: Any) -> None:
    mapper = EntityMapper(Everything)
    good = {**mapper.to_row(WHOLE)}
    names = tuple(good)
    with pytest.raises(MappingError, match=f"row 1 .*{column!r}") as caught:
        mapper.to_entities(names, [tuple(good.values()), tuple({**good, column: value}.values())])
    assert (caught.value.details["field"], caught.value.details["row"]) == (column, 1)
    if isinstance(value, str):
        assert repr(value) not in str(caught.value)


def test_rows_may_have_more_columns_and_fewer_where_there_are_defaults() -> None:
    mapper = EntityMapper(Maker)
    assert mapper.to_entities(("deleted_at", "name"), [(None, "Ada")]) == [Maker("Ada")]
    with pytest.raises(MappingError, match="without name"):
        mapper.to_entities(("city",), [("Rome",)])


def test_fields_that_only_go_by_name_are_given_by_name() -> None:
    @dataclass(kw_only=True, frozen=True)
    class Named:
        a: int
        b: int = 2
        total: int = field(init=False, default=0)

    mapper = EntityMapper(Named)
    assert mapper.to_entity({"b": 5, "a": 1}) == Named(a=1, b=5)
    assert mapper.to_row(Named(a=1)) == {"a": 1, "b": 2}
    before = Named(a=1)
    after = mapper.assign(before, {"a": 9})
    assert (before.a, after.a) == (1, 9)


class Model(BaseModel):
    model_config = ConfigDict(strict=True)

    id: int | None = None
    colour: Colour = Colour.RED
    price: Decimal = ModelField(default=Decimal(0), alias="cost", ge=0)
    tags: list[str] = []


def test_pydantic_models_are_validated_even_where_they_are_strict() -> None:
    mapper = EntityMapper(Model)
    found = mapper.to_entity({"id": 1, "colour": "b", "price": "2.5", "tags": '["x"]'})
    assert (found.colour, found.price, found.tags) == (Colour.BLUE, Decimal("2.5"), ["x"])
    assert mapper.to_row(found) == {"id": 1, "colour": "b", "price": Decimal("2.5"), "tags": ["x"]}
    with pytest.raises(MappingError, match=r"row 0 .*'cost'"):
        mapper.to_entity({"id": 1, "price": "-1"})
    assert mapper.assign(found, {"id": 3, "absent": 1}).id == 3


class Record(TypedDict):
    id: int
    note: NotRequired[str]


def test_typed_dicts_are_mapped() -> None:
    mapper = EntityMapper(Record)
    assert mapper.to_entity({"id": 1, "note": "x"}) == {"id": 1, "note": "x"}
    with pytest.raises(MappingError, match="'id'"):
        mapper.to_entity({"id": "x", "note": "x"})


class Base(DeclarativeBase):
    pass


class Car(Base):
    __tablename__ = "car"

    id: Mapped[int] = mapped_column(primary_key=True)
    plate: Mapped[str] = mapped_column("plate_no", sa.String(10))
    colour: Mapped[Colour] = mapped_column(sa.Enum(Colour))
    price: Mapped[Decimal | None] = mapped_column(sa.Numeric(10, 2))


def test_declarative_models_are_mapped_by_their_columns() -> None:
    mapper = EntityMapper(Car)
    found = mapper.to_entities(("id", "plate_no", "colour", "price"), [(1, "AB", "BLUE", "1.5")])[0]
    assert isinstance(found, Car)
    assert (found.id, found.plate, found.colour, found.price) == (1, "AB", Colour.BLUE, Decimal("1.5"))
    assert not sa.inspect(found).modified
    assert mapper.to_row(found) == {"id": 1, "plate_no": "AB", "colour": "BLUE", "price": Decimal("1.5")}
    assert mapper.column("plate") == "plate_no"
    with pytest.raises(MappingError, match="'colour'"):
        mapper.to_entity({"id": 1, "plate_no": "AB", "colour": "b"})


def test_a_name_that_is_no_field_is_refused_with_the_nearest() -> None:
    with pytest.raises(DataQueryError, match="did you mean 'name'"):
        EntityMapper(Maker).column("nmae")


def test_what_cannot_be_mapped_is_refused() -> None:
    with pytest.raises(MappingError, match="no class"):
        EntityMapper(int)
    with pytest.raises(MappingError, match="stores Maker, not int"):
        EntityMapper(Maker).to_row(5)  # type: ignore[arg-type]


def test_a_constructor_that_does_more_than_assign_is_called() -> None:
    """Whether it is the class's own, is followed by more, takes what is no field, or fields are guarded."""

    @dataclass
    class Own:
        name: str

        def __init__(self, name: str) -> None:
            self.name = name.upper()

    @dataclass
    class Followed:
        name: str

        def __post_init__(self) -> None:
            self.name = self.name.upper()

    @dataclass
    class Guarded:
        name: str

        def __setattr__(self, name: str, value: Any) -> None:
            super().__setattr__(name, value.upper())

    @dataclass
    class Child(Own):
        """Has the constructor of its parent."""

        __init__ = Own.__init__  # type: ignore[assignment]  # a class may do so, and the mapper must see it

    @dataclass
    class Filled:
        name: str
        length: int = field(init=False, default=0)

        def __post_init__(self) -> None:
            self.name = self.name.upper()

    for kind in (Own, Followed, Guarded, Child, Filled):
        assert EntityMapper(kind).to_entities(["name"], [("ada",)])[0].name == "ADA"


@dataclass(slots=True)
class Slotted:
    """Without a dictionary."""

    name: str
    age: int | None = None


@dataclass(kw_only=True)
class Heir(Slotted):
    """Has a field more, by name only."""

    tags: list[str] = field(default_factory=list)


def test_objects_are_made_without_a_constructor_that_would_only_assign() -> None:
    """They equal those that the constructor makes, with defaults where a column is not read."""
    assert EntityMapper(Slotted).to_entities(["age", "name"], [(36, "Ada"), (None, "Bob")]) == [
        Slotted("Ada", 36),
        Slotted("Bob"),
    ]
    rows: list[tuple[Any, ...]] = [("Ada", 36, '["x"]', "left out")]
    assert EntityMapper(Heir).to_entities(["name", "age", "tags", "other"], rows) == [
        Heir(name="Ada", age=36, tags=["x"])
    ]
    first, second = EntityMapper(Heir).to_entities(["name"], [("Ada",), ("Bob",)])
    assert first.tags == []
    assert first.tags is not second.tags
    with pytest.raises(MappingError, match="'name' of Slotted: it cannot be NULL"):
        EntityMapper(Slotted).to_entities(["name", "age"], [("Ada", 1), (None, 2)])
