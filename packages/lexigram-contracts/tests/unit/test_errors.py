"""The error tree: codes, pickling, attributes, and the root's behaviour."""

from __future__ import annotations

import copy
import importlib
import pickle
import pkgutil
import re
import sys
from collections.abc import Iterator
from typing import Any, ClassVar

import lexigram.contracts
import pytest
from lexigram.contracts.data import exceptions as data_exceptions
from lexigram.contracts.data import identifiers
from lexigram.contracts.data.sql import sql
from lexigram.contracts.exceptions import base, config, container, domain, infra, provider, resilience, result
from lexigram.contracts.exceptions.base import LexigramError
from lexigram.contracts.security.secrets import CredentialError, SecretNotFoundError

for _found in pkgutil.walk_packages(lexigram.contracts.__path__, "lexigram.contracts."):
    importlib.import_module(_found.name)


def _classes(root: type[LexigramError]) -> Iterator[type[LexigramError]]:
    yield root
    for subclass in root.__subclasses__():
        yield from _classes(subclass)


ERRORS = sorted(
    {cls for cls in _classes(LexigramError) if cls.__module__.startswith("lexigram.contracts.")},
    key=lambda cls: f"{cls.__module__}.{cls.__name__}",
)
NAMES = [cls.__name__ for cls in ERRORS]

# Attributes that each class takes by name, with a value to try.
EXTRA: dict[type[LexigramError], dict[str, Any]] = {
    config.ConfigurationError: {"key": "nosql.driver", "source": "application.yaml:3"},
    container.CircularDependencyError: {"chain": ("A", "B", "A")},
    container.UnresolvableDependencyError: {"dependency": "Store", "chain": ("A",)},
    container.ScopedResolutionError: {"dependency": "Unit", "chain": ("A",)},
    container.ProtocolValidationError: {"missing": ("close",)},
    container.ContainerValidationError: {"issues": ("no Store", "no Clock")},
    domain.RateLimitError: {"retry_after": 1.5},
    domain.ValidationError: {"errors": (domain.FieldError("too long", field="name"),)},
    domain.FieldError: {"field": "name"},
    infra.LockConflictError: {"resource": "job", "owner": "host-1"},
    infra.DataNotFoundError: {"item_type": "User", "item_id": 3},
    infra.DataValidationError: {"field": "age"},
    provider.ProviderError: {"provider": "nosql", "phase": "boot"},
    provider.ProviderTimeoutError: {"provider": "nosql", "phase": "boot", "timeout": 2.0},
    provider.ModuleError: {"module_name": "A"},
    provider.ModuleImportError: {"missing_import": "B", "available_modules": ("A",), "module_name": "A"},
    provider.ModuleExportError: {"missing_export": "S", "registered_types": ("T",)},
    provider.ModuleCycleError: {"cycle": ("A", "B", "A")},
    provider.ModuleVisibilityError: {"consumer_module": "A", "provider_module": "B", "service_type": "S"},
    resilience.RetryExhaustedError: {"attempts": 3},
    resilience.CircuitOpenError: {"retry_after": 30.0},
    resilience.ResilienceTimeoutError: {"timeout": 30.0},
    CredentialError: {"key": "database.documents.main.provider.url", "source": "settings.toml:3"},
    SecretNotFoundError: {"name": "TOKEN", "resolver": "environment"},
}


@pytest.mark.parametrize("error_class", ERRORS, ids=NAMES)
def test_each_class_has_a_code_of_its_own(error_class: type[LexigramError]) -> None:
    """One class per idea, one code per class."""
    code = vars(error_class)["_code"]

    assert re.fullmatch(r"LEX_ERR_([A-Z]+_)?\d{3}", code)
    assert [other for other in ERRORS if other is not error_class and other().code == code] == []


@pytest.mark.parametrize(
    "module",
    [
        *(
            sys.modules[f"lexigram.contracts.exceptions.{name}"]
            for name in ("config", "container", "domain", "events", "infra", "provider", "resilience", "result")
        )
    ],
    ids=lambda module: module.__name__.rpartition(".")[2],
)
def test_the_tree_at_the_top_of_a_module_is_its_tree(module: Any) -> None:
    """Every class is drawn with the end of its code."""
    drawn = dict(re.findall(r"^ *[*+\-.] (\w+) ([A-Z_]*\d{3})", module.__doc__, re.MULTILINE))
    defined = {name: cls for name, cls in vars(module).items() if cls in ERRORS and cls.__module__ == module.__name__}

    assert set(drawn) == set(defined)
    assert {name: cls().code.endswith(drawn[name]) for name, cls in defined.items()} == dict.fromkeys(drawn, True)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("DatabaseError", "LEX_ERR_DB_001"),
        ("MigrationError", "LEX_ERR_DB_002"),
        ("IntegrityError", "LEX_ERR_DB_003"),
        ("ConstraintError", "LEX_ERR_DB_004"),
        ("DuplicateKeyError", "LEX_ERR_DB_005"),
        ("UnitOfWorkError", "LEX_ERR_DB_006"),
        ("DataError", "LEX_ERR_DB_007"),
        ("DataNotFoundError", "LEX_ERR_DB_008"),
        ("DataValidationError", "LEX_ERR_DB_009"),
        ("InvalidIdentifierError", "LEX_ERR_DB_010"),
        ("NoPrimaryBackendError", "LEX_ERR_DB_011"),
        ("ContainerError", "LEX_ERR_DI_001"),
        ("UnresolvableDependencyError", "LEX_ERR_DI_004"),
        ("ScopedResolutionError", "LEX_ERR_DI_009"),
        ("ModuleError", "LEX_ERR_MOD_001"),
        ("ModuleDuplicateError", "LEX_ERR_MOD_006"),
        ("ConfigurationError", "LEX_ERR_CFG_001"),
        ("DomainError", "LEX_ERR_DOM_001"),
        ("NotFoundError", "LEX_ERR_DOM_002"),
        ("ConflictError", "LEX_ERR_DOM_007"),
        ("InfrastructureError", "LEX_ERR_INFRA_001"),
        ("UnwrapError", "LEX_ERR_RESULT_002"),
    ],
)
def test_documented_codes(name: str, code: str) -> None:
    """Codes are for ever."""
    assert getattr(lexigram.contracts.exceptions, name)().code == code


def test_one_name_is_one_class() -> None:
    """Modules that name the same error give the same object."""
    assert sql.InvalidIdentifierError is identifiers.InvalidIdentifierError is infra.InvalidIdentifierError
    assert [getattr(infra, name) for name in data_exceptions.__all__] == [
        getattr(data_exceptions, name) for name in data_exceptions.__all__
    ]


@pytest.mark.parametrize("error_class", ERRORS, ids=NAMES)
def test_each_class_takes_what_the_root_takes(error_class: type[LexigramError]) -> None:
    """Message, details, cause, hint and further facts go all the way up."""
    cause = OSError("down")

    error = error_class(message="it broke", details={"a": 1}, cause=cause, hint="Mend it.", table="users")

    assert error.message == "it broke"
    assert error.details["a"] == 1
    assert error.details["table"] == error.table == "users"
    assert error.cause is error.__cause__ is cause
    assert str(error) == f"[{error.code}] it broke\n  Fix: Mend it."


@pytest.mark.parametrize("error_class", ERRORS, ids=NAMES)
def test_pickling_keeps_everything(error_class: type[LexigramError]) -> None:
    """Errors cross processes with their attributes, details, hint and notes."""
    error = error_class(message="it broke", hint="Mend it.", table="users", **EXTRA.get(error_class, {}))
    error.add_note("on a Monday")

    back = pickle.loads(pickle.dumps(error))

    assert type(back) is error_class
    assert str(back) == str(error)
    assert back.args == error.args
    assert repr(vars(back)) == repr(vars(error))
    for name in EXTRA.get(error_class, {}):
        assert repr(getattr(back, name)) == repr(getattr(error, name))
    assert str(copy.copy(error)) == str(error)


def test_each_extra_attribute_is_kept_as_given() -> None:
    """No constructor swallows what its class documents."""
    wrong = [
        f"{cls.__name__}.{name}"
        for cls, extra in EXTRA.items()
        for name, value in extra.items()
        if getattr(cls(message="m", **extra), name) != value
    ]

    assert wrong == []


def test_a_class_without_a_message_says_its_own() -> None:
    """The first line of the docstring is the message."""
    assert infra.DuplicateKeyError().message == "A unique key is taken already."

    class Undocumented(LexigramError):
        pass

    assert Undocumented().message == "Undocumented"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (infra.LockConflictError("job", "host-1"), "'job' is locked by 'host-1'"),
        (infra.LockConflictError("job"), "'job' is locked"),
        (infra.DataNotFoundError("User", 3), "User 3 does not exist"),
        (container.ContainerValidationError(issues=["no A", "no B"]), "2 faults in the graph of dependencies:\n- no A"),
        (SecretNotFoundError(name="TOKEN", resolver="environment"), "no secret called 'TOKEN' in environment"),
        (SecretNotFoundError(name="TOKEN"), "no secret called 'TOKEN'"),
    ],
)
def test_facts_make_the_message(error: LexigramError, message: str) -> None:
    """Where nobody writes a message, the facts are one."""
    assert error.message.startswith(message)


@pytest.mark.parametrize(
    ("error_class", "builtin"),
    [
        (infra.DataValidationError, ValueError),
        (infra.InvalidIdentifierError, ValueError),
        (domain.ValidationError, ValueError),
        (provider.ProviderTimeoutError, TimeoutError),
        (resilience.ResilienceTimeoutError, TimeoutError),
        (SecretNotFoundError, LookupError),
    ],
)
def test_some_are_built_in_errors_too(error_class: type[LexigramError], builtin: type[Exception]) -> None:
    """Code that knows only Python's errors catches them."""
    with pytest.raises(builtin):
        raise error_class


class StoreError(LexigramError):
    """A store failed."""

    _code: ClassVar[str] = "LEX_ERR_TEST_001"

    def __init__(
        self,
        message: str | None = None,
        details: Any = None,
        cause: BaseException | None = None,
        hint: str | None = None,
        *,
        backend: str | None = None,
        **context: Any,
    ) -> None:
        super().__init__(message, details, cause, hint, **context)
        self.backend = backend


class StoreDuplicateError(StoreError, infra.DuplicateKeyError):
    """A store holds the key already."""

    _code = "LEX_ERR_TEST_002"


class StoreTimeoutError(StoreError, TimeoutError):
    """A store took too long."""

    _code = "LEX_ERR_TEST_003"


@pytest.mark.parametrize("error_class", [StoreDuplicateError, StoreTimeoutError])
def test_other_packages_may_join_branches(error_class: type[StoreError]) -> None:
    """A class may inherit from two branches, or from a built-in error, and still pickle."""
    error = error_class("taken", {"a": 1}, backend="memory", index="sku_1")

    back = pickle.loads(pickle.dumps(error))

    assert (back.backend, back.index, back.details, back.code) == (
        "memory",
        "sku_1",
        {"a": 1, "index": "sku_1"},
        error.code,
    )
    assert isinstance(back, error_class.__bases__)


def test_facts_are_added_while_raising() -> None:
    """The ``with_`` methods return the error, for use in a raise statement."""
    cause = KeyError("x")

    error = LexigramError("m").with_details(a=1).with_hint("Mend it.").with_cause(cause)

    assert (error.details, error.hint, error.cause) == ({"a": 1}, "Mend it.", cause)


def test_an_error_as_data() -> None:
    """``to_dict`` has every field, the cause only where there is one."""
    error = infra.DatabaseError("m", {"a": 1}, hint="Mend it.")
    expected = {
        "code": "LEX_ERR_DB_001",
        "type": "DatabaseError",
        "message": "m",
        "details": {"a": 1},
        "hint": "Mend it.",
        "docs_url": "https://docs.lexigram.dev/reference/errors/LEX_ERR_DB_001",
    }

    assert error.to_dict() == expected
    assert error.with_cause(OSError("password=x")).to_dict() == {**expected, "cause": "OSError"}
    inner = LexigramError("down")
    assert error.with_cause(inner).to_dict() == {**expected, "cause": "LexigramError: [LEX_ERR_000] down"}


def test_an_error_as_text() -> None:
    """``format`` shows facts, remedy and link on lines of their own; ``repr`` is short."""
    error = infra.DatabaseError("m", {"a": "b"}, hint="Mend it.")

    assert error.format().splitlines() == [
        "[LEX_ERR_DB_001] m",
        "  a: 'b'",
        "  Fix: Mend it.",
        "  See: https://docs.lexigram.dev/reference/errors/LEX_ERR_DB_001",
    ]
    assert len(infra.DatabaseError("m").format().splitlines()) == 2
    assert repr(error) == "DatabaseError('m', code='LEX_ERR_DB_001')"
    assert str(infra.DatabaseError("m")) == "[LEX_ERR_DB_001] m"


def test_unknown_attributes_are_attribute_errors() -> None:
    """Only facts that were given are attributes."""
    with pytest.raises(AttributeError, match="'DatabaseError' has no attribute 'table'"):
        _ = infra.DatabaseError("m").table
    with pytest.raises(AttributeError):
        _ = infra.DatabaseError.__new__(infra.DatabaseError).table


def test_the_modules_walked_are_the_ones_meant() -> None:
    """The parametrization above did not shrink unnoticed."""
    assert len(ERRORS) > 45
    assert {base, result} <= set(sys.modules.values())
