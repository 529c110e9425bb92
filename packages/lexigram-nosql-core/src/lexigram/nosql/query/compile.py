"""Writes the Python that a filter comes down to.

A closure per condition costs a call per condition and document: 75 ns against the 29 ns of a hand-written ``[d for d
in docs if d.get("f") == value]`` over ten thousand documents (Python 3.11). Written out as source and compiled once
per shape, the same test takes 48 ns with everything it has to mean beyond equality, since scalars are decided in line
and only arrays and rare types call a function. That difference is why this module generates code.

What is generated is safe by construction: field names are written with ``repr``, operators come from fixed tables, and
constants never appear in the source; they are parameters of the factory that the source defines. One factory makes one
function (``matches``, ``select``, ``count`` or ``first``) and is compiled when first asked for.

The module is long because the writer of each kind of condition stands beside the others, sharing one frame.

The shape of what is written, for ``{"price": {"$gte": 10}, "tags": "new"}``::

    def factory(C, X):
        c0 = C[0]
        def l0(v): ...        # the slow path of the first condition, made when first needed
        ...
        def run(docs):
            return [d for d in docs if (
                (v0 >= c0 if (v0 := d.get('price')).__class__ is int or v0.__class__ is float
                 else type(v0) not in PLAIN and l0(v0))
                and (v1 == c1 if (v1 := d.get('tags')).__class__ is str else type(v1) is list and l1(v1)))]
        return run

Reading ``__class__`` is a tenth faster than calling ``type``. ``d['price']`` takes a third of the time of
``d.get('price')``, so functions over many documents are written in both ways: they begin as if every document had
every field, and go on with the cautious form from the first that has not.
"""

# Documents and filters are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownLambdaType=false

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

from lexigram.nosql.query.ast import (
    All,
    And,
    Compare,
    ElemMatch,
    Exists,
    Expr,
    In,
    JsonSchema,
    Leaf,
    Never,
    Node,
    Nor,
    Not,
    Or,
    Regex,
    SampleRate,
    Size,
    Slot,
    Text,
)
from lexigram.nosql.query.interpret import Context, document_matcher, truthy
from lexigram.nosql.query.match import ALL_PLAIN, Single, as_object, present, reach, single, spread, spread_equal, steps
from lexigram.nosql.query.regex import compile_regex
from lexigram.nosql.query.text import text_matcher
from lexigram.nosql.values.bson_compat import NO_REFERENCES, reference_fields
from lexigram.nosql.values.collation import Collation
from lexigram.nosql.values.order import equal
from lexigram.nosql.values.path import MISSING

__all__ = ["HASHABLE", "MAX_COMPILED", "NAN", "Factory", "Kind", "Mark", "list_mark", "mark", "write"]

Kind = Literal["matches", "select", "count", "first"]
Factory = Callable[[Sequence[Any], Context], Callable[..., Any]]
Mark = Any
"""What the generated code may assume about a constant: its class, or one of the marks below."""

MAX_COMPILED: Final = 200
"""Conditions beyond which a filter runs as closures: source in the megabytes compiles for seconds."""

NAN: Final = "nan"
HASHABLE: Final = "hashable"
MIXED: Final = "mixed"

_MAX_NESTING: Final = 12  # of one expression; Python's parser stops at about a hundred parentheses
_MAX_TWICE: Final = 4000  # characters of a test that is written in two ways
_PAUSE: Final = 8  # calls that begin with the cautious form after a document that lacked a field

_NONE: Final = type(None)
_NUMBERS: Final = frozenset({int, float})
_IS_NUMBER: Final = "{get}.__class__ is int or {v}.__class__ is float"
_SCALARS: Final = frozenset({int, float, str, _NONE, bool, dict, bytes, datetime, UUID, Decimal})
_RAW: Final = frozenset({int, float, str, _NONE})
_SELF: Final = frozenset({str, int, float, bool, _NONE, UUID, bytes, datetime, Decimal, dict, list})

# Classes that a comparison with a constant of a mark need not look at twice.
_PLAIN: Final[dict[str, frozenset[Any]]] = {
    "RAW": _RAW,
    "PLAIN": _SCALARS,
    "NOT_DECIMAL": _SCALARS - {Decimal},
    "NOT_DATE": _SCALARS - {datetime},
    "NOT_BINARY": _SCALARS - {UUID, bytes},
}
_SYMBOLS: Final = {"$eq": "==", "$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<="}


def mark(value: Any) -> Mark:
    """Say what the generated code may assume about a constant.

    Args:
        value: The constant.

    Returns:
        Its class, or ``NAN``.
    """
    cls: type = type(value)
    if cls is float and value != value:
        return NAN
    return cls if cls in _SELF else MIXED


def list_mark(values: Sequence[Any]) -> Mark:
    """Say what the generated code may assume about the constants of ``$in``.

    Args:
        values: The constants.

    Returns:
        The class that all have, if Python's own set finds values of it; ``HASHABLE`` for a mixture of int, float, str
        and None; else ``MIXED``.
    """
    classes: set[type] = set(map(type, values))
    if classes == {str}:
        return str
    if classes <= _RAW:
        return HASHABLE if float not in classes or not any(value != value for value in values) else MIXED
    return MIXED


class _Test(NamedTuple):
    """A test that decides common values in line; its parts take the names ``get`` and ``v``.

    Attributes:
        common: Whether the value is of the usual class.
        decide: The answer if it is.
        rare: The answer if it is not.
    """

    common: str
    decide: str
    rare: str


class _Scope:
    """The names of one generated function: which document, and which fields are in variables already."""

    def __init__(self, document: str) -> None:
        self.document = document
        self.fields: dict[str, str] = {}


class _Writer:
    """Writes one factory."""

    def __init__(self, marks: Sequence[Mark], collation: Collation | None) -> None:
        self.marks = marks
        self.collation = collation
        self.names: dict[str, Any] = {
            **_PLAIN,
            "M": MISSING,
            "all_plain": ALL_PLAIN,
            "SIMPLE": NO_REFERENCES - {list},
            "inside": _inside,
            "datetime": datetime,
            "equal": equal,
            "reach": reach,
            "searcher": _searcher,
            "truthy": truthy,
            "random": random.random,
            "text_matcher": text_matcher,
        }
        self.prelude: list[str] = []
        self.used: set[int] = set()
        self.own: dict[str, int] = {}  # constants that expressions read as variables
        self.count = 0

    def fresh(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}{self.count}"

    def constant(self, slot: Any) -> str:
        if type(slot) is Slot:
            self.used.add(slot.index)
            return f"c{slot.index}"
        name = self.fresh("k")
        self.names[name] = slot
        return name

    def mark_of(self, value: Any) -> Mark:
        return self.marks[value.index] if type(value) is Slot else mark(value)

    # Conditions on the document

    def node(self, node: Node, scope: _Scope, depth: int) -> str:
        if depth > _MAX_NESTING:
            return self.function(node) + f"({scope.document})"
        if isinstance(node, And | All):
            return self.join(node.children, " and ", scope, depth) if node.children else "False"
        if isinstance(node, Or):
            return self.join(node.children, " or ", scope, depth)
        if isinstance(node, Nor | Not):
            return f"(not {self.join(node.children, ' or ', scope, depth)})"
        if isinstance(node, Leaf):
            return self.leaf((node,), scope)
        if isinstance(node, Expr):
            name = self.constant(node.evaluate)
            self.own.update(node.slots)
            return f"truthy({name}({scope.document}, V))"
        if isinstance(node, JsonSchema):
            return f"{self.constant(node.validate)}({scope.document})"
        if isinstance(node, Text):
            name = self.fresh("t")
            self.prelude.append(f"{name} = text_matcher({self.constant(node)}, X.text_fields)")
            return f"{name}({scope.document})"
        if isinstance(node, SampleRate):
            return f"(random() < {self.constant(node.rate)})"
        return "False" if isinstance(node, Never) else "True"

    def join(self, parts: Sequence[Node], operator: str, scope: _Scope, depth: int) -> str:
        """Write parts that are looked at from left to right.

        What the first part puts in variables is there for the others and afterwards; what the others put there is
        there only for those after them.
        """
        written: list[str] = []
        certain: dict[str, str] = {}
        seen = dict(scope.fields)
        for position, part in enumerate(self.with_ranges(parts) if operator == " and " else parts):
            scope.fields = dict(seen)
            written.append(self.leaf(part, scope) if isinstance(part, tuple) else self.node(part, scope, depth + 1))
            seen = dict(scope.fields)
            if position == 0:
                certain = dict(scope.fields)
        scope.fields = certain
        return f"({operator.join(written)})" if len(written) != 1 else written[0]

    def with_ranges(self, parts: Sequence[Node]) -> list[Node | tuple[Compare, Compare]]:
        """Put the two ends of a range together, so that the class of the value is asked once for both."""
        result: list[Node | tuple[Compare, Compare]] = []
        for part in parts:
            last = result[-1] if result else None
            if (
                isinstance(part, Compare)
                and isinstance(last, Compare)
                and part.path == last.path
                and "$eq" not in (part.op, last.op)
                and (kind := _RANGES.get(self.mark_of(part.value))) is not None
                and kind == _RANGES.get(self.mark_of(last.value))
            ):
                result[-1] = (last, part)
            else:
                result.append(part)
        return result

    def function(self, node: Node) -> str:
        """Write a condition as a function of its own."""
        name = self.fresh("f")
        body = self.node(node, _Scope("d"), 0)
        self.prelude.append(f"def {name}(d): return {body}")
        return name

    # Conditions on a path

    def leaf(self, nodes: Sequence[Leaf], scope: _Scope) -> str:
        """Write the conditions on one path: one, or the two ends of a range."""
        node = nodes[0]
        if isinstance(node, Exists):
            return self.exists(node, scope)
        names = (node.path or "").split(".")
        document = scope.document
        slow = [self.slow(one) for one in nodes]
        test = self.fast(nodes, [leaf for leaf, _ in slow])
        if len(names) == 1:
            if test is None:
                return f"{slow[0][0]}({document}.get({names[0]!r}, M))"
            return self.fetched(names[0], test, scope)
        path = self.constant(steps(node.path or ""))

        # What is not there equals null and nothing else, so there is no way to walk.
        absent = all(isinstance(one, Compare) and self.mark_of(one.value) in _SCALARS - {_NONE} for one in nodes)

        def walk(start: str, position: int) -> str:
            walks = [f"reach({start}, {path}, {position}, {leaf}, {one})" for leaf, one in slow]
            return " and ".join([f"{start} is not None", *walks] if absent and position else walks)

        # Objects all the way are followed in line; anything else is left to the general walk.
        if test is None or len(names) > 4:
            return f"({walk(document, 0)})"
        known = scope.fields.get(names[0])
        first = known or self.fresh("v")
        scope.fields[names[0]] = first
        variables = [first, *[self.fresh("v") for _ in names[1:]]]
        fetches = [f"({first} := {_fetch(document, names[0])})" if known is None else first]
        fetches += [
            f"({variables[position]} := {_fetch(variables[position - 1], names[position])})"
            for position in range(1, len(names))
        ]
        written = test(fetches[-1], variables[-1])
        for position in range(len(names) - 2, -1, -1):
            written = (
                f"({written} if {fetches[position]}.__class__ is dict else {walk(variables[position], position + 1)})"
            )
        return written

    def fetched(self, name: str, test: Callable[[str, str], str], scope: _Scope) -> str:
        known = scope.fields.get(name)
        if known is not None:
            return test(known, known)
        variable = self.fresh("v")
        scope.fields[name] = variable
        return test(f"({variable} := {_fetch(scope.document, name)})", variable)

    def exists(self, node: Exists, scope: _Scope) -> str:
        names = (node.path or "").split(".")
        negation = "" if node.exists else "not "
        if len(names) == 1:
            return f"({names[0]!r} {negation}in {scope.document})"
        path = self.constant(steps(node.path or ""))
        name = self.constant(present)
        return f"({negation}reach({scope.document}, {path}, 0, {name}, {name}))"

    def fast(self, nodes: Sequence[Leaf], leaves: Sequence[str]) -> Callable[[str, str], str] | None:
        """Choose the test that decides common values in line.

        Returns:
            Writes the test from an expression that fetches the value into a variable, and that variable; None if the
            condition always takes the slow path. A field that is not there is fetched as None.
        """
        node, leaf = nodes[0], leaves[0]
        if isinstance(node, Compare):
            tests = [
                test
                for one, slow in zip(nodes, leaves, strict=True)
                if isinstance(one, Compare) and (test := self.order_test(one, slow)) is not None
            ]
            return _in_line(tests) if tests else self.fast_compare(node, leaf)
        if isinstance(node, In):
            return self.fast_in(node, leaf)
        if isinstance(node, Regex):
            search = self.fresh("r")
            self.prelude.append(f"{search} = searcher({self.constant(node.source)}, {node.options!r})")
            return lambda get, v: (
                f"({search}({v}) if {get}.__class__ is str else type({v}) not in PLAIN and {leaf}({v}))"
            )
        if isinstance(node, Size):
            size = self.constant(node.size)
            return lambda get, v: f"({get}.__class__ is list and len({v}) == {size})"
        return None

    def order_test(self, node: Compare, leaf: str) -> _Test | None:
        """The test of ``$gt`` and its like for constants of the usual classes."""
        if node.op == "$eq":
            return None
        kind = self.mark_of(node.value)
        symbol = _SYMBOLS[node.op]
        if kind is int or kind is float:
            c = self.constant(node.value)
            return _Test(_IS_NUMBER, f"{{v}} {symbol} {c}", f"type({{v}}) not in NOT_DECIMAL and {leaf}({{v}})")
        if kind is str:
            left, right = "{v}", self.constant(node.value)
            if self.collation is not None:
                left, right = self.collated(right)
            return _Test("{get}.__class__ is str", f"{left} {symbol} {right}", f"type({{v}}) is list and {leaf}({{v}})")
        if kind is datetime:
            common = "{get}.__class__ is datetime and {v}.tzinfo is not None"
            c = self.constant(node.value)
            return _Test(common, f"{{v}} {symbol} {c}", f"type({{v}}) not in NOT_DATE and {leaf}({{v}})")
        return None

    def collated(self, c: str) -> tuple[str, str]:
        """What is compared instead of a value and of the constant *c*, where a collation compares strings."""
        if self.collation is None:
            return "{v}", c
        name, key = self.constant(self.collation.string_key), self.fresh("k")
        self.prelude.append(f"{key} = {name}({c})")
        return name + "({v})", key

    def fast_compare(self, node: Compare, leaf: str) -> Callable[[str, str], str] | None:
        kind = self.mark_of(node.value)
        equality = node.op == "$eq"
        if kind is _NONE:
            if node.op in {"$gt", "$lt"}:
                # Nothing matches, but the conditions after this one rely on the variable.
                return lambda get, v: f"({get} is None and False)"
            return lambda get, v: f"({get} is None or type({v}) is list and {leaf}({v}))"
        if not equality:
            return None
        c = self.constant(node.value)
        if kind is bool:
            return lambda get, v: f"({get} is {c} or type({v}) is list and {leaf}({v}))"
        if kind is int or kind is float:
            # An array without the number is dismissed in line as well, if all in it is plain.
            return lambda get, v: (
                f"({v} == {c} if {_IS_NUMBER.format(get=get, v=v)} else type({v}) not in NOT_DECIMAL and "
                f"(type({v}) is not list or {c} in {v} or not all_plain(map(type, {v}))) and {leaf}({v}))"
            )
        if kind is str and self.collation is None and node.path is not None:
            return lambda get, v: f"({v} == {c} if {get}.__class__ is str else type({v}) is list and {c} in {v})"
        if kind is str:
            left, right = self.collated(c)
            return _in_line(
                [_Test("{get}.__class__ is str", f"{left} == {right}", f"type({{v}}) is list and {leaf}({{v}})")]
            )
        if kind is datetime:
            return lambda get, v: (
                f"({v} == {c} if {get}.__class__ is datetime and {v}.tzinfo is not None"
                f" else type({v}) not in NOT_DATE and {leaf}({v}))"
            )
        if kind is UUID or kind is bytes:
            return lambda get, v: (
                f"({v} == {c} if {get}.__class__ is {self.constant(kind)} else type({v}) not in PLAIN and {leaf}({v}))"
            )
        if kind is dict and self.collation is None:
            return lambda get, v: (
                f"(equal({v}, {c}) if {get}.__class__ is dict else type({v}) not in PLAIN and {leaf}({v}))"
            )
        return None

    def fast_in(self, node: In, leaf: str) -> Callable[[str, str], str] | None:
        if node.regexes or self.collation is not None:
            return None
        values: Any = node.values
        kind = self.marks[values.index] if type(values) is Slot else list_mark(values)
        if kind is MIXED:
            return None
        wanted = self.fresh("s")
        self.prelude.append(f"{wanted} = frozenset({self.constant(node.values)})")
        if kind is str:
            return lambda get, v: f"({v} in {wanted} if {get}.__class__ is str else type({v}) is list and {leaf}({v}))"
        return lambda get, v: (
            f"({v} in {wanted} if {get}.__class__ in RAW else type({v}) not in NOT_DECIMAL and {leaf}({v}))"
        )

    def slow(self, node: Leaf) -> tuple[str, str]:
        """Write the functions that decide everything, made when first needed if a constant belongs to them.

        Returns:
            The names of the one for what a field's name leads to, and of the one for what a position leads to.
        """
        leaf, one = self.fresh("l"), self.fresh("o")
        if isinstance(node, ElemMatch):
            self.elem_match(node, one)
            self.prelude.append(f"{leaf} = {one}")
            return leaf, one
        make = self.fresh("m")
        self.names[make] = _Maker(node, self.collation)
        if _has_slot(node):
            rebind = f"nonlocal {leaf}, {one}; {leaf}, {one} = {make}(C)"
            self.prelude.append(f"def {leaf}(v): {rebind}; return {leaf}(v)")
            self.prelude.append(f"def {one}(v): {rebind}; return {one}(v)")
        else:
            self.names[leaf], self.names[one] = self.names[make](())
        return leaf, one

    def elem_match(self, node: ElemMatch, name: str) -> None:
        if node.of_values:
            # An element reaches its conditions as a field's value does, but is not taken apart if it is an array.
            body = self.element(node.condition, 0)
            lines = [
                f"def {name}(v):",
                "    if type(v) is list:",
                "        for e in v:",
                f"            if {body}: return True",
                "    return False",
            ]
        else:
            condition = self.function(node.condition)
            lines = [
                f"def {name}(v):",
                "    if type(v) is list:",
                "        for e in v:",
                "            if type(e) is dict:",
                f"                if {condition}(e): return True",
                f"            elif type(e) not in SIMPLE and inside(e, {condition}): return True",
                "    return False",
            ]
        self.prelude.extend(lines)

    def element(self, node: Node, depth: int) -> str:
        """Write a condition on the element ``e`` of an array."""
        if depth > _MAX_NESTING:
            name = self.fresh("g")
            self.prelude.append(f"def {name}(e): return {self.element(node, 0)}")
            return f"{name}(e)"
        if isinstance(node, And | All):
            parts = [self.element(child, depth + 1) for child in node.children]
            return f"({' and '.join(parts)})" if parts else "False"
        if isinstance(node, Or | Nor | Not):
            either = " or ".join([self.element(child, depth + 1) for child in node.children])
            return f"({either})" if isinstance(node, Or) else f"(not ({either}))"
        if isinstance(node, Exists):
            return str(node.exists)
        if not isinstance(node, Leaf):
            return "False" if isinstance(node, Never) else "True"
        _, one = self.slow(node)
        test = self.fast((node,), (one,))
        return f"{one}(e)" if test is None else test("e", "e")

    # The whole

    def source(self, node: Node, kind: Kind) -> str:
        test = self.node(node, _Scope("d"), 0)
        eager = kind in _EAGER and _FETCH in test and len(test) < _MAX_TWICE
        bound = "".join([f", {name}={name}" for name in [*(f"c{index}" for index in sorted(self.used)), *_BOUND]])
        run = (_EAGER if eager else _RUN)[kind].format(
            test=_cautious(test), eager=_eager(test), pause=_PAUSE, bound=bound
        )
        self.names["lacking"] = [0]
        own = ", ".join([f"{name!r}: C[{index}]" for name, index in self.own.items()])
        lines = [
            "def factory(C, X):",
            "    V = X.variables or {}" if not self.own else f"    V = {{**(X.variables or {{}}), {own}}}",
            *[f"    c{index} = C[{index}]" for index in sorted(self.used)],
            *["    " + _cautious(line) for line in self.prelude],
            *["    " + line for line in run.splitlines()],
            "    return run",
        ]
        return "\n".join(lines)


# A fetch is written with characters that repr leaves in no name; which form it takes is decided at the end.
_FETCH: Final = "\0"
_FETCHED: Final = "\1"


def _fetch(document: str, name: str) -> str:
    return f"{document}{_FETCH}{name!r}{_FETCHED}"


def _cautious(text: str) -> str:
    """The form that gives None for a field that is not there."""
    return text.replace(_FETCH, ".get(").replace(_FETCHED, ")")


def _eager(text: str) -> str:
    """The form that raises KeyError for a field that is not there."""
    return text.replace(_FETCH, "[").replace(_FETCHED, "]")


_RANGES: Final[dict[Mark, str]] = {int: "number", float: "number", str: "string", datetime: "date"}


def _in_line(tests: Sequence[_Test]) -> Callable[[str, str], str]:
    """Write tests that all have to hold and ask the same of the value's class."""
    common = tests[0].common
    decide = " and ".join([test.decide for test in tests])
    rare = " and ".join([test.rare for test in tests])
    return lambda get, v: f"({decide.format(v=v)} if {common.format(get=get, v=v)} else {rare.format(v=v)})"


_RUN: Final[dict[Kind, str]] = {
    "matches": "def run(d):\n    return True if {test} else False",
    "select": """\
def run(docs, limit=0):
    if not limit:
        return [d for d in docs if {test}]
    found = []
    for d in docs:
        if {test}:
            found.append(d)
            if len(found) == limit: break
    return found""",
    "count": """\
def run(docs{bound}):
    n = 0
    for d in docs:
        if {test}: n += 1
    return n""",
    "first": """\
def run(docs{bound}):
    for d in docs:
        if {test}: return d
    return None""",
}

# What a loop looks at for every document is a parameter with a default where calls are few: reading a local takes half
# the time of reading a constant of the factory or a builtin. A comprehension would put its variables in cells.
_BOUND: Final = ("int", "float", "str", "type", "list", "dict")

# The document at which the eager form stops is asked again, and those after it, in the cautious form. A comprehension
# cannot go on where it stopped, so it begins anew, which only something that can be read twice allows.
_EAGER: Final[dict[Kind, str]] = {
    "select": """\
def run(docs, limit=0):
    if not limit:
        if lacking[0]: lacking[0] -= 1
        elif iter(docs) is not docs:
            try:
                return [d for d in docs if {eager}]
            except KeyError:
                lacking[0] = {pause}
        return [d for d in docs if {test}]
    found = []
    rest = iter(docs)
    if lacking[0]: lacking[0] -= 1
    else:
        try:
            for d in rest:
                if {eager}:
                    found.append(d)
                    if len(found) == limit: break
            return found
        except KeyError:
            lacking[0] = {pause}
            if {test}:
                found.append(d)
                if len(found) == limit: return found
    for d in rest:
        if {test}:
            found.append(d)
            if len(found) == limit: break
    return found""",
    "count": """\
def run(docs{bound}):
    n = 0
    rest = iter(docs)
    if lacking[0]: lacking[0] -= 1
    else:
        try:
            for d in rest:
                if {eager}: n += 1
            return n
        except KeyError:
            lacking[0] = {pause}
            if {test}: n += 1
    for d in rest:
        if {test}: n += 1
    return n""",
    "first": """\
def run(docs{bound}):
    rest = iter(docs)
    if lacking[0]: lacking[0] -= 1
    else:
        try:
            for d in rest:
                if {eager}: return d
            return None
        except KeyError:
            lacking[0] = {pause}
            if {test}: return d
    for d in rest:
        if {test}: return d
    return None""",
}


class _Maker:
    """Makes the slow functions of a condition once its constants are known."""

    def __init__(self, node: Leaf, collation: Collation | None) -> None:
        self._node = node
        self._context = Context(collation)

    def __call__(self, constants: Sequence[Any]) -> tuple[Single, Single]:
        context = self._context
        node = self._node.bind(constants)
        one = single(node, context.collation, lambda condition: document_matcher(condition, context))
        if isinstance(node, Size):
            return one, one
        if isinstance(node, Compare) and node.op == "$eq" and context.collation is None:
            kind = mark(node.value)
            if kind is str or kind is int or kind is float:
                return spread_equal(node.value, one), one
        return spread(one), one


def _searcher(source: str, options: str) -> Callable[[str], Any]:
    regex = compile_regex(source, options, boolean=True)
    return regex.pattern.search if regex.degree <= 1 else regex.matches


def _inside(value: Any, condition: Single) -> bool:
    """Ask a condition on documents of an element that is none, but may be seen as one."""
    fields = as_object(value) if type(value) is list else reference_fields(value)
    return fields is not None and condition(fields)


def _has_slot(node: Leaf) -> bool:
    return any(type(getattr(node, name, None)) is Slot for name in ("value", "values", "source"))


def write(node: Node, marks: Sequence[Mark], collation: Collation | None, kind: Kind) -> Factory:
    """Write and compile the factory of one function.

    Args:
        node: The filter, with slots.
        marks: What may be assumed of each slot's constant.
        collation: How strings compare.
        kind: Which function: ``matches(document)``, ``select(documents, limit=0)``, ``count(documents)`` or
            ``first(documents)``.

    Returns:
        Takes the constants and what else the filter is asked with; gives the function.
    """
    writer = _Writer(marks, collation)
    source = writer.source(node, kind)
    names = writer.names
    exec(compile(source, "<filter>", "exec"), names)  # noqa: S102 - see the module's docstring
    factory: Factory = names["factory"]
    return factory
