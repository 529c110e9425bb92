"""What all filters of one shape have in common: the tree, and the code that runs it."""

# Documents and filters are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownLambdaType=false

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from lexigram.nosql.query import compile as code
from lexigram.nosql.query.ast import And, Compare, Expr, In, Node, Slot, Text
from lexigram.nosql.query.interpret import Context, document_matcher
from lexigram.nosql.query.regex import compile_regex
from lexigram.nosql.values.collation import Collation
from lexigram.nosql.values.normalise import normalise_value

__all__ = ["Counts", "Template", "counts"]

_AS_THEY_ARE: Final = frozenset({str, int, float, bool, type(None), bytes})
_SIMPLE_LISTS: Final = frozenset({str, code.HASHABLE})


class Counts:
    """How the shapes are used, since the start or since they were forgotten."""

    def __init__(self) -> None:
        self.hits = self.misses = self.compilations = 0


counts: Final = Counts()
"""Of this process."""


class Template:
    """What all filters of one shape have in common.

    Attributes:
        root: The tree, with slots.
        marks: What the generated code assumes of each constant.
        equalities: For each path that the filter compares with ``$eq`` at the top, the slot.
        only: The path of the comparison with ``$eq`` that is the whole filter; None if it is another filter.
        text: The ``$text`` condition, or None.
        uses_expressions: Whether there is an ``$expr``, which may read any field and ask for the time.
        shape: The key under which it is kept; None if it is not.
    """

    __slots__ = (
        "_factories",
        "_large",
        "collation",
        "convert",
        "equalities",
        "lists",
        "marks",
        "only",
        "only_equalities",
        "regexes",
        "root",
        "shape",
        "text",
        "uses_expressions",
    )

    def __init__(
        self, root: Node, constants: Sequence[Any], regexes: Sequence[tuple[int, str]], collation: Collation | None
    ) -> None:
        self.root = root
        self.collation = collation
        self.regexes = tuple(regexes)
        lists = self.lists = _list_slots(root)
        self.marks = tuple(
            [code.list_mark(value) if index in lists else code.mark(value) for index, value in enumerate(constants)]
        )
        sources = {index for index, _ in regexes}
        # Plain scalars are constants as they are (the range of ints is checked elsewhere); the rest is copied.
        self.convert = tuple(
            [
                index
                for index, mark in enumerate(self.marks)
                if index in lists or (mark not in _AS_THEY_ARE and index not in sources)
            ]
        )
        self.equalities: dict[str, int] = {}
        for node in root.parts if isinstance(root, And) else (root,):
            if isinstance(node, Compare) and node.op == "$eq" and node.path is not None:
                slot: Any = node.value
                self.equalities.setdefault(node.path, slot.index)
        parts = root.parts if isinstance(root, And) else (root,)
        whole = all(isinstance(node, Compare) and node.op == "$eq" and node.path is not None for node in parts)
        self.only_equalities = whole and len(self.equalities) == len(parts)
        self.only = root.path if isinstance(root, Compare) and root.op == "$eq" else None
        self.text = next((node for node in root.walk() if isinstance(node, Text)), None)
        self.uses_expressions = any(isinstance(node, Expr) for node in root.walk())
        self._factories: dict[code.Kind, code.Factory] = {}
        self._large = sum(1 for _ in root.walk()) > code.MAX_COMPILED
        self.shape: Any = None

    def function(self, kind: code.Kind, constants: Sequence[Any], context: Context) -> Callable[..., Any]:
        """Make one function of a query, compiling its factory the first time.

        Args:
            kind: Which.
            constants: The query's, checked.
            context: What else it is asked with.

        Returns:
            The function.
        """
        if self._large:
            return _loop(document_matcher(self.root.bind(constants), context), kind)
        factory = self._factories.get(kind)
        if factory is None:
            factory = self._factories[kind] = code.write(self.root, self.marks, self.collation, kind)
            counts.compilations += 1
        return factory(constants, context)

    def check(self, constants: Sequence[Any]) -> Sequence[Any]:
        """Check constants, and copy those that can change.

        Args:
            constants: As they stand in the filter; ints are known to be in range.

        Returns:
            The constants as a query holds them.

        Raises:
            DocumentValidationError: Documents do not hold one of them.
            NoSQLFilterError: A regular expression is refused.
        """
        for index, options in self.regexes:
            compile_regex(constants[index], options, boolean=True)
        if not self.convert:
            return constants
        checked = list(constants)
        marks = self.marks
        for index in self.convert:
            value = constants[index]
            if index in self.lists and marks[index] in _SIMPLE_LISTS:
                checked[index] = tuple(value)
            else:
                checked[index] = normalise_value(value)
        return checked


def _list_slots(root: Node) -> set[int]:
    slots: list[Any] = [node.values for node in root.walk() if isinstance(node, In)]
    return {slot.index for slot in slots if type(slot) is Slot}


def _loop(matches: Callable[[Any], bool], kind: code.Kind) -> Callable[..., Any]:
    if kind == "matches":
        return matches
    if kind == "count":
        return lambda documents: sum([1 for document in documents if matches(document)])
    if kind == "first":
        return lambda documents: next((document for document in documents if matches(document)), None)

    def select(documents: Iterable[Any], limit: int = 0) -> list[Any]:
        found: list[Any] = []
        for document in documents:
            if matches(document):
                found.append(document)
                if len(found) == limit:
                    break
        return found

    return select
