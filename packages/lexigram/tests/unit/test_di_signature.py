"""Reading what classes and functions need."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Generic, Protocol, Self, TypeVar

import pytest
from lexigram.contracts.core.di import ContainerResolverProtocol
from lexigram.di.keys import Key
from lexigram.di.markers import MISSING, Inject, OptionalDep, named
from lexigram.di.signature import Dependency, dependencies_of, describe_callable

if TYPE_CHECKING:
    from decimal import Decimal

T = TypeVar("T")
U = TypeVar("U")


class Store(Protocol):
    """A protocol to ask for."""


class Product:
    """A type argument."""


class Service:
    """A class with a constructor."""

    def __init__(self, store: Store, other: Annotated[Store, "b"], *args: Any, limit: int = 5, **kwargs: Any) -> None:
        self.store = store


class Inherited(Service):
    """A class with its base's constructor."""


class New:
    """A class that is made in __new__."""

    def __new__(cls, store: Store) -> Self:
        return super().__new__(cls)


@dataclass
class Data:
    """A dataclass."""

    store: Store
    tags: list[str] = field(default_factory=list)


class Mapper(Generic[T]):
    """A generic dependency."""


class Base(Generic[T, U]):
    """A generic with a constructor."""

    def __init__(self, mapper: Mapper[T], other: U, store: Store) -> None: ...


class Products(Base[Product, int]):
    """A class whose base says what the variables are."""


class Half(Base[T, str], Generic[T]):
    """A generic that says one of two."""


class Caller:
    """An object that can be called."""

    def __call__(self, store: Store) -> None: ...

    def method(self, store: Store) -> None: ...


def function(store: Store, /, clock: Store | None, n: int = 1) -> None: ...


def marked(
    a: Store = named("x"),  # noqa: B008 - that is its place
    b: Annotated[Store, OptionalDep()] = None,  # type: ignore[assignment]
    c: Store = Inject(default=3),  # type: ignore[assignment]  # noqa: B008 - that is its place
    d: Store = OptionalDep(4),  # type: ignore[assignment]  # noqa: B008 - that is its place
) -> None: ...


def unreadable(a, b: Decimal, c: int | str, d=1, e: Decimal | None = None, f: int | str = 2) -> None: ...  # type: ignore[no-untyped-def]


def resolving(container: ContainerResolverProtocol) -> None: ...


def keys(target: Any) -> dict[str, Key | None]:
    return {d.parameter: d.key for d in dependencies_of(target)}


def test_a_constructor_is_read() -> None:
    """Parameters become requests, collecting parameters are left out."""
    assert dependencies_of(Service) == (
        Dependency("store", Key(Store)),
        Dependency("other", Key(Store, "b")),
        Dependency("limit", Key(int), default=5),
    )


def test_an_inherited_constructor_is_read() -> None:
    """A class without constructor has its base's."""
    assert dependencies_of(Service) == dependencies_of(Inherited)


def test_new_is_read_where_it_makes_the_object() -> None:
    """A class may be made in __new__."""
    assert {"store": Key(Store)} == keys(New)


def test_a_dataclass_is_read() -> None:
    """Fields are parameters; a default factory makes one optional."""
    store, tags = dependencies_of(Data)

    assert Dependency("store", Key(Store)) == store
    assert tags.key == Key(list[str])
    assert tags.default is not MISSING


def test_a_function_is_read() -> None:
    """Positional-only parameters are marked, None and defaults make optional."""
    assert dependencies_of(function) == (
        Dependency("store", Key(Store), positional=True),
        Dependency("clock", Key(Store), default=None),
        Dependency("n", Key(int), default=1),
    )


def test_markers_stand_in_the_place_of_the_default() -> None:
    """named(), Inject and OptionalDep are no default values."""
    assert dependencies_of(marked) == (
        Dependency("a", Key(Store, "x")),
        Dependency("b", Key(Store), default=None),
        Dependency("c", Key(Store), default=3),
        Dependency("d", Key(Store), default=4),
    )


def test_methods_partials_and_objects_are_read() -> None:
    """Whatever can be called has parameters."""
    expected = {"store": Key(Store)}

    assert expected == keys(Caller()) == keys(Caller().method) == keys(partial(function, clock=None, n=2))


def test_type_variables_stand_for_their_arguments() -> None:
    """A concrete generic, and a class that inherits from one, know their type arguments."""
    expected = {"mapper": Key(Mapper[Product]), "other": Key(int), "store": Key(Store)}

    assert expected == keys(Base[Product, int]) == keys(Products)
    assert {**expected, "other": Key(str)} == keys(Half[Product])
    assert {**expected, "mapper": Key(Mapper[T]), "other": Key(U)} == keys(Base)


def test_what_cannot_be_read_is_a_fault_of_its_parameter(caplog: pytest.LogCaptureFixture) -> None:
    """A missing annotation, a type that is there for checkers only, and a union are told; defaults mend them.

    That a service is not injected for want of an import is told in the log.
    """
    a, b, c, d, e, f = dependencies_of(unreadable)

    assert a.fault == "parameter 'a' has no annotation"
    assert b.fault is not None
    assert "'Decimal' is not defined; import it at run time" in b.fault
    assert c.fault is not None
    assert "several types" in c.fault
    (warning,) = [record.message for record in caplog.records]
    assert warning.startswith("unreadable gets the default for 'e', whose annotation cannot be read: name 'Decimal' is")
    assert [(x.key, x.default, x.fault) for x in (d, e, f)] == [(None, 1, None), (None, None, None), (None, 2, None)]


class Outer:
    """A class with a class inside, and an attribute named like a type of the module."""

    class Inner: ...

    Store = "not a type"

    def __init__(self, inner: Inner, store: Store) -> None: ...  # type: ignore[valid-type]


def test_names_of_the_class_come_after_those_of_the_module() -> None:
    """A class inside the class is found; an attribute hides nothing."""
    assert keys(Outer) == {"inner": Key(Outer.Inner), "store": Key(Store)}


def broken(store: "Store[", other: "1 +") -> None: ...  # type: ignore  # noqa: PGH003, F722 - as broken as can be


def test_an_annotation_that_is_no_python_is_a_fault() -> None:
    """It is told like one whose names are unknown."""
    assert all("cannot be read" in str(d.fault) for d in dependencies_of(broken))


class Late:
    """A class whose signature cannot be had, as where annotations are evaluated late."""

    @property
    def __signature__(self) -> Any:
        raise NameError("name 'Decimal' is not defined")

    def __call__(self) -> None: ...


def test_a_signature_that_cannot_be_had_is_a_fault() -> None:
    """Python may evaluate annotations only when it is asked for them."""
    (dependency,) = dependencies_of(Late())

    assert dependency.fault == "its annotations cannot be read: name 'Decimal' is not defined"


def test_the_resolver_is_no_service() -> None:
    """A parameter may ask for the container itself."""
    (dependency,) = dependencies_of(resolving)

    assert dependency.resolver


def test_parameters_that_are_given_are_skipped() -> None:
    """call() reads only what it has to inject."""
    assert [d.parameter for d in dependencies_of(function, skip=frozenset({"store", "n"}))] == ["clock"]


def test_built_in_types_need_nothing() -> None:
    """A class that does not tell its parameters is called without arguments."""
    assert dependencies_of(int) == dependencies_of(dict) == ()


def test_what_makes_a_service_has_a_name() -> None:
    """Messages name the class or function, not the partial around it."""
    assert describe_callable(Base[Product, int]) == "Base[Product, int]"
    assert describe_callable(partial(partial(function), n=1)) == "function"
    assert describe_callable(Caller()) == "Caller"
