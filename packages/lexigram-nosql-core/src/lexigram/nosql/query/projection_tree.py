"""What a projection does to documents: a tree of fields, and the functions that follow it.

Nodes say what happens to one field; :func:`compile_tree` makes the function from a document to what is shown of it.
"""

# Documents are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownLambdaType=false

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from lexigram.nosql.values.copying import copy_document, copy_value
from lexigram.nosql.values.path import MISSING

__all__ = ["Change", "Compute", "Include", "Tree", "compile_tree", "fields_read"]

Document = dict[str, Any]
Variables = Mapping[str, Any]
Evaluate = Callable[[Any, Variables], Any]

_CONTAINERS: Final = frozenset({dict, list})


@dataclass(slots=True)
class Include:
    """The field is kept, or is left out.

    Attributes:
        keep: Which of the two.
    """

    keep: bool


@dataclass(slots=True)
class Compute:
    """The field is what a function of the document gives.

    Attributes:
        evaluate: The function, of the document and of the variables' values; ``MISSING`` for no field.
        needs: Top-level fields that it reads; None for all.
    """

    evaluate: Evaluate
    needs: frozenset[str] | None


@dataclass(slots=True)
class Change:
    """The field is kept and then changed.

    Attributes:
        change: A function of the field's value and the document.
    """

    change: Callable[[Any, Document], Any]


@dataclass(slots=True)
class Tree:
    """Fields inside a field.

    Attributes:
        children: By name, in the projection's order.
        computes: Whether anything is computed here or below.
    """

    children: dict[str, Tree | Include | Compute | Change] = field(
        default_factory=dict[str, "Tree | Include | Compute | Change"]
    )
    computes: bool = False

    def walk(self) -> Iterator[Include | Compute | Change]:
        """Go through the leaves.

        Returns:
            Every leaf once, in order.
        """
        for child in self.children.values():
            if isinstance(child, Tree):
                yield from child.walk()
            else:
                yield child

    def finish(self) -> bool:
        """Note, here and below, whether anything is computed.

        Returns:
            Whether anything is.
        """
        inner = [child.finish() for child in self.children.values() if isinstance(child, Tree)]
        self.computes = any(inner) or any(isinstance(child, Compute) for child in self.children.values())
        return self.computes


def compile_tree(tree: Tree, inclusive: bool, variables: Variables) -> Callable[[Document], Document]:
    """Make the function that shows a document.

    Args:
        tree: The fields; :meth:`Tree.finish` has been called.
        inclusive: Whether only what is named is kept.
        variables: Values of the variables that what is computed reads.

    Returns:
        From a normalised document to a new one with copies of what is kept.
    """
    if inclusive:
        return _compile_inclusion(tree, variables)
    if not tree.children:
        return copy_document
    if all(isinstance(child, Include) for child in tree.children.values()):
        dropped = frozenset([name for name, child in tree.children.items() if not cast("Include", child).keep])
        return lambda document: {
            name: copy_value(value) if type(value) in _CONTAINERS else value
            for name, value in document.items()
            if name not in dropped
        }

    def exclude(document: Document) -> Document:
        result = _exclude(tree, document, document)
        return _add_computed(tree, result, document, variables)

    return exclude


def _compile_inclusion(tree: Tree, variables: Variables) -> Callable[[Document], Document]:
    # A name that is left out of what is kept ("_id": 0) keeps nothing, as if it were not there.
    kept = {name: child for name, child in tree.children.items() if not (isinstance(child, Include) and not child.keep)}
    names = frozenset(kept)
    if all(isinstance(child, Include) for child in kept.values()):
        return lambda document: {
            name: copy_value(value) if type(value) in _CONTAINERS else value
            for name, value in document.items()
            if name in names
        }
    tree = Tree(kept, tree.computes)

    def include(document: Document) -> Document:
        return _add_computed(tree, _include(tree, document, document), document, variables)

    return include


def _include(tree: Tree, value: Document, root: Document) -> Document:
    children = tree.children
    result: Document = {}
    for name, item in value.items():
        child = children.get(name)
        if child is None:
            continue
        if type(child) is Tree:
            part = _include_value(child, item, root)
            if part is not MISSING:
                result[name] = part
        elif type(child) is Include:
            result[name] = copy_value(item)
        elif type(child) is Change:
            result[name] = child.change(item, root)
    return result


def _include_value(tree: Tree, value: Any, root: Document) -> Any:
    cls = type(value)
    if cls is dict:
        return _include(tree, value, root)
    if cls is list:
        parts = [_include_value(tree, item, root) for item in value]
        # What is computed takes the place even of elements that have nothing to keep.
        return parts if tree.computes else [part for part in parts if part is not MISSING]
    return MISSING


def _exclude(tree: Tree, value: Document, root: Document) -> Document:
    children = tree.children
    result: Document = {}
    for name, item in value.items():
        child = children.get(name)
        if child is None:
            result[name] = copy_value(item)
        elif type(child) is Tree:
            result[name] = _exclude_value(child, item, root)
        elif type(child) is Change:
            result[name] = child.change(item, root)
        elif type(child) is Include and child.keep:  # only _id may be named among what is left out
            result[name] = copy_value(item)
    return result


def _exclude_value(tree: Tree, value: Any, root: Document) -> Any:
    cls = type(value)
    if cls is dict:
        return _exclude(tree, value, root)
    if cls is list:
        return [_exclude_value(tree, item, root) for item in value]
    return value


def _add_computed(tree: Tree, result: Document, root: Document, variables: Variables) -> Document:
    for name, child in tree.children.items():
        if type(child) is Compute:
            value = child.evaluate(root, variables)
            if value is not MISSING:
                result[name] = copy_value(value)
        elif type(child) is Tree and child.computes:
            result[name] = _computed_value(child, result.get(name, MISSING), root, variables)
    return result


def _computed_value(tree: Tree, value: Any, root: Document, variables: Variables) -> Any:
    cls = type(value)
    if cls is dict:
        return _add_computed(tree, value, root, variables)
    if cls is list:
        return [_computed_value(tree, item, root, variables) for item in value]
    return _add_computed(tree, {}, root, variables)


def fields_read(tree: Tree) -> frozenset[str] | None:
    """Name the fields that an inclusive projection reads.

    Args:
        tree: The fields.

    Returns:
        Top-level names; None if an expression reads the whole document.
    """
    names: set[str] = set()
    for name, child in tree.children.items():
        if isinstance(child, Include) and not child.keep:
            continue
        if not isinstance(child, Compute):
            names.add(name)
    for child in tree.walk():
        if isinstance(child, Compute):
            if child.needs is None:
                return None
            names |= child.needs
    return frozenset(names)
