"""What holds for every module of the package: names, laziness, and nothing loaded from third parties."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import pkgutil
import subprocess
import sys
import typing
from pathlib import Path
from types import ModuleType

import lexigram.contracts
import pytest

MODULES = [
    "lexigram.contracts",
    *(found.name for found in pkgutil.walk_packages(lexigram.contracts.__path__, "lexigram.contracts.")),
]
PUBLIC = [name for name in MODULES if not any(part.startswith("_") for part in name.split("."))]
PACKAGES = [name for name in PUBLIC if hasattr(importlib.import_module(name), "__path__")]

# Paths and names that the documents of the data layer give.
DOCUMENTED = {
    "lexigram.contracts.data.nosql.nosql": "DocumentResult BulkWriteResult CollectionProtocol DocumentStoreProtocol",
    "lexigram.contracts.data.nosql": "DocumentResult BulkWriteResult CollectionProtocol DocumentStoreProtocol",
    "lexigram.contracts.data.nosql.nosql_repository": "DocumentRepositoryProtocol",
    "lexigram.contracts.data.protocols": "FieldEq FieldGt FieldGte FieldLt FieldLte FieldNeq FieldContains FieldIn "
    "AndExpr OrExpr NotExpr FilterExpression SortSpecification PaginationSpec CursorPaginationSpec ProjectionSpec "
    "QueryFilterProtocol FilterCompilerProtocol CursorCodecProtocol PaginatorProtocol",
    "lexigram.contracts.data.repository": "ReadOnlyRepositoryProtocol RepositoryProtocol",
    "lexigram.contracts.data.outbox": "OutboxStoreProtocol",
    "lexigram.contracts.data.sql.database": "DatabaseProviderProtocol ConnectionProtocol ConnectionPoolProtocol "
    "QueryResult InsertResult UpdateResult DeleteResult IsolationLevel MigrationManagerProtocol MigrationRecord "
    "TransactionManagerProtocol SchemaManagerProtocol CrudOperationsProtocol HealthMonitorProtocol "
    "DatabaseMetricsProtocol",
    "lexigram.contracts.data.sql.unit_of_work": "UnitOfWorkProtocol",
    "lexigram.contracts.data.sql.migrations": "MigrationRunnerProtocol",
    "lexigram.contracts.data.sql.query_log": "QueryLogEntry QueryLoggerProtocol",
    "lexigram.contracts.data.sql.sql": "InvalidIdentifierError RawSQL",
    "lexigram.contracts.data.sql.sql_dialect": "SQLDialect",
    "lexigram.contracts.data.sql.mapper": "DataMapperProtocol",
    "lexigram.contracts.data.sql.append_log": "AppendLogProtocol AppendLogSnapshotStore",
    "lexigram.contracts.data.sql.context_protocol": "DatabaseContextProtocol",
    "lexigram.contracts.data.identifiers": "Identifier Table Column Schema QualifiedTable table column schema",
    "lexigram.contracts.data.exceptions": "UnitOfWorkError DataError DataNotFoundError DataValidationError",
    "lexigram.contracts.data.searchable": "SearchableProtocol",
    "lexigram.contracts.data.aggregatable": "AggregatableProtocol",
    "lexigram.contracts.data.bulk_operations": "BulkOperationsProtocol",
    "lexigram.contracts.data.relation_loader": "RelationLoaderProtocol",
    "lexigram.contracts.data.data_source": "DataSourceProtocol",
    "lexigram.contracts.data": "DocumentStoreProtocol DatabaseProviderProtocol UnitOfWorkProtocol FieldEq RawSQL table",
    "lexigram.contracts.core.di": "ContainerProtocol ContainerRegistrarProtocol ContainerResolverProtocol",
    "lexigram.contracts.core.provider": "ProviderPriority ProviderProtocol",
    "lexigram.contracts.core.module": "ModuleProtocol",
    "lexigram.contracts.core.health": "HealthStatus HealthCheckCategory HealthCheckResult AggregateHealthResult",
    "lexigram.contracts.core.hooks": "HookRegistryProtocol HookPriority",
    "lexigram.contracts.core.config": "ConfigProtocol Environment ConfigIssue",
    "lexigram.contracts.core.clock": "Duration ClockProtocol",
    "lexigram.contracts.core.identity": "IdGeneratorProtocol",
    "lexigram.contracts.core.result": "Result Ok Err UnwrapError",
    "lexigram.contracts.core.scopes": "ServiceScope",
    "lexigram.contracts.core.stores": "LockStoreProtocol",
    "lexigram.contracts.core.lifecycle": "OnModuleInitProtocol OnApplicationShutdownProtocol",
    "lexigram.contracts.core.logging": "LoggerProtocol",
    "lexigram.contracts.infra.state": "StateStoreProtocol",
    "lexigram.contracts.infra": "StateStoreProtocol",
    "lexigram.contracts.infra.resilience": "ResiliencePipelineFactoryProtocol RetryConfig CircuitBreakerConfig "
    "TimeoutConfig",
    "lexigram.contracts.security.stores": "AsyncSecretStoreProtocol",
    "lexigram.contracts.security.secrets": "SecretResolverProtocol SecretNotFoundError",
    "lexigram.contracts.observability.metrics": "MetricsCollectorProtocol",
    "lexigram.contracts.observability.tracing": "TracerProtocol SpanProtocol",
    "lexigram.contracts.domain.events": "DomainEvent",
    "lexigram.contracts.domain.specification": "SpecificationProtocol",
    "lexigram.contracts.domain.pagination": "CursorPage",
    "lexigram.contracts.domain.aggregates": "AggregateRootProtocol",
    "lexigram.contracts.events": "EventBusProtocol EventHandlerProtocol",
    "lexigram.contracts.events.outbox": "OutboxBackendProtocol OutboxEntryProtocol OutboxRelayProtocol OutboxStatus",
    "lexigram.contracts.exceptions.base": "LexigramError",
    "lexigram.contracts.exceptions.domain": "DomainError NotFoundError ConflictError",
    "lexigram.contracts.exceptions.infra": "InfrastructureError DatabaseError MigrationError IntegrityError "
    "ConstraintError DuplicateKeyError NoPrimaryBackendError",
    "lexigram.contracts.exceptions.container": "ContainerError UnresolvableDependencyError ScopedResolutionError "
    "ContainerValidationError",
    "lexigram.contracts.exceptions.config": "ConfigurationError",
    "lexigram.contracts.exceptions.provider": "ModuleError ModuleDuplicateError",
    "lexigram.contracts.exceptions.resilience": "ResilienceError",
    "lexigram.contracts.cli.contributions": "CommandContribution HealthCheckContribution DoctorCheckContribution "
    "ShellContextContribution SchemaSetupContribution",
    "lexigram.contracts.cli.types": "GeneratorDefinition",
    "lexigram.contracts.result": "Result Ok Err as_result as_result_sync collect partition pipeline try_catch "
    "try_catch_sync ResultPipeline",
}

_REPORT = """
import sys
before = set(sys.modules)
import importlib, json, pkgutil
import {target}
if {walk}:
    for found in pkgutil.walk_packages({target}.__path__, "{target}."):
        importlib.import_module(found.name)
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def loaded_by(target: str, *, walk: bool = False) -> list[str]:
    """Return the modules that a fresh interpreter loads for an import."""
    code = _REPORT.format(target=target, walk=walk)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize("walk", [False, True], ids=["package", "every module"])
def test_no_third_party_module_is_loaded_but_typing_extensions(walk: bool) -> None:
    """The package stands on the standard library and typing_extensions alone."""
    loaded = {name.partition(".")[0] for name in loaded_by("lexigram.contracts", walk=walk)}

    assert loaded - sys.stdlib_module_names <= {"lexigram", "typing_extensions"}


def test_importing_a_package_loads_none_of_its_modules() -> None:
    """Re-exports wait until a name is asked for."""
    loaded = [name for name in loaded_by("lexigram.contracts.data") if name.startswith("lexigram.contracts.")]

    assert loaded == ["lexigram.contracts.data", "lexigram.contracts.lazy"]


def test_importing_the_document_protocols_loads_no_sql() -> None:
    """A leaf costs only what it needs."""
    assert not [name for name in loaded_by("lexigram.contracts.data.nosql.nosql") if ".sql" in name]


@pytest.mark.parametrize("name", PUBLIC)
def test_all_is_there_and_true(name: str) -> None:
    """Every name in ``__all__`` exists, is listed once, and is shown by ``dir()``."""
    module = importlib.import_module(name)

    assert all(hasattr(module, exported) for exported in module.__all__)
    assert len(set(module.__all__)) == len(module.__all__)
    assert set(module.__all__) <= set(dir(module))


@pytest.mark.parametrize("name", [name for name in PUBLIC if name not in PACKAGES])
def test_all_is_complete(name: str) -> None:
    """A public class or function is not forgotten in ``__all__``."""
    module = importlib.import_module(name)
    defined = {
        key
        for key, value in vars(module).items()
        if not key.startswith("_")
        and (inspect.isclass(value) or inspect.isfunction(value))
        and value.__module__ == name
    }

    assert defined <= set(module.__all__)


@pytest.mark.parametrize("name", PUBLIC)
def test_what_is_public_has_a_docstring(name: str) -> None:
    """Modules, classes, functions and methods say what they are for."""
    module = importlib.import_module(name)
    silent = [name] if not module.__doc__ else []
    for exported in module.__all__:
        value = getattr(module, exported)
        if getattr(value, "__module__", None) != name or not (inspect.isclass(value) or inspect.isfunction(value)):
            continue
        silent += [] if value.__doc__ else [exported]
        members = vars(value).items() if inspect.isclass(value) else ()
        silent += [
            f"{exported}.{key}"
            for key, member in members
            if not key.startswith("_") and inspect.isroutine(member) and not inspect.getdoc(member)
        ]

    assert silent == []


@pytest.mark.parametrize("name", [name for name in MODULES if name not in PACKAGES])
def test_annotations_can_be_read_at_run_time(name: str) -> None:
    """Containers and validators evaluate them, so no name in them is there for type checkers only."""
    module = importlib.import_module(name)
    for value in vars(module).values():
        if getattr(value, "__module__", None) != name or not (inspect.isclass(value) or inspect.isfunction(value)):
            continue
        typing.get_type_hints(value, include_extras=True)
        for member in vars(value).values() if inspect.isclass(value) else ():
            function = inspect.unwrap(getattr(member, "fget", None) or getattr(member, "__func__", None) or member)
            if inspect.isfunction(function) and function.__module__ == name:
                typing.get_type_hints(function, include_extras=True)


def _lazy_table(module: ModuleType) -> tuple[dict[str, str], dict[str, str]]:
    """Return what an ``__init__`` says to type checkers, and what it says at run time: homes by name."""
    assert module.__file__ is not None
    tree = ast.parse(Path(module.__file__).read_text())
    (choice,) = [node for node in tree.body if isinstance(node, ast.If)]
    checked = {
        alias.name: str(node.module) for node in choice.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    (call,) = [node for node in ast.walk(choice) if isinstance(node, ast.Call)]
    table: dict[str, tuple[str, ...]] = ast.literal_eval(call.args[1])
    running = {
        name: home if home.startswith("lexigram.") else f"{module.__name__}.{home}"
        for home, names in table.items()
        for name in names
    }
    return checked, running


@pytest.mark.parametrize("name", PACKAGES)
def test_lazy_names_agree(name: str) -> None:
    """Type checkers, the run-time table and ``__all__`` name the same things from the same homes."""
    module = importlib.import_module(name)
    checked, running = _lazy_table(module)

    assert checked == running
    assert sorted(running) == sorted(module.__all__)
    for exported, home in running.items():
        assert getattr(module, exported) is getattr(importlib.import_module(home), exported)


@pytest.mark.parametrize("name", PACKAGES)
def test_an_unknown_name_is_an_attribute_error(name: str) -> None:
    """Laziness does not swallow typing mistakes."""
    with pytest.raises(AttributeError, match=f"module '{name}' has no attribute 'Nonsense'"):
        _ = importlib.import_module(name).Nonsense


@pytest.mark.parametrize("path", sorted(DOCUMENTED))
def test_documented_paths_hold_the_documented_names(path: str) -> None:
    """Code written against the documents imports."""
    module = importlib.import_module(path)

    assert [name for name in DOCUMENTED[path].split() if name not in module.__all__] == []
