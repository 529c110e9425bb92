"""Turns rows into objects and back: dataclasses, pydantic models, ``TypedDict`` and SQLAlchemy's declarative models.

For dataclasses a function is written that calls the class with a row's values, or sets the fields itself where the
constructor would do nothing else, and looks at nothing but the values' classes; one that is not of the declared type
goes through its converter. Pydantic models are validated,
leniently also where they are strict, since databases have no enums, sets or models. Declarative models are made without
their constructor, as SQLAlchemy does.
"""

# Classes of classes everywhere; pyright knows nothing of them.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, Generic, NoReturn, TypeVar, cast

from lexigram.sql.exceptions import DataQueryError, MappingError
from lexigram.sql.repositories.converters import Converter, converter_of, json_of_text
from lexigram.suggestions import did_you_mean
from pydantic import AwareDatetime, BaseModel, ValidationError
from typing_extensions import is_typeddict

__all__ = ["EntityMapper", "Field"]

T = TypeVar("T")

# Columns that repositories may fill in.
_FILLED = frozenset({"created_at", "updated_at", "version"})

Make = Callable[[Sequence[Sequence[Any]]], list[Any]]


@dataclasses.dataclass(frozen=True, slots=True)
class Field:
    """A field of an entity, and its column.

    Attributes:
        name: The field.
        column: The column.
        converter: Reads and writes its values.
        required: True when an entity cannot be made without it.
        keyword: True when the constructor takes it by name only.
    """

    name: str
    column: str
    converter: Converter
    required: bool
    keyword: bool = False


class EntityMapper(Generic[T]):
    """Maps one class.

    Args:
        entity: The class.

    Raises:
        MappingError: The class is of no kind that can be mapped.
    """

    def __init__(self, entity: type[T]) -> None:
        self.entity = entity
        self.name = getattr(entity, "__name__", str(entity))
        self._kind, fields = _kind_of(entity)
        self.fields = {field.name: field for field in fields}
        self.columns = {field.column: field for field in fields}
        self._frozen = (
            cast("Any", entity).__dataclass_params__.frozen
            if self._kind == "dataclass"
            else self._kind == "pydantic" and bool(cast("Any", entity).model_config.get("frozen"))
        )
        self._makers: dict[tuple[str, ...], Make] = {}
        self._writers = [(field.column, field.converter.write) for field in fields]
        self._plain = all(write is None for _, write in self._writers)
        names = [field.name for field in fields]
        self._get: Callable[[Any], tuple[Any, ...]]
        if self._kind == "mapping":
            self._get = lambda entity: tuple([entity.get(name) for name in names])
        elif len(names) == 1:
            only = attrgetter(names[0])
            self._get = lambda entity: (only(entity),)
        else:
            self._get = attrgetter(*names)

    def column(self, name: str) -> str:
        """The column of a field; columns are understood as well.

        Raises:
            DataQueryError: There is neither.
        """
        field = self.fields.get(name) or self.columns.get(name)
        if field is None:
            raise DataQueryError(
                f"{self.name} has no field {name!r}{did_you_mean(name, self.fields)}",
                hint=f"Its fields are: {', '.join(self.fields)}.",
            )
        return field.column

    # Writing

    def to_row(self, entity: T) -> dict[str, Any]:
        """The values of an object by column.

        Raises:
            MappingError: The object is not of the class.
        """
        if self._kind != "mapping" and not isinstance(entity, self.entity):
            raise MappingError(f"this repository stores {self.name}, not {type(entity).__name__}")
        values = self._get(entity)
        if self._plain:
            return dict(zip(self.columns, values, strict=True))
        return {
            column: value if write is None or value is None else write(value)
            for (column, write), value in zip(self._writers, values, strict=True)
        }

    def plain_rows(self, given: Sequence[T], key: str) -> tuple[tuple[str, ...], list[tuple[Any, ...]]] | None:
        """The columns and rows of new objects, where nothing has to be converted or filled in.

        Args:
            given: The objects.
            key: The column of the key, left out where none of them has one.

        Returns:
            The columns, and a row for each object; None where only some have a key, or more is to be done.
        """
        if not given or not self._plain or self._kind == "mapping" or not _FILLED.isdisjoint(self.columns):
            return None
        if not all(issubclass(kind, self.entity) for kind in set(map(type, given))) or key not in self.columns:
            return None
        field = self.columns[key].name
        missing = list(map(attrgetter(field), given)).count(None)
        if not missing:
            return tuple(self.columns), list(map(self._get, given))
        rest = {column: one.name for column, one in self.columns.items() if column != key}
        if missing < len(given) or len(rest) < 2:
            return None
        return tuple(rest), list(map(attrgetter(*rest.values()), given))

    def assign(self, entity: T, values: Mapping[str, Any]) -> T:
        """Set columns on an object.

        Returns:
            The object; a changed copy where it is frozen.
        """
        changes = {self.columns[column].name: value for column, value in values.items() if column in self.columns}
        if not changes:
            return entity
        if self._kind == "mapping":
            cast("Any", entity).update(changes)
            return entity
        if self._frozen:
            copied: Any = entity
            return cast(
                "T",
                dataclasses.replace(copied, **changes)
                if self._kind == "dataclass"
                else copied.model_copy(update=changes),
            )
        for name, value in changes.items():
            setattr(entity, name, value)
        return entity

    def assign_each(self, given: Sequence[T], column: str, values: Sequence[Any]) -> bool:
        """Set one column on each of many objects.

        Returns:
            False, and nothing is done, where objects are copied or are no objects.
        """
        if self._frozen or self._kind == "mapping":
            return False
        name = self.columns[column].name
        for entity, value in zip(given, values, strict=True):
            setattr(entity, name, value)
        return True

    # Reading

    def to_entities(self, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[T]:
        """Objects of rows.

        Args:
            columns: The rows' columns, in order; those that no field has are left out.
            rows: The rows.

        Raises:
            MappingError: A value does not fit its field; the message names the field and the row.
        """
        if not rows:
            return []
        key = columns if type(columns) is tuple else tuple(columns)
        make = self._makers.get(key)
        if make is None:
            make = self._makers[key] = self._maker(key)
        try:
            return make(rows)
        except (ValueError, TypeError, ArithmeticError, AttributeError) as error:
            self._explain(key, rows, error)

    def to_entity(self, row: Mapping[str, Any]) -> T:
        """An object of a row; see :meth:`to_entities`."""
        return self.to_entities(tuple(row), [tuple(row.values())])[0]

    def _explain(self, columns: tuple[str, ...], rows: Sequence[Sequence[Any]], error: Exception) -> NoReturn:
        """Find the row and the field that do not fit, and say so; values stay out of the message."""
        for number, row in enumerate(rows):
            for column, value in zip(columns, row, strict=True):
                field = self.columns.get(column)
                if field is None:
                    continue
                try:
                    _read(field.converter, value)
                except (ValueError, TypeError, ArithmeticError, AttributeError) as found:
                    raise self._misfit(field.name, number, found) from found
            try:
                self._makers[columns]([row])
            except (ValueError, TypeError, ArithmeticError, AttributeError) as found:
                names = _places(found)
                raise self._misfit(names, number, found) from found
        raise MappingError(f"rows do not fit {self.name}: {type(error).__name__}") from error

    def _misfit(self, field: str | None, number: int, error: Exception) -> MappingError:
        why = str(error) if type(error) is TypeError else type(error).__name__
        where = f"the field {field!r} of {self.name}" if field else self.name
        return MappingError(
            f"row {number} does not fit {where}: {why}",
            hint="Declare the field as the column is, or let the column hold what the field is.",
            field=field,
            row=number,
        )

    def _maker(self, columns: tuple[str, ...]) -> Make:
        missing = [f.name for f in self.fields.values() if f.required and f.column not in columns]
        if missing:
            raise MappingError(
                f"{self.name} cannot be made without {', '.join(missing)}",
                hint="Select their columns as well, or give the fields defaults.",
                field=missing[0],
            )
        places = [(self.columns[column], index) for index, column in enumerate(columns) if column in self.columns]
        match self._kind:
            case "dataclass":
                return _positional(self.entity, list(self.fields.values()), len(columns), places)
            case "pydantic":
                return _validated(cast("Any", self.entity), places)
            case "declarative":
                return _declared(self.entity, places)
            case _:
                return _mappings(places)


def _read(converter: Converter, value: Any) -> Any:
    """A field's value of a column's, as the written functions do it."""
    if value is None:
        if converter.optional:
            return None
        raise TypeError("it cannot be NULL")
    if converter.read is None or value.__class__ is converter.exact:
        return value
    return converter.read(value)


def _places(error: Exception) -> str | None:
    """The fields that pydantic complains of."""
    if not isinstance(error, ValidationError):
        return None
    return ", ".join(dict.fromkeys(str(one["loc"][0]) for one in error.errors(include_input=False) if one["loc"]))


def _positional(entity: Any, fields: list[Field], columns: int, places: list[tuple[Field, int]]) -> Make:
    """Write the function that makes a dataclass's objects of rows.

    The text holds numbers and the names of the class's own fields, which Python has accepted as identifiers.
    """
    index_of = {field.name: index for field, index in places}
    names: dict[str, Any] = {"kind": entity, "new": object.__new__, "read": _read}
    values: dict[str, str] = {}
    for number, field in enumerate(fields):
        index = index_of.get(field.name)
        if index is not None:
            names[f"c{number}"] = field.converter
            names[f"k{number}"] = field.converter.exact
            values[field.name] = _expression(field.converter, number, f"v{index}")
    row = "".join(f"v{index}, " for index in range(columns))
    if len(values) == len(fields) and _only_assigns(entity, fields):
        # What the constructor would do, without the call, which is half of what an object costs.
        body = [f"    for {row}in rows:", "        one = new(kind)"]
        body += [f"        one.{name} = {value}" for name, value in values.items()]
        source = ["def made(rows):", "    found = []", "    add = found.append", *body, "        add(one)"]
        source.append("    return found")
    else:
        arguments: list[str] = []
        by_name = False
        for field in fields:
            if field.name not in values:
                by_name = True  # it has a default, and those behind it must be named
                continue
            named = f"{field.name}=" if by_name or field.keyword else ""
            arguments.append(named + values[field.name])
        source = ["def made(rows):", f"    return [kind({', '.join(arguments)}) for {row}in rows]"]
    exec("\n".join(source), names)  # noqa: S102 - as dataclasses do: numbers and identifiers only
    return cast("Make", names["made"])


def _only_assigns(entity: Any, fields: list[Field]) -> bool:
    """True for a dataclass whose constructor is the written one, and does nothing but set its fields."""
    owner = next(base for base in entity.__mro__ if "__init__" in vars(base))
    code = getattr(owner.__init__, "__code__", None)
    return (
        "__dataclass_fields__" in vars(owner)
        and code is not None
        and code.co_filename == "<string>"
        and sorted(code.co_varnames[1 : 1 + len(dataclasses.fields(entity))]) == sorted(field.name for field in fields)
        and code.co_argcount + code.co_kwonlyargcount == 1 + len(fields)
        and not hasattr(entity, "__post_init__")
        and entity.__setattr__ is object.__setattr__
        and entity.__new__ is object.__new__
        and type(entity).__call__ is type.__call__
    )


def _expression(converter: Converter, number: int, value: str) -> str:
    """The text that reads one value, and calls the converter for what is not of the class only."""
    slow = f"read(c{number}, {value})"
    if converter.read is None:
        return value if converter.optional else slow
    if converter.exact is None:
        return f"({value} if {value} is None else {slow})" if converter.optional else slow
    if converter.optional:
        return f"({value} if {value} is None or {value}.__class__ is k{number} else {slow})"
    return f"({value} if {value}.__class__ is k{number} else {slow})"


def _validated(entity: type[BaseModel], places: list[tuple[Field, int]]) -> Make:
    keys = [(_alias(entity, field.name), field.converter, index) for field, index in places]

    def make(rows: Sequence[Sequence[Any]]) -> list[Any]:
        return [
            entity.model_validate({key: _read(converter, row[index]) for key, converter, index in keys}, strict=False)
            for row in rows
        ]

    return make


def _alias(entity: type[BaseModel], name: str) -> str:
    """The name under which pydantic takes a field."""
    field = entity.model_fields[name]
    given = field.validation_alias or field.alias
    if given is None or entity.model_config.get("populate_by_name"):
        return name
    if isinstance(given, str):
        return given
    raise MappingError(
        f"the field {name!r} of {entity.__name__} has several aliases",
        hint="Set populate_by_name in the model's configuration.",
        field=name,
    )


def _declared(entity: Any, places: list[tuple[Field, int]]) -> Make:
    from sqlalchemy.orm.attributes import manager_of_class, set_committed_value

    manager: Any = manager_of_class(entity)

    def make(rows: Sequence[Sequence[Any]]) -> list[Any]:
        made: list[Any] = []
        for row in rows:
            one = manager.new_instance()
            for field, index in places:
                set_committed_value(one, field.name, _read(field.converter, row[index]))
            made.append(one)
        return made

    return make


def _mappings(places: list[tuple[Field, int]]) -> Make:
    def make(rows: Sequence[Sequence[Any]]) -> list[Any]:
        return [{field.name: _read(field.converter, row[index]) for field, index in places} for row in rows]

    return make


def _kind_of(entity: Any) -> tuple[str, list[Field]]:
    """What kind of class it is, and its fields."""
    if hasattr(entity, "__mapper__"):
        return "declarative", list(_declarative_fields(entity))
    if is_typeddict(entity):
        hints = typing.get_type_hints(entity, include_extras=True)
        required = entity.__required_keys__
        return "mapping", [Field(n, n, converter_of(_bare(h)), n in required) for n, h in hints.items()]
    if isinstance(entity, type) and issubclass(entity, BaseModel):
        return "pydantic", [
            Field(name, name, _lenient(info.annotation), info.is_required())
            for name, info in entity.model_fields.items()
        ]
    if dataclasses.is_dataclass(entity) and isinstance(entity, type):
        hints = typing.get_type_hints(entity, include_extras=True)
        return "dataclass", [_dataclass_field(one, hints[one.name]) for one in dataclasses.fields(entity) if one.init]
    raise MappingError(
        f"{getattr(entity, '__name__', entity)!r} is no class that rows can be mapped to",
        hint="Use a dataclass, a pydantic model, a TypedDict or a declarative model, or subclass SQLRepository.",
    )


def _bare(hint: Any) -> Any:
    """A type without ``Required`` and ``NotRequired``."""
    return typing.get_args(hint)[0] if typing.get_origin(hint) in (typing.Required, typing.NotRequired) else hint


def _lenient(declared: Any) -> Converter:
    """Pydantic looks at values itself, NULL included; only what it does not take is read before."""
    made = converter_of(declared)
    read = made.read if made.exact in (bool, bytes) or declared is AwareDatetime else None
    if made.json:
        read = json_of_text
    return Converter(made.exact, True, read, made.write)


def _dataclass_field(one: dataclasses.Field[Any], hint: Any) -> Field:
    given = one.default is not dataclasses.MISSING or one.default_factory is not dataclasses.MISSING
    return Field(one.name, one.name, converter_of(hint, optional=one.default is None), not given, one.kw_only is True)


def _declarative_fields(entity: Any) -> Iterable[Field]:
    import sqlalchemy as sa

    for attribute in sa.inspect(entity).column_attrs:
        column = attribute.columns[0]
        if not isinstance(column, sa.Column):
            continue  # an expression, which cannot be stored
        yield Field(attribute.key, column.name, _column_converter(column), False)


def _column_converter(column: Any) -> Converter:
    import sqlalchemy as sa

    kind = column.type
    if isinstance(kind, sa.Enum) and kind.enum_class is not None:
        # SQLAlchemy stores the names of members, unless it is told otherwise.
        enum_class: Any = kind.enum_class
        stored = dict(zip(kind.enums, enum_class, strict=True))
        texts = {member: text for text, member in stored.items()}

        def member(text: Any) -> Any:
            if text not in stored:
                raise ValueError("no member of the enumeration")
            return stored[text]

        return Converter(enum_class, bool(column.nullable), member, lambda value: texts[enum_class(value)])
    if isinstance(kind, sa.JSON):
        return Converter(None, True, None)  # drivers read JSON columns
    try:
        python_type = kind.python_type
    except NotImplementedError:
        return Converter(None, True, None)
    # Until it is stored, an object may lack what the database fills in.
    return converter_of(python_type, optional=bool(column.nullable))
