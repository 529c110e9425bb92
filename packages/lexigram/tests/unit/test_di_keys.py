"""Keys: what services are registered and asked for under."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any, Generic, NewType, Optional, Protocol, TypeVar

import pytest
from lexigram.contracts.exceptions.container import RegistrationError
from lexigram.di.keys import Key, Request, parse_key, parse_request, type_name
from lexigram.di.markers import MISSING, Inject, Named, OptionalDep, Qualifier, named
from typing_extensions import TypeAliasType

T = TypeVar("T")
UserId = NewType("UserId", str)


class Store(Protocol):
    """A protocol to ask for."""


class Box(Generic[T]):
    """A generic to ask for."""


class Region(StrEnum):
    """Names that are members of an enum."""

    EU = "eu"


Alias = TypeAliasType("Alias", Annotated[Store, Named("aliased")])


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (Store, Key(Store)),
        (Box[int], Key(Box[int])),
        (UserId, Key(UserId)),
        (Annotated[Store, Named("a")], Key(Store, "a")),
        (Annotated[Store, "a"], Key(Store, "a")),
        (Annotated[Store, Qualifier("a")], Key(Store, "a")),
        (Annotated[Store, Qualifier(Region.EU)], Key(Store, "eu")),
        (Annotated[Store, Inject("a")], Key(Store, "a")),
        (Annotated[Store, Inject()], Key(Store)),
        (Annotated[Store, 42], Key(Store)),
        (Annotated[Store, "documentation", Named("a")], Key(Store, "a")),
        (Annotated[Annotated[Store, Named("a")], 1], Key(Store, "a")),
        (Annotated[Box[int], "a"], Key(Box[int], "a")),
        (Alias, Key(Store, "aliased")),
    ],
)
def test_a_key_is_a_type_and_perhaps_a_name(form: Any, expected: Key) -> None:
    """Every way to write a key gives the type without Annotated, and the name."""
    assert expected == parse_key(form)


def test_a_name_may_be_given_beside_the_type() -> None:
    """The name parameter of the registering methods says the same as Annotated."""
    assert Key(Store, "a") == parse_key(Store, "a") == parse_key(Annotated[Store, Named("a")], "a")


@pytest.mark.parametrize(
    ("form", "default"),
    [
        (Store, MISSING),
        (Store | None, None),
        (Optional[Store], None),  # noqa: UP045 - the other spelling is a case of its own
        (Annotated[Store, OptionalDep()], None),
        (Annotated[Store, OptionalDep(7)], 7),
        (Annotated[Store | None, OptionalDep(7)], 7),
        (Annotated[Store, Inject(default=7)], 7),
    ],
)
def test_a_request_may_be_optional(form: Any, default: Any) -> None:
    """None beside the type, OptionalDep and Inject say what to use where nothing is registered."""
    assert Request(Key(Store), default) == parse_request(form)


def test_none_may_stand_inside_annotated() -> None:
    """An optional and a name go together in either order."""
    expected = Request(Key(Store, "a"), None)

    assert expected == parse_request(Annotated[Store | None, Named("a")])
    assert expected == parse_request(Annotated[Store, Named("a")] | None)


@pytest.mark.parametrize("form", [None, "Store", 5, int | str, Annotated[Store, Named("a"), Named("b")]])
def test_what_is_no_type_is_refused(form: Any) -> None:
    """Values, unions of several types and types under two names cannot be keys."""
    with pytest.raises(RegistrationError):
        parse_key(form)


def test_two_bare_strings_are_refused() -> None:
    """Nobody can tell which of two strings is meant as the name."""
    with pytest.raises(RegistrationError, match="several names: a, b"):
        parse_key(Annotated[Store, "a", "b"])


def test_an_optional_is_no_key() -> None:
    """A service is registered under a type, not under the possibility of one."""
    with pytest.raises(RegistrationError, match="may be absent"):
        parse_key(Store | None)


def test_a_form_that_cannot_be_hashed_is_refused() -> None:
    """A list is told from a type."""
    with pytest.raises(RegistrationError, match="cannot be hashed"):
        parse_key([])


@pytest.mark.parametrize(
    ("form", "name"),
    [
        (Store, "Store"),
        (Box[int], "Box[int]"),
        (Box[Box[int]], "Box[Box[int]]"),
        (list[int], "list[int]"),
        (dict[str, Store], "dict[str, Store]"),
        (Store | None, "Store | None"),
        (Annotated[Store, Named("a")], "Annotated[Store, Named(name='a')]"),
        (Callable[[int], str], "Callable[[int], str]"),
        (type(None), "None"),
        (T, "T"),
        (UserId, "UserId"),
    ],
)
def test_types_are_named_as_they_are_written(form: Any, name: str) -> None:
    """Messages show types without their modules."""
    assert name == type_name(form)


def test_local_classes_are_named_without_their_function() -> None:
    """The function that a class is defined in is of no use in a message."""

    class Local: ...

    assert type_name(Local) == "Local"


def test_keys_and_markers_have_plain_texts() -> None:
    """A key reads like a phrase, and the absence of a value says so."""
    assert str(Key(Store, "a")) == "Store named 'a'"
    assert repr(MISSING) == "MISSING"
    assert named("a") == Inject(name="a")
