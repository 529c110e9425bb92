"""What a filter says, as a tree of frozen nodes.

The parser makes these; the matcher, the planners and the backends' compilers read them. Negation is complement
everywhere, as in MongoDB: ``$ne`` is :class:`Not` of an equality, ``$nin`` of an :class:`In`, so documents without the
field are among the matches. A ``path`` is dotted; None means the value itself, which happens only inside an
:class:`ElemMatch` over values.

A filter that was parsed before is not parsed again: its tree is kept with a :class:`Slot` wherever a constant stood,
and :meth:`Node.bind` puts the new constants in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self, cast

from lexigram.nosql.values.kinds import Kind
from lexigram.nosql.values.slots import lowered
from typing_extensions import override

__all__ = [
    "All",
    "Always",
    "And",
    "Bits",
    "BitsTest",
    "Compare",
    "CompareOp",
    "ElemMatch",
    "Exists",
    "Expr",
    "In",
    "JsonSchema",
    "Leaf",
    "Mod",
    "Never",
    "Node",
    "Nor",
    "Not",
    "Or",
    "Regex",
    "SampleRate",
    "Size",
    "Slot",
    "Text",
    "Type",
]

CompareOp = Literal["$eq", "$gt", "$gte", "$lt", "$lte"]
BitsTest = Literal["$bitsAllSet", "$bitsAllClear", "$bitsAnySet", "$bitsAnyClear"]


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a constant stood in a filter whose shape is kept.

    Attributes:
        index: Its place among the filter's constants, from 0.
    """

    index: int


@dataclass(frozen=True, slots=True)
class Node:
    """A condition on a document."""

    @property
    def children(self) -> tuple[Node, ...]:
        """The conditions this one is made of."""
        return ()

    def walk(self) -> Iterator[Node]:
        """Go through this condition and all below it.

        Returns:
            Every node once, parents first.
        """
        pending: list[Node] = [self]
        while pending:
            node = pending.pop()
            yield node
            pending.extend(reversed(node.children))

    def bind(self, constants: Sequence[Any]) -> Self:
        """Put constants in the place of slots.

        Args:
            constants: One per slot.

        Returns:
            A node without slots; this one, if it has none.
        """
        changed = False
        values: list[Any] = []
        names: tuple[str, ...] = self.__match_args__
        for name in names:
            old: Any = getattr(self, name)
            new: Any = old
            if type(old) is Slot:
                new = constants[old.index]
            elif isinstance(old, Node):
                new = old.bind(constants)
            elif type(old) is tuple and old and isinstance(old[0], Node):
                parts = cast("tuple[Node, ...]", old)
                bound = tuple([child.bind(constants) for child in parts])
                if any(a is not b for a, b in zip(parts, bound, strict=True)):
                    new = bound
            changed = changed or new is not old
            values.append(new)
        return type(self)(*values) if changed else self


@dataclass(frozen=True, slots=True)
class Leaf(Node):
    """A condition on what one path reaches.

    Attributes:
        path: Dotted path, or None for the value itself.
    """

    path: str | None


@dataclass(frozen=True, slots=True)
class Always(Node):
    """Holds for every document."""


@dataclass(frozen=True, slots=True)
class Never(Node):
    """Holds for no document."""


@dataclass(frozen=True, slots=True)
class And(Node):
    """Holds where all parts do.

    Attributes:
        parts: Two or more conditions.
    """

    parts: tuple[Node, ...]

    @property
    def children(self) -> tuple[Node, ...]:
        """The parts."""
        return self.parts


@dataclass(frozen=True, slots=True)
class Or(Node):
    """Holds where a part does.

    Attributes:
        parts: One or more conditions.
    """

    parts: tuple[Node, ...]

    @property
    def children(self) -> tuple[Node, ...]:
        """The parts."""
        return self.parts

    def simplified(self) -> Node:
        """Write it without alternatives where that is possible.

        Returns:
            The only part, or one ``$in`` for equalities and regular expressions on one path; else the node itself.
        """
        first = self.parts[0]
        if len(self.parts) == 1 or not isinstance(first, Leaf):
            return first if len(self.parts) == 1 else self
        values: list[Any] = []
        regexes: list[Regex] = []
        for part in self.parts:
            if isinstance(part, Compare) and part.op == "$eq" and part.path == first.path:
                values.append(part.value)
            elif isinstance(part, Regex) and part.path == first.path:
                regexes.append(part)
            else:
                return self
        return In(first.path, values, tuple(regexes))


@dataclass(frozen=True, slots=True)
class Nor(Node):
    """Holds where no part does.

    Attributes:
        parts: One or more conditions.
    """

    parts: tuple[Node, ...]

    @property
    def children(self) -> tuple[Node, ...]:
        """The parts."""
        return self.parts


@dataclass(frozen=True, slots=True)
class Not(Node):
    """Holds where the part does not.

    Attributes:
        part: A condition.
    """

    part: Node

    @property
    def children(self) -> tuple[Node, ...]:
        """The part."""
        return (self.part,)


@dataclass(frozen=True, slots=True)
class Compare(Leaf):
    """Compares with a constant, within its type.

    Attributes:
        op: Which comparison; ``$ne`` is ``Not`` of ``$eq``.
        value: The constant.
    """

    op: CompareOp
    value: Any


@dataclass(frozen=True, slots=True)
class In(Leaf):
    """Equals one of the values, or matches one of the regular expressions.

    Attributes:
        values: Constants that are not regular expressions.
        regexes: The others, each on the same path.
    """

    values: Sequence[Any]
    regexes: tuple[Regex, ...] = ()


@dataclass(frozen=True, slots=True)
class Exists(Leaf):
    """The field is there, or is not.

    Attributes:
        exists: Which of the two.
    """

    exists: bool


@dataclass(frozen=True, slots=True)
class Type(Leaf):
    """Has one of the types.

    Attributes:
        kinds: BSON types.
    """

    kinds: frozenset[Kind]


@dataclass(frozen=True, slots=True)
class Regex(Leaf):
    """Is text that a regular expression matches, or that very expression.

    Attributes:
        source: In Perl's syntax, as MongoDB takes it.
        options: Letters of ``imsux``, sorted.
    """

    source: str
    options: str = ""


@dataclass(frozen=True, slots=True)
class Mod(Leaf):
    """Leaves a remainder.

    Attributes:
        divisor: A 64-bit int, not 0.
        remainder: A 64-bit int.
    """

    divisor: int
    remainder: int


@dataclass(frozen=True, slots=True)
class Size(Leaf):
    """Is an array of so many elements.

    Attributes:
        size: How many.
    """

    size: int


@dataclass(frozen=True, slots=True)
class Bits(Leaf):
    """Has bits set or clear.

    Attributes:
        test: Which of the four tests.
        positions: Bits concerned, from the least significant, 0.
    """

    test: BitsTest
    positions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class All(Leaf):
    """Meets all of several conditions on one path, each perhaps by another element.

    Attributes:
        items: Equalities, regular expressions or element matches, all on *path*; none at all matches nothing.
    """

    items: tuple[Node, ...]

    @property
    def children(self) -> tuple[Node, ...]:
        """The items."""
        return self.items


@dataclass(frozen=True, slots=True)
class ElemMatch(Leaf):
    """Is an array of which one element meets a condition.

    Attributes:
        condition: On the element as a document, or, if *of_values*, on the element itself (paths are None).
        of_values: Which of the two.
    """

    condition: Node
    of_values: bool

    @property
    def children(self) -> tuple[Node, ...]:
        """The condition."""
        return (self.condition,)


@dataclass(frozen=True, slots=True, eq=False)
class Expr(Node):
    """An aggregation expression is true of the document.

    Attributes:
        expression: As written.
        evaluate: The expression compiled: ``evaluate(document, variables)``.
        slots: The variables in which *evaluate* looks for constants that were taken out of it, each with the place of
            its constant among the filter's; *expression* then holds slots as well.
    """

    expression: Any
    evaluate: Callable[[Any, Any], Any]
    slots: tuple[tuple[str, int], ...] = ()

    @override
    def bind(self, constants: Sequence[Any]) -> Expr:
        """Put constants in the place of slots.

        Args:
            constants: The filter's.

        Returns:
            A node without slots; this one, if it has none.
        """
        if not self.slots:
            return self
        own = {name: constants[index] for name, index in self.slots}
        return Expr(lowered(self.expression, own), _with_constants(self.evaluate, own))


def _with_constants(evaluate: Callable[[Any, Any], Any], constants: Mapping[str, Any]) -> Callable[[Any, Any], Any]:
    last: tuple[Any, dict[str, Any]] = (None, {})

    def bound(document: Any, variables: Any) -> Any:
        nonlocal last
        given, together = last
        if given is not variables:
            together = {**variables, **constants}
            last = (variables, together)
        return evaluate(document, together)

    return bound


@dataclass(frozen=True, slots=True, eq=False)
class JsonSchema(Node):
    """The document is valid under a JSON schema.

    Attributes:
        schema: As written.
        validate: The schema compiled.
    """

    schema: Any
    validate: Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Text(Node):
    """The document's indexed text has words and phrases.

    Attributes:
        search: As written.
        language: Name of the language, or None.
        case_sensitive: Whether case counts.
        diacritic_sensitive: Whether accents count.
    """

    search: str
    language: str | None = None
    case_sensitive: bool = False
    diacritic_sensitive: bool = False


@dataclass(frozen=True, slots=True)
class SampleRate(Node):
    """Holds at random.

    Attributes:
        rate: For which part of the documents, 0 to 1.
    """

    rate: float
