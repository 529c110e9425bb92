"""The tree of paths that an update touches: made once per shape, where every conflict between paths shows.

Two paths conflict when one is the other or leads to it. Below ``$[]`` and ``$[identifier]`` they may or may not meet,
depending on the document; such branches are merged when they do (:func:`merge`), and a conflict shows then.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from lexigram.nosql.exceptions import UpdateError
from lexigram.nosql.update.ast import UpdatePath, is_each
from lexigram.nosql.update.errors import CONFLICTING_OPERATORS
from lexigram.nosql.update.operators.base import Operator

__all__ = ["Branch", "Each", "Leaf", "Node", "graft", "merge"]


@dataclass(frozen=True, slots=True)
class Leaf:
    """Where an operator works.

    Attributes:
        operator: What it does.
        path: The whole path to here.
        index: Number of its operand.
    """

    operator: Operator
    path: UpdatePath
    index: int


@dataclass(slots=True)
class Branch:
    """An object, or an array addressed by position.

    Attributes:
        children: By component.
        positional: What stands at ``$``, or None.
    """

    children: dict[str, Node] = field(default_factory=dict["str", "Node"])
    positional: Node | None = None


@dataclass(slots=True)
class Each:
    """An array, several of whose elements are addressed.

    Attributes:
        children: By identifier of the array filter; the empty one stands for ``$[]``.
    """

    children: dict[str, Node] = field(default_factory=dict["str", "Node"])


Node = Leaf | Branch | Each


def _conflict(path: str, at: str) -> UpdateError:
    again = "" if path == at else f": {path!r} comes after a path that leads there or beyond"
    return UpdateError(
        f"the update touches {at!r} twice{again}",
        hint="let one operator make the change, or update twice",
        mongo_code=CONFLICTING_OPERATORS,
    )


def _child(parent: Branch | Each, part: str) -> Node | None:
    if isinstance(parent, Each):
        return parent.children.get(part[2:-1])
    return parent.positional if part == "$" else parent.children.get(part)


def _attach(parent: Branch | Each, part: str, child: Node) -> None:
    if isinstance(parent, Each):
        parent.children[part[2:-1]] = child
    elif part == "$":
        parent.positional = child
    else:
        parent.children[part] = child


def graft(root: Branch, path: UpdatePath, leaf: Leaf) -> None:
    """Add an operator to the tree.

    Args:
        root: The tree.
        path: Where the leaf stands; differs from the leaf's own path for ``$rename``, which stands at the new name.
        leaf: The operator.

    Raises:
        UpdateError: Another operator touches the same field.
    """
    parts = path.parts
    parent: Branch | Each = root
    for depth, part in enumerate(parts[:-1]):
        kind = Each if is_each(parts[depth + 1]) else Branch
        child = _child(parent, part)
        if child is None:
            child = kind()
            _attach(parent, part, child)
        if not isinstance(child, kind):
            raise _conflict(path.text, ".".join(parts[: depth + 1]))
        parent = child
    if _child(parent, parts[-1]) is not None:
        raise _conflict(path.text, path.text)
    _attach(parent, parts[-1], leaf)


def merge(left: Node, right: Node, at: str) -> Node:
    """Join what two addresses of one array element do.

    Args:
        left: One.
        right: The other.
        at: Path of the element, for the error.

    Returns:
        A node that does both.

    Raises:
        UpdateError: Both touch the same field.
    """
    if isinstance(left, Branch) and isinstance(right, Branch):
        joined = Branch(_join(left.children, right.children, f"{at}.{{}}"), left.positional)
        if right.positional is not None:
            joined.positional = (
                right.positional if left.positional is None else merge(left.positional, right.positional, f"{at}.$")
            )
        return joined
    if isinstance(left, Each) and isinstance(right, Each):
        return Each(_join(left.children, right.children, f"{at}.$[{{}}]"))
    raise _conflict(at, at)


def _join(left: dict[str, Node], right: dict[str, Node], at: str) -> dict[str, Node]:
    joined = dict(left)
    for name, node in right.items():
        joined[name] = merge(left[name], node, at.format(name)) if name in left else node
    return joined
