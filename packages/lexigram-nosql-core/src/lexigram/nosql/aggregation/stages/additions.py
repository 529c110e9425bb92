"""``$addFields`` and ``$set`` (manual, "$addFields"), and the tree of computed fields that ``$project`` has too.

``{"a.b": …}`` and ``{"a": {"b": …}}`` are the same. Where the path meets an array, each element gets the field; where
it meets anything else but a document, a document takes its place. Expressions always see the document that came in.
"""

# Specifications are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from lexigram.nosql.aggregation.expressions.compiled import Compiled
from lexigram.nosql.aggregation.expressions.errors import BAD_VALUE, OVERFLOW, fault
from lexigram.nosql.aggregation.expressions.scope import MAX_DEPTH
from lexigram.nosql.aggregation.stages.base import NOTHING, Document, Fields, MapStage, Stage, Transform
from lexigram.nosql.aggregation.stages.parsing import Env, path_of, shown
from lexigram.nosql.values.path import MISSING

__all__ = ["Filler", "Tree", "additions_stage", "computed_parts", "make_filler", "parse_add_fields", "parse_additions"]

Tree: TypeAlias = dict[str, "Compiled | Tree"]
"""Computed fields by name; a tree for those that are computed inside of a field."""

Filler: TypeAlias = Callable[[Document, Document, Mapping[str, Any]], None]


def make_filler(tree: Tree) -> Filler:
    """Make the function that computes fields.

    Args:
        tree: The fields.

    Returns:
        A function of the dict to fill, the document that expressions see, and the variables. What stands below the dict
        is not changed but replaced.
    """
    leaves: list[tuple[str, Callable[[Any, Any], Any]]] = []
    steps: list[tuple[str, Callable[[Any, Any, Any], Any]]] = []
    for name, node in tree.items():
        if isinstance(node, dict):
            steps.append((name, _inside(make_filler(node))))
        else:
            leaves.append((name, node.evaluate))
            steps.append((name, _at(node.evaluate)))
    if len(leaves) == len(steps):
        return _flat(leaves)

    def fill(target: Document, root: Document, variables: Mapping[str, Any]) -> None:
        for name, put in steps:
            value = put(target.get(name, MISSING), root, variables)
            if value is MISSING:
                target.pop(name, None)
            else:
                target[name] = value

    return fill


def _at(evaluate: Callable[[Any, Any], Any]) -> Callable[[Any, Any, Any], Any]:
    return lambda _value, root, variables: evaluate(root, variables)


def _flat(leaves: Sequence[tuple[str, Callable[[Any, Any], Any]]]) -> Filler:
    def fill(target: Document, root: Document, variables: Mapping[str, Any]) -> None:
        for name, evaluate in leaves:
            value = evaluate(root, variables)
            if value is MISSING:
                target.pop(name, None)
            else:
                target[name] = value

    return fill


def _inside(fill: Filler) -> Callable[[Any, Any, Any], Any]:
    def put(value: Any, root: Document, variables: Mapping[str, Any]) -> Any:
        if type(value) is list:
            return [put(item, root, variables) for item in value]
        target = value.copy() if type(value) is dict else {}
        fill(target, root, variables)
        return target

    return put


def parse_additions(specification: Mapping[Any, Any], env: Env) -> Tree:
    """Compile the fields of ``$addFields``.

    Args:
        specification: As written.
        env: Where it stands.

    Returns:
        The tree.

    Raises:
        PipelineError: Two paths conflict (40176), an operator does not stand alone (40181), a field of an inner
            document has a dotted name (40183), or a path or an expression is not valid.
    """
    tree: Tree = {}
    for path, value in specification.items():
        if not isinstance(path, str):
            raise fault(BAD_VALUE, f"a field name must be a string, not {shown(path)}")
        _add(tree, path_of(path), value, env)
    return tree


def _add(tree: Tree, names: tuple[str, ...], value: Any, env: Env) -> None:
    if len(names) > MAX_DEPTH:
        raise fault(OVERFLOW, f"the specification nests deeper than {MAX_DEPTH} levels, or contains itself")
    if isinstance(value, Mapping) and value:
        operators = [str(key) for key in value if isinstance(key, str) and key[:1] == "$"]
        if not operators:
            for key, item in value.items():
                if not isinstance(key, str):
                    raise fault(BAD_VALUE, f"a field name must be a string, not {shown(key)}")
                if "." in key:
                    raise fault(40183, f"the dotted name {key!r} may not stand inside of a field; write the whole path")
                _add(tree, (*names, *path_of(key)), item, env)
            return
        if len(value) != 1:
            raise fault(40181, f"the operator {operators[0]} must stand alone in its document")
    _place(tree, names, env.expression(value))


def _place(tree: Tree, names: tuple[str, ...], leaf: Compiled) -> None:
    place = tree
    for name in names[:-1]:
        child = place.setdefault(name, {})
        if not isinstance(child, dict):
            raise _conflict(names)
        place = child
    if names[-1] in place:
        raise _conflict(names)
    place[names[-1]] = leaf


def _conflict(names: tuple[str, ...]) -> Exception:
    return fault(40176, f"the path {'.'.join(names)!r} conflicts with another one, which is the same or leads to it")


def computed_parts(tree: Tree) -> list[Compiled]:
    """All expressions of a tree.

    Args:
        tree: The tree.

    Returns:
        The expressions.
    """
    parts: list[Compiled] = []
    for node in tree.values():
        parts += computed_parts(node) if isinstance(node, dict) else [node]
    return parts


def additions_stage(name: str, tree: Tree) -> MapStage:
    """The stage that computes the fields of a tree.

    Args:
        name: Its name.
        tree: The fields.

    Returns:
        The stage.
    """
    parts = computed_parts(tree)
    reads: frozenset[str] | None = frozenset(field for field, node in tree.items() if isinstance(node, dict))
    for part in parts:
        reads = None if reads is None or part.fields_needed is None else reads | part.fields_needed
    return MapStage(
        name,
        _transform(make_filler(tree)),
        fields=Fields(reads, frozenset(tree)),
        touches=frozenset(tree),
        variables_needed=NOTHING.union(*(part.variables_needed for part in parts)),
        volatile=any(part.volatile for part in parts),
    )


def _transform(fill: Filler) -> Transform:
    def transform(document: Document, variables: Mapping[str, Any]) -> Document:
        result = document.copy()
        fill(result, document, variables)
        return result

    return transform


def parse_add_fields(name: str) -> Callable[[Any, Env], Sequence[Stage]]:
    """Make the parser of a stage that adds fields.

    Args:
        name: ``$addFields`` or ``$set``.

    Returns:
        The parser; it raises ``PipelineError`` for anything else than a document (40272) and for what
        :func:`parse_additions` refuses.
    """

    def parse(specification: Any, env: Env) -> Sequence[Stage]:
        if not isinstance(specification, Mapping):
            raise fault(40272, f"{name} takes a document of fields, not {shown(specification)}")
        tree = parse_additions(specification, env)
        return [additions_stage(name, tree)] if tree else []

    return parse
