"""What parsers of stages share: the variables in sight, pipelines within pipelines, and checks of options by name."""

# Specifications are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

from lexigram.nosql.aggregation.expressions.compile import compile_expression
from lexigram.nosql.aggregation.expressions.compiled import Compiled
from lexigram.nosql.aggregation.expressions.errors import FAILED_TO_PARSE, TYPE_MISMATCH, fault
from lexigram.nosql.aggregation.expressions.numbers import as_int64, is_numeric
from lexigram.nosql.aggregation.expressions.paths import field_names, validate_variable_name
from lexigram.nosql.aggregation.stages.base import NOTHING, Stage
from lexigram.nosql.exceptions import DocumentValidationError
from lexigram.nosql.query.suggest import operator_hint
from lexigram.nosql.values.collation import Collation
from lexigram.nosql.values.kinds import type_name

__all__ = [
    "MISSING_OPTION",
    "Env",
    "StageParser",
    "Subpipeline",
    "as_list",
    "check_collection",
    "compile_let",
    "known_options",
    "needed_variables",
    "path_of",
    "shown",
    "whole_number",
]

MISSING_OPTION: Final = 40414
UNKNOWN_OPTION: Final = 40415
INVALID_NAMESPACE: Final = 73


@dataclass(frozen=True, slots=True)
class Subpipeline:
    """A pipeline within a stage, compiled and optimised.

    Attributes:
        stages: The stages.
        from_documents: True when it begins with ``$documents`` and reads no collection.
    """

    stages: tuple[Stage, ...]
    from_documents: bool = False

    @property
    def collections(self) -> frozenset[str]:
        """The collections that its stages read, its own source not counted."""
        return NOTHING.union(*(stage.collections for stage in self.stages))

    @property
    def volatile(self) -> bool:
        """True when two runs on the same input may differ."""
        return any(stage.volatile for stage in self.stages)

    @property
    def variables_needed(self) -> frozenset[str]:
        """Names of the variables that its stages read."""
        return needed_variables(self.stages)


@dataclass(frozen=True, slots=True)
class Env:
    """Where a stage is parsed.

    Attributes:
        parse: Compiles a pipeline within a stage: from its specification, the surroundings, and the stage it stands in.
        variables: Names of the user variables in sight.
        collation: How text is compared, or None.
        depth: How many pipelines stand around this one.
        within: Name of the stage around this pipeline; empty for the outermost one.
    """

    parse: Callable[[Any, Env, str], Subpipeline]
    variables: frozenset[str] = NOTHING
    collation: Collation | None = None
    depth: int = 0
    within: str = ""

    def bind(self, names: Iterable[str]) -> Env:
        """The same place with more variables in sight."""
        return replace(self, variables=self.variables | frozenset(names))

    def expression(self, specification: Any) -> Compiled:
        """Compile an expression.

        Raises:
            PipelineError: It is not valid.
        """
        return compile_expression(specification, variables=self.variables, collation=self.collation)

    def pipeline(self, specification: Any, within: str) -> Subpipeline:
        """Compile a pipeline within a stage.

        Raises:
            PipelineError: It is not valid, or not allowed there.
        """
        return self.parse(specification, self, within)


StageParser: TypeAlias = Callable[[Any, Env], Sequence[Stage]]
"""What compiles a stage: from the value beside its name, and the place."""


def needed_variables(stages: Iterable[Stage]) -> frozenset[str]:
    """Names of the variables that stages read.

    Args:
        stages: The stages.

    Returns:
        The names.
    """
    return NOTHING.union(*(stage.variables_needed for stage in stages))


def shown(value: Any) -> str:
    """The type of a wrong argument, for messages."""
    try:
        return type_name(value)
    except DocumentValidationError:
        return type(value).__name__


def known_options(
    stage: str, specification: Any, names: Sequence[str], *, required: Sequence[str] = (), shape: int = FAILED_TO_PARSE
) -> dict[str, Any]:
    """Check the options of a stage that takes them by name.

    Args:
        stage: Name of the stage.
        specification: What stands beside it.
        names: Options that it knows.
        required: Those among them that must be there.
        shape: MongoDB's code for anything else than a document.

    Returns:
        The options.

    Raises:
        PipelineError: It is not a document, an option is unknown (40415), or one is missing (40414).
    """
    if not isinstance(specification, Mapping):
        raise fault(shape, f"{stage} takes a document of options, not {shown(specification)}")
    options: dict[str, Any] = {}
    for name, value in specification.items():
        if name not in names:
            hint = operator_hint(str(name), names) or f"its options are {', '.join(names)}"
            raise fault(UNKNOWN_OPTION, f"{stage} has no option {str(name)[:64]!r}", hint)
        options[str(name)] = value
    for name in required:
        if name not in options:
            raise fault(MISSING_OPTION, f"{stage} needs the option {name!r}")
    return options


def as_list(value: Any) -> list[Any] | None:
    """An array as a list, or None for anything else."""
    return list(value) if isinstance(value, list | tuple) else None


def path_of(path: str) -> tuple[str, ...]:
    """Split and check a dotted path.

    Args:
        path: Without ``$``.

    Returns:
        Its names.

    Raises:
        PipelineError: It is not valid.
    """
    return tuple(field_names(path))


def whole_number(value: Any) -> int | None:
    """A number without a fraction that fits in 64 bits, or None."""
    return as_int64(value) if is_numeric(value) else None


def check_collection(name: str, what: str) -> str:
    """Check the name of a collection that a stage reads or writes.

    Args:
        name: The name.
        what: What it is the name of, for the message.

    Returns:
        The name.

    Raises:
        PipelineError: No collection can have it (73).
    """
    if not name or "\0" in name or "$" in name or name[0] == ".":
        raise fault(INVALID_NAMESPACE, f"{name[:64]!r} is not the name of a collection for {what}")
    return str(name)


def compile_let(definitions: Any, env: Env, what: str, code: int = FAILED_TO_PARSE) -> dict[str, Compiled]:
    """Compile the variables that a stage defines.

    Args:
        definitions: As written.
        env: Where the expressions stand.
        what: Whose variables they are, for messages.
        code: MongoDB's code for anything else than a document.

    Returns:
        The expressions by name.

    Raises:
        PipelineError: A name or an expression is not valid.
    """
    if not isinstance(definitions, Mapping):
        raise fault(code, f"{what} must be a document, not {shown(definitions)}")
    compiled: dict[str, Compiled] = {}
    for name, expression in definitions.items():
        if not isinstance(name, str):
            raise fault(TYPE_MISMATCH, f"the names in {what} must be strings")
        validate_variable_name(name)
        compiled[str(name)] = env.expression(expression)
    return compiled
