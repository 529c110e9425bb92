"""Projections: which fields a document shows, and what it shows instead (manual, "Project fields").

A projection includes fields or leaves fields out, never both (``_id`` apart); beside that it may cut arrays with
``$slice``, keep one element with ``$elemMatch`` or the positional ``$``, and, when it includes, compute fields with
expressions. The rules of which goes with which, and the codes of their errors, are MongoDB's since 4.4. So is the
order of the result: fields that are kept stand as in the document, computed ones and ``$elemMatch`` follow in the
order of the projection.

What comes out is a new document that holds copies of what it keeps, and only of that.
"""

# Documents are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownLambdaType=false

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, cast

from lexigram.nosql.exceptions import DocumentValidationError, NoSQLError, PipelineError, QueryOptionError
from lexigram.nosql.query.ast import ElemMatch, Node
from lexigram.nosql.query.features import special_feature
from lexigram.nosql.query.field_path import check_field_path
from lexigram.nosql.query.interpret import Context, document_matcher
from lexigram.nosql.query.match import single
from lexigram.nosql.query.parse import parse_filter
from lexigram.nosql.query.projection_tree import Change, Compute, Include, Tree, compile_tree, fields_read
from lexigram.nosql.query.suggest import shown
from lexigram.nosql.values.bson_compat import is_text
from lexigram.nosql.values.copying import copy_value
from lexigram.nosql.values.kept import Kept
from lexigram.nosql.values.kinds import is_number
from lexigram.nosql.values.order import number_value
from lexigram.nosql.values.path import MISSING
from lexigram.nosql.values.readable import unreadable
from lexigram.nosql.values.slots import putter

if TYPE_CHECKING:
    from lexigram.nosql.query.parse import Query
    from lexigram.nosql.query.sort import Sort

__all__ = ["Projection", "cache_clear", "parse_projection"]

Document = dict[str, Any]

_WHAT: Final = "a projection"
_MAX_DEPTH: Final = 100
_INT32: Final = 2**31 - 1
_CONTAINERS: Final = frozenset({dict, list})
_PLAIN_CLASSES: Final = frozenset({int, bool})
_STR_ONLY: Final = frozenset({str})


class Projection:
    """A projection. Made by :func:`parse_projection`; never changes.

    Attributes:
        inclusive: True if only what is named is kept.
        apply: A function from a normalised document to a new one with copies of what is kept. It raises
            :class:`~lexigram.nosql.exceptions.NoSQLError` where an expression cannot be evaluated or a positional
            ``$`` has no element.
        fields_needed: Names of the top-level fields that are read; None for all.
        fields: For a projection that only names top-level fields: each name and whether it is kept; else None. For
            backends that can do this much themselves.
        positional: True if it keeps of an array what the filter chose.
        sort_key: True if it shows the values that documents are sorted by.
    """

    __slots__ = ("apply", "fields", "fields_needed", "inclusive", "needs_query", "positional", "sort_key", "spec")

    def __init__(self, form: _Form, spec: Mapping[str, Any], variables: Mapping[str, Any]) -> None:
        self.inclusive = form.inclusive
        self.spec = spec
        self.needs_query = form.positional is not None or form.metas
        self.positional = form.positional is not None
        self.sort_key = form.sort_key
        apply = compile_tree(form.tree, form.inclusive, variables)
        if form.positional is not None and form.query is not None:
            apply = _choosing(apply, form.positional, form.query)
        self.apply: Callable[[Document], Document] = apply
        self.fields_needed = form.fields_needed
        self.fields: dict[str, bool] | None = None if form.fields is None else dict(form.fields)

    def __repr__(self) -> str:
        return f"Projection({dict(self.spec)!r})"


def _choosing(apply: Callable[[Document], Document], path: str, query: Query) -> Callable[[Document], Document]:
    """Cut, after a projection, the first array on a path to the element that the filter chose."""
    parts = path.split(".")

    def choose(document: Document) -> Document:
        result = apply(document)
        parent: Any = result
        for part in parts:
            if type(parent) is not dict:
                break
            value = parent.get(part)
            if type(value) is list:
                parent[part] = [_chosen(value, document)]
                break
            parent = value
        return result

    def _chosen(items: list[Any], document: Document) -> Any:
        index = query.matched_index(document, path)
        if index is None:
            raise QueryOptionError(f"the filter chose no element of {path!r} for the positional $", mongo_code=51246)
        if index >= len(items):
            raise QueryOptionError(
                f"the array at {path!r} has no element {index}, which the filter chose in another one", mongo_code=51247
            )
        return items[index]

    return choose


class _Form:
    """A projection as it is read, without the constants of its expressions."""

    __slots__ = (
        "computes",
        "fields",
        "fields_needed",
        "inclusive",
        "keepable",
        "metas",
        "positional",
        "query",
        "sort_key",
        "tree",
    )

    def __init__(self, reader: _Reader, inclusive: bool) -> None:
        tree = self.tree = reader.root
        self.computes = tree.finish()
        self.inclusive = inclusive
        self.positional = reader.positional
        self.metas = reader.metas
        self.sort_key = reader.sort_key
        self.query = reader.query if reader.positional is not None else None
        # To choose an element the filter is asked again, and it may look at any field.
        self.fields_needed = fields_read(tree) if inclusive and reader.positional is None else None
        plain = reader.positional is None and all(isinstance(child, Include) for child in tree.children.values())
        self.fields = {name: cast("Include", child).keep for name, child in tree.children.items()} if plain else None
        # What is read from the filter or the order, or depends on a condition, is of one query.
        self.keepable = not (self.metas or reader.matches or reader.positional is not None)


class _Reader:
    """Reads one projection."""

    def __init__(self, query: Query | None, sort: Sort | None) -> None:
        self.query = query
        self.sort = sort
        self.root = Tree()
        self.inclusive: bool | None = None
        self.slices = False
        self.matches = False
        self.positional: str | None = None
        self.metas = False
        self.sort_key = False
        self.id_included = False
        self.id_excluded = False
        self.id_named = False

    def read(self, spec: Mapping[Any, Any]) -> bool:
        for name, value in spec.items():
            if isinstance(name, str) and (name == "_id" or name.startswith("_id.")):
                self.id_named = True
            self.element(name, value, (), self.root, 0)
        inclusive = self.kind() if self.inclusive is None else self.inclusive
        if inclusive and not self.id_named:
            self.root.children = {"_id": Include(True), **self.root.children}
        return inclusive

    def kind(self) -> bool:
        """Decide whether a projection that says neither includes."""
        if self.slices:
            return self.id_included
        if self.matches:
            return True
        return self.id_included and not (self.metas and self.id_excluded)

    def element(self, name: Any, value: Any, parent: tuple[str, ...], tree: Tree, depth: int) -> None:
        if depth > _MAX_DEPTH:
            raise QueryOptionError(f"a projection nests at most {_MAX_DEPTH} levels", mongo_code=15)
        positional = isinstance(name, str) and name.endswith(".$")
        if isinstance(name, str) and ".$." in name:
            raise QueryOptionError(
                f"the positional $ ends its path: {shown(name)}",
                hint="remove what follows it; the result is the same",
                mongo_code=31394,
            )
        if isinstance(value, Mapping):
            if positional:
                raise QueryOptionError(
                    f"the positional projection {shown(name)} cannot be an expression or have fields", mongo_code=31271
                )
            self.object(name, value, parent, tree, depth)
            return
        if isinstance(value, bool) or _is_number(value):
            if value is True or (value is not False and number_value(value) != 0):
                self.inclusion(name, parent, tree, positional)
            else:
                self.exclusion(name, parent, tree, positional)
            return
        if positional:
            raise QueryOptionError(f"the positional projection {shown(name)} cannot be a literal", mongo_code=31308)
        self.include_or_fail(31310, f"the expression at {shown(name)} cannot stand in a projection that leaves out")
        self.add(name, self.expression(value), tree)

    def object(self, name: Any, value: Mapping[Any, Any], parent: tuple[str, ...], tree: Tree, depth: int) -> None:
        path = check_field_path(name, _WHAT)
        first = next(iter(value), None)
        if first is None:
            raise QueryOptionError(
                f"an empty document is no projection of {path!r}",
                hint="to show it use {'$literal': {}}",
                mongo_code=51270,
            )
        if len(value) == 1 and isinstance(first, str) and first.startswith("$"):
            self.operator(first, value, path, parent, tree)
            return
        parts = path.split(".")
        child = self.descend(tree, parts, path).children.setdefault(parts[-1], Tree())
        if not isinstance(child, Tree):
            raise _collision(path, 31250)
        for key, item in value.items():
            self.element(key, item, (*parent, *parts), child, depth + 1)

    def operator(self, operator: str, value: Mapping[Any, Any], path: str, parent: tuple[str, ...], tree: Tree) -> None:
        argument = value[operator]
        if operator == "$slice" and self.is_find_slice(argument):
            self.slices = True
            self.add(path, Change(_slicer(argument)), tree)
        elif operator == "$elemMatch":
            self.elem_match(argument, path, parent, tree)
        elif operator == "$meta":
            self.metas = True
            self.add(path, self.meta(argument, value), tree)
        else:
            self.include_or_fail(31252, f"{operator} at {path!r} cannot stand in a projection that leaves out")
            self.add(path, self.expression(value), tree)

    def is_find_slice(self, argument: Any) -> bool:
        """Tell a cut of the field itself from the expression ``$slice``, which names its array.

        What is neither has the codes of the expression, since MongoDB tries that last.
        """
        if _is_number(argument):
            return True
        if not isinstance(argument, list | tuple) or len(argument) not in (2, 3):
            raise QueryOptionError("$slice takes a number, [skip, limit], or an array and numbers", mongo_code=28667)
        if not _is_number(argument[0]):
            return False
        if None in argument[1:]:
            return False
        if len(argument) == 2 and _is_number(argument[1]) and _int32(argument[1]) > 0:
            return True
        raise QueryOptionError(
            f"$slice takes [skip, limit], the limit above 0, not {shown(argument[-1])}", mongo_code=28724
        )

    def elem_match(self, argument: Any, path: str, parent: tuple[str, ...], tree: Tree) -> None:
        if not isinstance(argument, Mapping):
            raise QueryOptionError(f"$elemMatch takes a condition, not {shown(argument)}", mongo_code=31274)
        if self.positional is not None:
            raise QueryOptionError("a projection has a positional $ or an $elemMatch, not both", mongo_code=31255)
        if parent or "." in path:
            raise QueryOptionError("$elemMatch projects fields of the document itself only", mongo_code=31275)
        collation = None if self.query is None else self.query.collation
        # The filter's parser reads the condition; the name is not a path, should it look like one.
        root = parse_filter({path: {"$elemMatch": argument}}, collation=collation).root
        self.refuse_features(root, "$elemMatch in a projection")
        context = Context(collation)
        one = single(cast("ElemMatch", root), collation, lambda condition: document_matcher(condition, context))

        def matching(document: Document, _variables: Any) -> Any:
            value = document.get(path)
            if type(value) is list:
                for item in value:
                    if one([item]):
                        return [item]
            return MISSING

        self.matches = True
        self.add(path, Compute(matching, frozenset({path})), tree)

    def meta(self, argument: Any, value: Mapping[Any, Any]) -> Compute:
        if argument == "textScore":
            query = self.query
            if query is None or query.text is None:
                raise QueryOptionError(
                    "the textScore needs a filter with $text", hint="filter by {'$text': ...}", mongo_code=40218
                )
            score = query.text_score
            return Compute(lambda document, _variables: score(document), None)
        if argument == "sortKey":
            sort = self.sort
            if sort is None or sort.natural:
                raise QueryOptionError("the sortKey needs a sort by fields", hint="sort by fields", mongo_code=2)
            self.sort_key = True
            values = sort.values
            return Compute(lambda document, _variables: values(document), None)
        return self.expression(value)

    def inclusion(self, name: Any, parent: tuple[str, ...], tree: Tree, positional: bool) -> None:
        if positional:
            self.add_positional(name, parent, tree)
        else:
            self.add(name, Include(True), tree)
        if not parent and name == "_id":
            self.id_included = True
        else:
            self.include_or_fail(31253, f"{shown(name)} cannot be kept in a projection that leaves out")

    def exclusion(self, name: Any, parent: tuple[str, ...], tree: Tree, positional: bool) -> None:
        if positional:
            raise QueryOptionError(f"the positional projection {shown(name)} cannot leave out", mongo_code=31395)
        self.add(name, Include(False), tree)
        if not parent and name == "_id":
            self.id_excluded = True
        elif self.inclusive is True:
            raise QueryOptionError(
                f"{shown(name)} cannot be left out in a projection that keeps",
                hint="name the fields to keep, or those to leave out",
                mongo_code=31254,
            )
        else:
            self.inclusive = False

    def include_or_fail(self, code: int, message: str) -> None:
        if self.inclusive is False:
            raise QueryOptionError(message, hint="name the fields to keep, or those to leave out", mongo_code=code)
        self.inclusive = True

    def add_positional(self, name: str, parent: tuple[str, ...], tree: Tree) -> None:
        if self.positional is not None:
            raise QueryOptionError("a projection has one positional $ at most", mongo_code=31276)
        if self.matches:
            raise QueryOptionError("a projection has a positional $ or an $elemMatch, not both", mongo_code=31256)
        query = self.query
        if query is None:
            raise QueryOptionError("a positional $ needs a filter", mongo_code=51050)
        if name == ".$":
            raise QueryOptionError("a positional $ needs an array before it", mongo_code=5392900)
        path = check_field_path(name[:-2], _WHAT)
        self.refuse_features(query.root, "a filter beside a positional $")
        full = ".".join((*parent, path))
        self.positional = full
        self.add(path, Include(True), tree)

    @staticmethod
    def refuse_features(condition: Node, where: str) -> None:
        found = special_feature(condition)
        if found is not None:
            raise QueryOptionError(f"{where} cannot use {found[0]}", mongo_code=found[1])

    def expression(self, value: Any) -> Compute:
        # Expressions live beside pipelines, which need this module: the import has to wait until both are there.
        from lexigram.nosql.aggregation.expressions import compile_expression

        collation = None if self.query is None else self.query.collation
        try:
            compiled = compile_expression(value, collation=collation)
        except (PipelineError, DocumentValidationError) as error:
            code = 31325 if error.mongo_code == 168 else error.mongo_code
            raise QueryOptionError(f"{_WHAT}: {error.message}", hint=error.hint, mongo_code=code) from error
        return Compute(compiled.evaluate, compiled.fields_needed)

    def descend(self, tree: Tree, parts: list[str], path: str) -> Tree:
        for part in parts[:-1]:
            child = tree.children.setdefault(part, Tree())
            if not isinstance(child, Tree):
                raise _collision(path, 31249)
            tree = child
        return tree

    def add(self, name: Any, child: Include | Compute | Change, tree: Tree) -> None:
        path = check_field_path(name, _WHAT)
        parts = path.split(".")
        inner = self.descend(tree, parts, path)
        if parts[-1] in inner.children:
            raise _collision(path, 31250)
        inner.children[parts[-1]] = child


def _collision(path: str, code: int) -> QueryOptionError:
    return QueryOptionError(
        f"the projection names {path!r} twice, or a field and one inside it",
        hint="name each field once",
        mongo_code=code,
    )


def _is_number(value: Any) -> bool:
    try:
        return is_number(value)
    except DocumentValidationError:
        return False


def _slicer(argument: Any) -> Callable[[Any, Document], Any]:
    if _is_number(argument):
        count = _int32(argument)
        cut = slice(0, count) if count >= 0 else slice(count, None)
        return lambda value, _root: copy_value(value[cut]) if type(value) is list else copy_value(value)
    skip, limit = _int32(argument[0]), _int32(argument[1])

    def window(value: Any, _root: Document) -> Any:
        if type(value) is not list:
            return copy_value(value)
        start = skip if skip >= 0 else max(0, len(value) + skip)
        return copy_value(value[start : start + limit])

    return window


def _int32(value: Any) -> int:
    """Cut a number to 32 bits, as slices do: not a number becomes 0, what is too large the limit."""
    number = number_value(value)
    if number != number:
        return 0
    return int(max(-_INT32 - 1, min(_INT32, number)))


def parse_projection(spec: Any, *, query: Query | None = None, sort: Sort | None = None) -> Projection | None:
    """Read a projection.

    Args:
        spec: A mapping as MongoDB takes it; a sequence of field names to keep; a :class:`Projection`; None.
        query: The filter, for the positional ``$`` and the text score.
        sort: The order, for the sort key.

    Returns:
        The projection; None for whole documents.

    Raises:
        QueryOptionError: It is not valid; ``mongo_code`` says why: 31249 and 31250 for paths that collide, 31253 and
            31254 for keeping and leaving out at once, and others.
        NoSQLFilterError: The condition of an ``$elemMatch`` is not valid.
    """
    if spec is None:
        return None
    if isinstance(spec, Projection):
        if not spec.needs_query or query is None:
            return spec
        spec = spec.spec
    if is_text(spec):
        spec = {spec: 1}
    elif isinstance(spec, list | tuple | set | frozenset):
        for name in spec:
            if not is_text(name):
                raise QueryOptionError(f"{_WHAT} names fields as text, not {shown(name)}", mongo_code=14)
        spec = dict.fromkeys(spec, 1) if spec else {"_id": 1}
    if not isinstance(spec, Mapping):
        raise QueryOptionError(
            f"a projection is a mapping or a list of field names, not {shown(spec)}",
            hint="such as {'name': 1}",
            mongo_code=14,
        )
    if not spec:
        return None
    if _PLAIN_CLASSES.issuperset(map(type, spec.values())) and _STR_ONLY.issuperset(map(type, spec)):
        # Names alone mean the same with every filter, but for the positional $.
        plain = tuple([(name, bool(keep)) for name, keep in spec.items()])
        if not any(name[-1:] == "$" for name, _ in plain):
            return _plain(plain)
    told = unreadable(spec)
    if told is not None:
        raise QueryOptionError(f"{_WHAT}: {told}")
    return _read(spec, query, sort)


@lru_cache(maxsize=512)
def _plain(fields: tuple[tuple[str, bool], ...]) -> Projection:
    return _read(dict(fields), None, None)


_forms: Final[Kept[_Form]] = Kept(256)


def _read(spec: Mapping[Any, Any], query: Query | None, sort: Sort | None) -> Projection:
    # As above, the import has to wait.
    from lexigram.nosql.aggregation.expressions.cache import expression_key
    from lexigram.nosql.aggregation.lifting import lift_projection

    constants: dict[str, Any] = {}

    def take(name: str, _written: Any, held: Any) -> None:
        constants[name] = held

    lifted: Any = spec
    key: Any
    try:
        lifted = lift_projection(spec, putter("\0", take, constants.__len__))
        key = (expression_key(lifted), None if query is None else query.collation)
        form = _forms.get(key)
    except (TypeError, RecursionError):  # a value without a hash, or a projection too large to be worth keeping
        key = form = None
    if form is None:
        try:
            form = _form(lifted, query, sort)
        except NoSQLError:
            if lifted is spec:
                raise
            # What is told of an error is told of what was written.
            form = _form(spec, query, sort)
            key = None
        if key is not None and form.keepable:
            _forms.put(key, form)
    if form.computes:
        now = datetime.now(UTC)
        constants["NOW"] = now.replace(microsecond=now.microsecond // 1000 * 1000)
    return Projection(form, dict(spec), constants)


def cache_clear() -> None:
    """Forget the projections that were read lately."""
    _forms.clear()


def _form(spec: Mapping[Any, Any], query: Query | None, sort: Sort | None) -> _Form:
    reader = _Reader(query, sort)
    return _Form(reader, reader.read(spec))
