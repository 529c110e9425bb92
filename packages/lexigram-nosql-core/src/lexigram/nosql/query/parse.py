"""Filters, parsed and ready to run.

:func:`parse_filter` takes a filter in any form and gives a :class:`Query`. The tree and the code of a filter's shape
are kept (the last 1,024 shapes), so that a repeated query costs one walk over the filter and a look-up.
"""

# Documents and filters are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownLambdaType=false

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import Any, Final, cast

from lexigram.nosql.exceptions import DocumentValidationError, NoSQLFilterError
from lexigram.nosql.query import compile as code
from lexigram.nosql.query.ast import All, Always, And, Leaf, Node, Slot, Text
from lexigram.nosql.query.interpret import Context, matched_position
from lexigram.nosql.query.parser import Parser
from lexigram.nosql.query.shape import Unshaped, scan
from lexigram.nosql.query.suggest import shown
from lexigram.nosql.query.template import Template, counts
from lexigram.nosql.query.text import text_scorer
from lexigram.nosql.values.collation import Collation, parse_collation
from lexigram.nosql.values.kinds import INT64_MAX, INT64_MIN
from lexigram.nosql.values.normalise import normalise_value
from lexigram.nosql.values.readable import unreadable

__all__ = ["CacheInfo", "Query", "cache_clear", "cache_info", "parse_filter"]

Document = dict[str, Any]

_MAX_SHAPES: Final = 1024


class Query:
    """A filter, parsed. Made by :func:`parse_filter`; never changes.

    Args:
        template: What its shape shares.
        constants: Its own constants, checked.
        context: What it is asked with, beside documents.

    Attributes:
        matches: A function from a normalised document to whether the filter holds for it; made when first asked for. It
            raises only :class:`~lexigram.nosql.exceptions.NoSQLError`: what ``$expr`` cannot evaluate, texts too long
            for a regular expression.
    """

    __slots__ = ("_constants", "_context", "_functions", "_root", "_template", "matches")

    matches: Callable[[Document], bool]

    def __init__(self, template: Template, constants: Sequence[Any], context: Context) -> None:
        self._template = template
        self._constants = constants
        self._context = context
        self._root: Node | None = None
        self._functions: dict[code.Kind, Callable[..., Any]] = {}

    def __repr__(self) -> str:
        return f"Query({self.root!r})"

    # Running

    def _function(self, kind: code.Kind) -> Callable[..., Any]:
        function = self._functions.get(kind)
        if function is None:
            context = self._context
            if context.variables is None and self._template.uses_expressions:
                # One clock reading per query, as MongoDB does for $$NOW.
                now = datetime.now(UTC)
                variables = {"NOW": now.replace(microsecond=now.microsecond // 1000 * 1000)}
                context = Context(context.collation, variables, context.text_fields)
            function = self._functions[kind] = self._template.function(kind, self._constants, context)
        return function

    def __getattr__(self, name: str) -> Any:
        # The slot is empty until first asked for; afterwards reading it costs no call.
        if name != "matches":
            raise AttributeError(name)
        self.matches = self._function("matches")
        return self.matches

    def select(self, documents: Iterable[Document], limit: int = 0) -> list[Document]:
        """Filter documents. Twice as fast as a loop over :attr:`matches`.

        Args:
            documents: Normalised documents.
            limit: Stop after so many; 0 for all.

        Returns:
            Those for which the filter holds, in order; the documents themselves, not copies.
        """
        found: list[Document] = self._function("select")(documents, limit)
        return found

    def count(self, documents: Iterable[Document]) -> int:
        """Count matches.

        Args:
            documents: Normalised documents.

        Returns:
            For how many the filter holds.
        """
        count: int = self._function("count")(documents)
        return count

    def first(self, documents: Iterable[Document]) -> Document | None:
        """Find the first match.

        Args:
            documents: Normalised documents.

        Returns:
            The document itself, or None.
        """
        found: Document | None = self._function("first")(documents)
        return found

    # Looking inside

    @property
    def root(self) -> Node:
        """The filter's tree, constants in place."""
        if self._root is None:
            self._root = self._template.root.bind(self._constants)
        return self._root

    @property
    def pattern(self) -> Node:
        """The filter's tree with slots, which filters of one :attr:`shape` share."""
        return self._template.root

    @property
    def constants(self) -> Sequence[Any]:
        """What stands in the slots of :attr:`pattern`; do not change it."""
        return self._constants

    @property
    def is_empty(self) -> bool:
        """True if the filter has no condition, and so holds for every document."""
        return isinstance(self._template.root, Always)

    @property
    def shape(self) -> Any:
        """Hashable; equal for filters that differ in nothing but constants. None for filters that are not kept."""
        return self._template.shape

    @property
    def collation(self) -> Collation | None:
        """How strings compare; None for by code point."""
        return self._context.collation

    @property
    def conjuncts(self) -> tuple[Node, ...]:
        """The conditions that must all hold; none for an empty filter."""
        root = self.root
        if isinstance(root, And):
            return root.parts
        return () if isinstance(root, Always) else (root,)

    @property
    def paths(self) -> frozenset[str]:
        """Every path that a condition on the document names, not those inside element matches."""
        found: set[str] = set()
        pending: list[Node] = [self._template.root]
        while pending:
            node = pending.pop()
            if isinstance(node, Leaf):
                found.add(node.path or "")
            else:
                pending.extend(node.children)
        return frozenset(found)

    @property
    def text(self) -> Text | None:
        """The ``$text`` condition, if there is one."""
        return self._template.text

    @property
    def uses_expressions(self) -> bool:
        """True if the filter evaluates ``$expr``, and so may read any field."""
        return self._template.uses_expressions

    def constraints(self, path: str) -> tuple[Leaf, ...]:
        """List the conditions on a path that must all hold.

        Args:
            path: Dotted.

        Returns:
            The leaves among :attr:`conjuncts` on exactly this path; of ``$all``, its items.
        """
        found: list[Leaf] = []
        for node in self.conjuncts:
            if isinstance(node, Leaf) and node.path == path:
                if isinstance(node, All):
                    found.extend([item for item in node.items if isinstance(item, Leaf)])
                else:
                    found.append(node)
        return tuple(found)

    def equality(self, path: str, default: Any = None) -> Any:
        """Give the constant that the filter compares a path with, at the top, without building the tree.

        Args:
            path: Dotted.
            default: What to return without such a comparison.

        Returns:
            The constant itself; do not change it.
        """
        index = self._template.equalities.get(path)
        return default if index is None else self._constants[index]

    def only_equalities(self) -> dict[str, Any] | None:
        """Give the filter as constants by path, without building the tree, where it says nothing else.

        Returns:
            A new dict of the constants themselves, which must not be changed; None for any other filter.
        """
        if not self._template.only_equalities:
            return None
        constants = self._constants
        return {path: constants[index] for path, index in self._template.equalities.items()}

    def is_equality(self, path: str) -> bool:
        """Say whether the filter is nothing but a comparison of a path with one constant, given by :meth:`equality`.

        Args:
            path: Dotted.

        Returns:
            True if it is.
        """
        return self._template.only == path

    def matched_index(self, document: Mapping[str, Any], path: str) -> int | None:
        """Find which element of an array made a document match, for the positional ``$``.

        Args:
            document: A document that the filter holds for.
            path: Path of the array that ``$`` follows.

        Returns:
            The position in the outermost array on the way; None if no condition chose an element.
        """
        return matched_position(self.root, document, path, self._context)

    def text_score(self, document: Mapping[str, Any]) -> float:
        """Score a document for ``{"$meta": "textScore"}``.

        Args:
            document: A document.

        Returns:
            Its score.

        Raises:
            NoSQLFilterError: The filter has no ``$text`` (code 40218).
        """
        node = self.text
        if node is None:
            raise NoSQLFilterError("a text score needs a filter with $text", mongo_code=40218)
        return text_scorer(node, self._context.text_fields)(document)

    # The same filter, asked with something else

    def with_variables(self, variables: Mapping[str, Any]) -> Query:
        """Give values to the variables of ``$expr``.

        Args:
            variables: By name; ``NOW`` should be among them.

        Returns:
            A query that shares everything else.
        """
        context = self._context
        return Query(self._template, self._constants, Context(context.collation, variables, context.text_fields))

    def with_text_fields(self, fields: Iterable[str] | None) -> Query:
        """Say which fields ``$text`` searches.

        Args:
            fields: Dotted paths; None for every string of the document.

        Returns:
            A query that shares everything else.
        """
        context = self._context
        chosen = None if fields is None else tuple(fields)
        return Query(self._template, self._constants, Context(context.collation, context.variables, chosen))


# The cache


@dataclass(frozen=True, slots=True)
class CacheInfo:
    """How the shapes are used; for tests and for curiosity.

    Attributes:
        hits: Filters whose shape was known.
        misses: Filters that were parsed.
        compilations: Functions that were generated.
        size: Shapes kept now.
    """

    hits: int
    misses: int
    compilations: int
    size: int


_templates: OrderedDict[Any, Template] = OrderedDict()
_lock = Lock()
_NO_CONTEXT: Final = Context()


def cache_info() -> CacheInfo:
    """Tell how the shapes are used.

    Returns:
        Counts since the start, or since :func:`cache_clear`.
    """
    return CacheInfo(counts.hits, counts.misses, counts.compilations, len(_templates))


def cache_clear() -> None:
    """Forget all shapes, and start the counts anew."""
    with _lock:
        _templates.clear()
        counts.hits = counts.misses = counts.compilations = 0


def _keep(key: Any, template: Template) -> None:
    with _lock:
        _templates[key] = template
        while len(_templates) > _MAX_SHAPES:
            _templates.popitem(last=False)


def parse_filter(filter: Any, *, collation: Any = None, variables: Collection[str] = ()) -> Query:
    """Parse a filter.

    Args:
        filter: A mapping; a ``DocumentQuery`` or a ``DocumentQueryBuilder``; a :class:`Query`, returned as it is;
            None for no condition.
        collation: How strings compare: a specification as MongoDB takes it, or a
            :class:`~lexigram.nosql.values.collation.Collation`.
        variables: Names of the variables that ``$expr`` may use beside the system's; their values come with
            :meth:`Query.with_variables`.

    Returns:
        The query.

    Raises:
        NoSQLFilterError: The filter is not valid, or uses something that is refused; ``path`` says where,
            ``mongo_code`` what MongoDB calls it.
        QueryOptionError: The collation is not valid.
    """
    order = parse_collation(collation) if collation is not None else None
    context = _NO_CONTEXT if order is None else Context(order)
    tokens: list[Any] = [order] if order is not None else []
    constants: list[Any] = []
    if type(filter) is dict:
        try:
            scan(cast("dict[str, Any]", filter), tokens, constants)
        except Unshaped:
            return _parse(cast("dict[str, Any]", filter), order, variables, context, None, ())
        if variables:
            tokens.append(frozenset(variables))
        key = tuple(tokens)
        template = _templates.get(key)
        if template is None:
            return _parse(cast("dict[str, Any]", filter), order, variables, context, key, constants)
        counts.hits += 1
        try:  # noqa: SIM105 - suppress() would cost a third of the whole look-up
            _templates.move_to_end(key)
        except KeyError:  # another thread dropped it a moment ago
            pass
        if template.convert or template.regexes:
            try:
                return Query(template, template.check(constants), context)
            except DocumentValidationError:
                return _parse(cast("dict[str, Any]", filter), order, variables, context, None, ())
        return Query(template, constants, context)
    return _parse_other(filter, order, variables, context)


def _parse_other(filter: Any, order: Collation | None, variables: Collection[str], context: Context) -> Query:
    if filter is None:
        return parse_filter({}, collation=order)
    if isinstance(filter, Query):
        if order is None or order == filter.collation:
            return filter
        raise NoSQLFilterError("this query was parsed with another collation", hint="parse the filter itself")
    given: Any = filter
    if not isinstance(given, Mapping | type):
        # What the query builder makes, without importing it: it imports this module.
        build = getattr(given, "build", None)
        if callable(build):
            given = build()
        given = getattr(given, "filter", given)
    if type(given) is dict:
        return parse_filter(cast("dict[str, Any]", given), collation=order, variables=variables)
    if not isinstance(given, Mapping):
        raise NoSQLFilterError(
            f"a filter is a mapping, not {shown(filter)}", hint="such as {'status': 'active'}", mongo_code=14
        )
    return _parse(cast("Mapping[str, Any]", given), order, variables, context, None, ())


def _parse(
    filter: Mapping[str, Any],
    order: Collation | None,
    variables: Collection[str],
    context: Context,
    key: Any,
    scanned: Sequence[Any],
) -> Query:
    counts.misses += 1
    told = unreadable(filter)
    if told is not None:
        raise NoSQLFilterError(told)
    parser = Parser(order, variables)
    try:
        root = parser.parse(filter)
        template = Template(root, parser.constants, parser.regexes, order)
        constants = _check(template, parser.constants)
    except RecursionError as error:
        raise NoSQLFilterError("the filter nests deeper than the stack allows", mongo_code=15) from error
    if key is not None and len(scanned) == len(constants) and all(map(_same, scanned, parser.constants)):
        template.shape = key
        _keep(key, template)
    return Query(template, constants, context)


def _same(a: Any, b: Any) -> bool:
    return a is b


def _check(template: Template, constants: Sequence[Any]) -> Sequence[Any]:
    """Check constants for the first time, ints and their range among them, and say which one is at fault."""
    try:
        for index, value in enumerate(constants):
            for item in value if index in template.lists else (value,):
                if type(item) is int and not INT64_MIN <= item <= INT64_MAX:
                    normalise_value(item)
        return template.check(constants)
    except DocumentValidationError:
        for node in template.root.walk():
            value = getattr(node, "value", getattr(node, "values", None))
            if isinstance(node, Leaf) and type(value) is Slot:
                try:
                    normalise_value(constants[value.index], path=node.path or "")
                except DocumentValidationError as error:
                    raise NoSQLFilterError(
                        error.message, hint=error.hint, path=error.path, mongo_code=error.mongo_code
                    ) from error
        raise
