"""``$project`` and ``$unset`` (manual, "$project").

A specification either keeps the fields it names, with computed fields beside them, or removes the fields it names.
Fields that are kept stay in the order of the document that came in; computed ones follow in the order they are written.
"""

# Specifications are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from lexigram.nosql.aggregation.expressions.compile import operators
from lexigram.nosql.aggregation.expressions.compiled import Compiled
from lexigram.nosql.aggregation.expressions.errors import BAD_VALUE, OVERFLOW, fault
from lexigram.nosql.aggregation.expressions.numbers import as_decimal, is_numeric
from lexigram.nosql.aggregation.expressions.scope import MAX_DEPTH
from lexigram.nosql.aggregation.stages.additions import Tree, computed_parts
from lexigram.nosql.aggregation.stages.base import NOTHING, Document, Fields, MapStage, Stage, Transform
from lexigram.nosql.aggregation.stages.parsing import Env, path_of, shown
from lexigram.nosql.exceptions import DocumentValidationError
from lexigram.nosql.query.suggest import operator_hint
from lexigram.nosql.values.path import MISSING

__all__ = ["parse_project", "parse_unset"]

INVALID_OPERATOR = 168

Node: TypeAlias = "dict[str, Node | Compiled | bool]"
Inner: TypeAlias = Callable[[Any, Document, Mapping[str, Any]], Any]


@dataclass(slots=True)
class _Projection:
    """A specification while it is read.

    Attributes:
        env: Where it stands.
        root: Fields by name: True for kept, False for removed, an expression, or a document of such.
        keeps: Whether it keeps or removes fields; None while that is open.
        id_flag: What it says of ``_id`` as a whole; None for nothing.
    """

    env: Env
    root: Node = field(default_factory=dict)
    keeps: bool | None = None
    id_flag: bool | None = None

    def read(self, specification: Mapping[Any, Any], names: tuple[str, ...]) -> None:
        if len(names) > MAX_DEPTH:
            raise fault(OVERFLOW, f"the specification nests deeper than {MAX_DEPTH} levels, or contains itself")
        for key, value in specification.items():
            if not isinstance(key, str):
                raise fault(BAD_VALUE, f"a field name must be a string, not {shown(key)}")
            if key == "$" or key.endswith(".$") or ".$." in key:
                raise fault(31324, "a positional projection ('$') is part of find(), not of a pipeline")
            self._entry((*names, *path_of(key)), value)

    def _entry(self, path: tuple[str, ...], value: Any) -> None:
        if isinstance(value, Mapping):
            self._document(path, value)
        elif (flag := _flag_of(value)) is not None:
            self._flag(path, flag)
        else:
            if self.keeps is False:
                raise fault(31310, f"a projection that removes fields cannot compute {'.'.join(path)!r}")
            self.keeps = True
            self._place(path, self.env.expression(value))

    def _document(self, path: tuple[str, ...], value: Mapping[Any, Any]) -> None:
        if not value:
            raise fault(
                51270, f"the empty document at {'.'.join(path)!r} says nothing; use {{'$literal': {{}}}} for one"
            )
        first = next(iter(value))
        if len(value) == 1 and isinstance(first, str) and first[:1] == "$":
            if first == "$elemMatch":
                raise fault(INVALID_OPERATOR, "$elemMatch is part of find()'s projection; use $filter in a pipeline")
            if first not in operators():
                raise fault(31325, f"there is no expression operator {first[:64]}", operator_hint(first, operators()))
            if self.keeps is False:
                raise fault(31252, f"a projection that removes fields cannot compute {'.'.join(path)!r}")
            self.keeps = True
            self._place(path, self.env.expression(value))
            return
        self.read(value, path)

    def _flag(self, path: tuple[str, ...], keep: bool) -> None:
        if path == ("_id",):
            self.id_flag = keep
        else:
            if self.keeps is not None and self.keeps is not keep:
                shown_path = ".".join(path)
                if keep:
                    raise fault(31253, f"{shown_path!r} cannot be kept by a projection that removes fields")
                raise fault(31254, f"{shown_path!r} cannot be removed by a projection that keeps fields")
            self.keeps = keep
        self._place(path, keep)

    def _place(self, path: tuple[str, ...], leaf: Compiled | bool) -> None:
        place = self.root
        for depth, name in enumerate(path[:-1]):
            child = place.setdefault(name, {})
            if not isinstance(child, dict):
                raise fault(31249, f"the path {'.'.join(path)!r} collides with {'.'.join(path[: depth + 1])!r}")
            place = child
        if path[-1] in place:
            raise fault(31250, f"the path {'.'.join(path)!r} collides with another one")
        place[path[-1]] = leaf


def _flag_of(value: Any) -> bool | None:
    """Read a number or bool as a flag; None for anything else."""
    if isinstance(value, int | float):
        return bool(value)
    try:
        return as_decimal(value) != 0 if is_numeric(value) else None
    except DocumentValidationError:  # not a type that documents hold; the expression compiler says so
        return None


def parse_project(specification: Any, env: Env) -> Sequence[Stage]:
    """Compile ``$project``.

    Args:
        specification: Fields to keep, remove or compute.
        env: Where it stands.

    Returns:
        The stage.

    Raises:
        PipelineError: It is not a document (15969), empty (51272), mixes keeping and removing (31252 to 31254, 31310),
            or has paths that collide (31249, 31250), or a path or an expression is not valid.
    """
    if not isinstance(specification, Mapping):
        raise fault(15969, f"$project takes a document of fields, not {shown(specification)}")
    if not specification:
        raise fault(51272, "$project needs at least one field")
    projection = _Projection(env)
    projection.read(specification, ())
    return [_stage("$project", projection)]


def parse_unset(specification: Any, env: Env) -> Sequence[Stage]:
    """Compile ``$unset``.

    Args:
        specification: A field, or an array of them.
        env: Where it stands.

    Returns:
        The stage.

    Raises:
        PipelineError: It is neither (31002), empty (31119), or holds something else than strings (31120), or the paths
            are not valid or collide.
    """
    if not isinstance(specification, str | list | tuple):
        raise fault(31002, f"$unset takes a string or an array of strings, not {shown(specification)}")
    paths = [specification] if isinstance(specification, str) else list(specification)
    if not paths:
        raise fault(31119, "$unset needs at least one field")
    projection = _Projection(env)
    for path in paths:
        if not isinstance(path, str):
            raise fault(31120, f"$unset takes strings only, not {shown(path)}")
        projection.read({str(path): False}, ())
    return [_stage("$unset", projection)]


def _stage(name: str, projection: _Projection) -> MapStage:
    root = projection.root
    keeps = projection.keeps
    if keeps is None:
        keeps = projection.id_flag is True
    if not keeps:
        if root.get("_id") is True:
            del root["_id"]
        wholly = frozenset(field for field, node in root.items() if node is False)
        return MapStage(name, _excluding(root), fields=Fields(NOTHING, wholly), touches=frozenset(root))
    if root.get("_id") is False:
        del root["_id"]
    elif "_id" not in root:
        root["_id"] = True
    tree = _computed(root)
    parts = computed_parts(tree)
    reads: frozenset[str] | None = frozenset(field for field, node in root.items() if not isinstance(node, Compiled))
    for part in parts:
        reads = None if reads is None or part.fields_needed is None else reads | part.fields_needed
    return MapStage(
        name,
        _including(root, tree),
        fields=Fields(reads, keeps=False),
        variables_needed=NOTHING.union(*(part.variables_needed for part in parts)),
        volatile=any(part.volatile for part in parts),
        passes=frozenset(field for field, node in root.items() if node is True),
    )


def _computed(node: Node) -> Tree:
    """The computed fields of a specification."""
    tree: Tree = {}
    for name, child in node.items():
        if isinstance(child, Compiled):
            tree[name] = child
        elif isinstance(child, dict):
            inner = _computed(child)
            if inner:
                tree[name] = inner
    return tree


def _excluding(node: Node) -> Transform:
    inner = _remover(node)
    names = [name for name, child in node.items() if child is False]
    if len(names) == len(node):
        # Flat, and usually few among many: copying all and dropping some is the fastest.
        def drop(document: Document, _variables: Mapping[str, Any]) -> Document:
            result = document.copy()
            for name in names:
                result.pop(name, None)
            return result

        return drop
    return lambda document, _variables: inner(document)


def _remover(node: Node) -> Callable[[Any], Any]:
    rules: dict[str, Any] = {
        name: _remover(child) if isinstance(child, dict) else False for name, child in node.items()
    }

    def remove(value: Any) -> Any:
        cls = type(value)
        if cls is dict:
            result = {}
            for name, item in value.items():
                rule = rules.get(name)
                if rule is None:
                    result[name] = item
                elif rule is not False:
                    result[name] = rule(item)
            return result
        if cls is list:
            return [remove(item) for item in value]
        return value

    return remove


def _including(node: Node, tree: Tree) -> Transform:
    kept = frozenset(name for name, child in node.items() if child is True)
    if not any(isinstance(child, dict) for child in node.values()):
        leaves = [(name, part.evaluate) for name, part in tree.items() if isinstance(part, Compiled)]

        def pick(document: Document, variables: Mapping[str, Any]) -> Document:
            result = {name: value for name, value in document.items() if name in kept}
            for name, evaluate in leaves:
                value = evaluate(document, variables)
                if value is not MISSING:
                    result[name] = value
            return result

        return pick
    inner = _keeper(node)

    def keep(document: Document, variables: Mapping[str, Any]) -> Document:
        result: Document = inner(document, document, variables)
        return result

    return keep


def _keeper(node: Node) -> Inner:
    """Make the function that keeps and computes fields of a value, ``MISSING`` where nothing is left of it."""
    rules: dict[str, Inner | None] = {}
    later: list[tuple[str, Inner]] = []
    for name, child in node.items():
        if isinstance(child, dict):
            rules[name] = inner = _keeper(child)
            if _computed(child):
                later.append((name, inner))
        elif isinstance(child, Compiled):
            later.append((name, _evaluating(child)))
        else:
            rules[name] = None
    computes = bool(later)

    def keep(value: Any, root: Document, variables: Mapping[str, Any]) -> Any:
        cls = type(value)
        if cls is list:
            items = [keep(item, root, variables) for item in value]
            return [item for item in items if item is not MISSING]
        if cls is not dict and not computes:
            return MISSING
        result: Document = {}
        if cls is dict:
            for name, item in value.items():
                if name in rules:
                    rule = rules[name]
                    kept = item if rule is None else rule(item, root, variables)
                    if kept is not MISSING:
                        result[name] = kept
        for name, compute in later:
            if name not in rules or cls is not dict or name not in value:
                made = compute(MISSING, root, variables)
                if made is not MISSING:
                    result[name] = made
        return result

    return keep


def _evaluating(part: Compiled) -> Inner:
    evaluate = part.evaluate
    return lambda _value, root, variables: evaluate(root, variables)
