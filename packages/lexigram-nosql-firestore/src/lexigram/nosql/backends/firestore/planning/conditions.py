"""Filters as alternatives of terms that select a superset, and whether they are exact.

Where Firestore means something else than the engine:

* equality does not look into arrays: each constant is also asked for as an element (``array-contains``);
* ranges do not either, so they go down only where a hint rules out arrays;
* nothing finds a missing field: ``$ne``, ``$nin``, ``$not`` and null go down only where a hint says ``required``, or
  where the condition itself rules out a missing field;
* a dotted path does not pass through arrays, so it goes down only with a hint for that path;
* ``!=`` and ``not-in`` leave out null as well.

Negations are written as conditions without negation before that, as far as a hint allows.
"""

# Documents are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from lexigram.nosql.backends.firestore.codec.encoding import encode_value, may_be_packed
from lexigram.nosql.backends.firestore.codec.ids import encode_id
from lexigram.nosql.backends.firestore.codec.messages import Value
from lexigram.nosql.backends.firestore.codec.names import encode_name, field_path
from lexigram.nosql.backends.firestore.planning.forms import (
    elements_equal,
    fits_index,
    is_finite_number,
    is_number,
    scalar_equal,
)
from lexigram.nosql.backends.firestore.planning.hints import ANYTHING, CollectionHints, FieldHint, orders_as_text
from lexigram.nosql.backends.firestore.planning.ranges import (
    OPERATORS,
    date_range,
    fixed_beginning,
    following,
    moment,
    number_range,
    text_range,
)
from lexigram.nosql.backends.firestore.planning.terms import (
    ALWAYS,
    EVERYTHING,
    NAME,
    NOTHING,
    Conjunction,
    Selected,
    Term,
    both,
    either,
)
from lexigram.nosql.exceptions import DocumentValidationError
from lexigram.nosql.query.ast import (
    All,
    Always,
    And,
    Compare,
    CompareOp,
    ElemMatch,
    Exists,
    In,
    Leaf,
    Never,
    Node,
    Nor,
    Not,
    Or,
    Regex,
    Size,
    Type,
)
from lexigram.nosql.values.collation import Collation

__all__ = ["Translation", "translate"]

_OPPOSITES: Final[dict[str, CompareOp]] = {"$gt": "$lte", "$gte": "$lt", "$lt": "$gte", "$lte": "$gt"}
_MOST_EXCLUDED: Final = 10
_MOST_VALUES: Final = 600
_UNCOLLATED: Final = frozenset({int, float, bool, type(None), bytes, datetime, UUID})
"""Classes of constants that compare the same under every collation."""


@dataclass(slots=True)
class Translation:
    """What is found out while a filter is translated.

    Attributes:
        hints: What the fields hold.
        name: Gives the name of a document by its id in Firestore; None where ids cannot be asked for, as in a
            collection group.
        collation: How the filter compares text.
        used: The hints that made something possible, by path.
        notes: Why conditions are left to the engine, by path.
    """

    hints: CollectionHints
    name: Callable[[str], str] | None
    collation: Collation | None
    used: dict[str, str] = field(default_factory=dict[str, str])
    notes: dict[str, str] = field(default_factory=dict[str, str])

    def reach(self, path: str) -> tuple[str, FieldHint] | None:
        """How requests write a path, and what it may hold; None where the path cannot be asked for."""
        if path == "_id" or path.startswith("_id."):
            return None
        hint = self.hints.of(path)
        if hint is None:
            if "." in path:
                self.notes[path] = "a path that may pass through an array: a field hint for it would tell"
                return None
            hint = ANYTHING
        try:
            parts = [encode_name(part) for part in path.split(".")]
            written = field_path(parts)
        except DocumentValidationError:
            # No document has such a field.
            return None
        if may_be_packed(parts):
            self.notes[path] = "beside names so long, or levels so many, arrays and maps are stored where no query sees"
            return None
        return written, hint

    def note(self, path: str, reason: str) -> None:
        """Note why something on a path is left to the engine; the first reason is kept."""
        self.notes.setdefault(path, reason)

    def use(self, path: str, hint: FieldHint) -> None:
        """Note that a hint made a condition possible."""
        if hint is not ANYTHING:
            self.used[path] = hint.text


def translate(node: Node, about: Translation) -> Selected:
    """Write a condition as alternatives of terms.

    Args:
        node: The condition, on documents.
        about: The circumstances; hints and notes are added to it.
    """
    match node:
        case Always():
            return ALWAYS
        case Never():
            return NOTHING
        case And(parts):
            return both([translate(part, about) for part in parts])
        case Or(parts):
            return either([translate(part, about) for part in parts])
        case Nor(parts):
            return both([_negated(part, about) for part in parts])
        case Not(part):
            return _negated(part, about)
        case Leaf(path) if path is not None:
            return _leaf(node, path, about)
        case _:
            return EVERYTHING


def _negated(node: Node, about: Translation) -> Selected:
    match node:
        case Always():
            return NOTHING
        case Never():
            return ALWAYS
        case And(parts):
            return either([_negated(part, about) for part in parts])
        case Or(parts):
            return both([_negated(part, about) for part in parts])
        case Nor(parts):
            return either([translate(part, about) for part in parts])
        case Not(part):
            return translate(part, about)
        case Leaf(path) if path is not None:
            return _negated_leaf(node, path, about)
        case _:
            return EVERYTHING


def _leaf(node: Leaf, path: str, about: Translation) -> Selected:
    if path == "_id":
        return _on_id(node, False, about)
    reached = about.reach(path)
    if reached is None:
        return EVERYTHING
    native, hint = reached
    match node:
        case Compare(op="$eq"):
            return _equal(path, native, node.value, hint, about)
        case Compare():
            return _range(path, native, node.op, node.value, hint, about)
        case In() if not node.regexes and len(node.values) <= _MOST_VALUES:
            return either([_equal(path, native, value, hint, about) for value in node.values])
        case All():
            return both([_item(item, path, native, hint, about) for item in node.items]) if node.items else NOTHING
        case ElemMatch(of_values=True):
            return _element(node.condition, path, native, hint, about)
        case ElemMatch() | Size() if "array" not in hint.kinds:
            return _none(path, hint, about)
        case Size(size=0):
            about.use(path, hint)
            return Selected(((Term(native, "==", (_empty_array(),)),),), True)
        case Exists(exists=True):
            if hint.required:
                about.use(path, hint)
                return ALWAYS
            if "." in path:
                about.use(path, hint)
            return Selected(((Term(native, "present"),),), True)
        case Exists():
            return _none(path, hint, about) if hint.required else _missing(path, about)
        case Type():
            return _of_type(node, path, hint, about)
        case Regex():
            return _pattern(node, path, native, hint, about)
        case _:
            return EVERYTHING


def _missing(path: str, about: Translation) -> Selected:
    about.notes[path] = (
        "a missing field has no entry in an index: the field hint required would tell that there is none"
    )
    return EVERYTHING


def _none(path: str, hint: FieldHint, about: Translation) -> Selected:
    about.use(path, hint)
    return NOTHING


def _negated_leaf(node: Leaf, path: str, about: Translation) -> Selected:
    if path == "_id":
        return _on_id(node, True, about)
    reached = about.reach(path)
    if reached is None:
        return EVERYTHING
    native, hint = reached
    match node:
        case Exists(exists=exists):
            return _leaf(Exists(path, not exists), path, about)
        case Compare(op="$eq"):
            return _different(path, native, [node.value], hint, about)
        case In() if not node.regexes:
            return _different(path, native, node.values, hint, about)
        case Compare() if hint.required and "array" not in hint.kinds and _is_comparable(node.value, hint, about):
            return _range(path, native, _OPPOSITES[node.op], node.value, hint, about)
        case Type() if hint.required:
            kinds = hint.bson_kinds
            if kinds is not None and "array" not in hint.kinds and (kinds <= node.kinds or not kinds & node.kinds):
                about.use(path, hint)
                return NOTHING if kinds <= node.kinds else ALWAYS
            return EVERYTHING
        case _:
            return EVERYTHING


def _is_comparable(value: Any, hint: FieldHint, about: Translation) -> bool:
    """True when every value that the field may hold compares with a constant, so that a range has an opposite."""
    if is_number(value):
        return hint.kinds <= {"int", "float"} and is_finite_number(value)
    if type(value) is str:
        return hint.kinds <= {"text"} and about.collation is None
    return type(value) is datetime and hint.kinds <= {"date"}


# Equality


def _equal(path: str, native: str, value: Any, hint: FieldHint, about: Translation) -> Selected:
    if value is None:
        return _null(path, native, hint, about)
    cls = type(value)
    if cls is dict or cls is list:
        return _container(path, native, value, hint, about)
    if cls is str and about.collation is not None:
        about.notes[path] = "text is compared under a collation"
        return EVERYTHING
    if cls is datetime and "array" not in hint.kinds and "other" in hint.kinds:
        about.use(path, hint)
        return moment(native, value)
    found: list[Conjunction] = []
    exact = True
    scalar = scalar_equal(native, value, hint)
    if scalar is None:
        return _inexpressible(path, about)
    found += scalar[0]
    exact = scalar[1]
    if "array" in hint.kinds:
        elements = elements_equal(native, value, hint)
        if elements is None:
            return _inexpressible(path, about)
        found += elements[0]
        exact = exact and elements[1]
    about.use(path, hint)
    return either([Selected((conjunction,), exact) for conjunction in found]) if found else NOTHING


def _inexpressible(path: str, about: Translation) -> Selected:
    about.notes.setdefault(path, "Firestore cannot be asked for this constant as the engine compares it")
    return EVERYTHING


def _null(path: str, native: str, hint: FieldHint, about: Translation) -> Selected:
    """A missing field equals null, and so does null in an array."""
    if not hint.required:
        return _missing(path, about)
    return EVERYTHING if "array" in hint.kinds else _none(path, hint, about)


def _container(path: str, native: str, value: Any, hint: FieldHint, about: Translation) -> Selected:
    if type(value) is dict or not _is_plain_list(value):
        if type(value) is dict and "map" not in hint.kinds and "map" not in hint.elements:
            return _none(path, hint, about)
        return _inexpressible(path, about)
    if "array" not in hint.kinds:
        return _none(path, hint, about)
    about.use(path, hint)
    found: list[Conjunction] = [(Term(native, "==", (encode_value(value),)),)]
    if "array" in hint.elements:
        inner = encode_value([value]).array_value.values[0]
        found.append((Term(native, "array-contains", (inner,)),))
    # The order in which an array holds its elements is that of the constant; nothing else is left to test.
    return Selected(tuple(found), about.collation is None)


def _is_plain_list(value: Any) -> bool:
    """True for a list of texts and bools that an index holds as a whole."""
    return (
        type(value) is list
        and all(type(item) is str or type(item) is bool for item in value)
        and fits_index("".join([item if type(item) is str else "" for item in value]) + "00" * len(value))
    )


def _empty_array() -> Any:
    return encode_value([])


def _item(item: Node, path: str, native: str, hint: FieldHint, about: Translation) -> Selected:
    """An item of ``$all``."""
    if isinstance(item, Compare):
        return _equal(path, native, item.value, hint, about)
    if isinstance(item, ElemMatch) and item.of_values:
        return _element(item.condition, path, native, hint, about)
    return EVERYTHING


def _element(node: Node, path: str, native: str, hint: FieldHint, about: Translation) -> Selected:
    """One element of an array meets a condition on values: the equalities of it are asked for."""
    if "array" not in hint.kinds:
        return _none(path, hint, about)
    match node:
        case And(parts):
            found = both([_element(part, path, native, hint, about) for part in parts])
            # Different elements may have met the parts.
            return Selected(found.alternatives, False)
        case Or(parts):
            return either([_element(part, path, native, hint, about) for part in parts])
        case Compare(op="$eq", value=value) if value is not None and type(value) not in (dict, list):
            values: Sequence[Any] = [value]
        case In(values=values) if not node.regexes and all(
            value is not None and type(value) not in (dict, list) for value in values
        ):
            pass
        case _:
            return EVERYTHING
    if about.collation is not None:
        return EVERYTHING
    found_elements = [elements_equal(native, value, hint) for value in values[:_MOST_VALUES]]
    if len(values) > _MOST_VALUES:
        return EVERYTHING
    parts_selected: list[Selected] = []
    for element in found_elements:
        if element is None:
            return _inexpressible(path, about)
        # An array in an array is an element too, and counts for what it holds.
        exact = element[1] and "array" not in hint.elements
        parts_selected += [Selected((conjunction,), exact) for conjunction in element[0]]
    about.use(path, hint)
    return either(parts_selected) if parts_selected else NOTHING


# Ranges


def _range(path: str, native: str, op: CompareOp, value: Any, hint: FieldHint, about: Translation) -> Selected:
    if value is None:
        return _null(path, native, hint, about) if op in {"$gte", "$lte"} else NOTHING
    if "array" in hint.kinds:
        about.notes[path] = "a range over a field that may hold an array: a field hint would tell that it does not"
        return EVERYTHING
    if is_number(value):
        found = number_range(native, op, value, hint)
    elif type(value) is str:
        found = None if about.collation is not None else text_range(native, op, value, hint)
    elif type(value) is datetime:
        found = date_range(native, op, value, hint)
    else:
        found = None
    if found is None:
        return _inexpressible(path, about)
    about.use(path, hint)
    return found


def _pattern(node: Regex, path: str, native: str, hint: FieldHint, about: Translation) -> Selected:
    """Text that a pattern with a fixed beginning matches lies in a range."""
    prefix = fixed_beginning(node)
    if not prefix or not fits_index(prefix + "\U0010ffff"):
        return EVERYTHING
    if "array" in hint.kinds or "other" in hint.kinds:
        about.notes[path] = "a pattern on a field that may hold other things than text: a field hint would tell"
        return EVERYTHING
    if "text" not in hint.kinds:
        return _none(path, hint, about)
    about.use(path, hint)
    terms = [Term(native, ">=", (encode_value(prefix),))]
    end = following(prefix)
    if end is not None:
        terms.append(Term(native, "<", (encode_value(end),)))
    return Selected((tuple(terms),), False)


# What is not there, types, differences


def _of_type(node: Type, path: str, hint: FieldHint, about: Translation) -> Selected:
    kinds = hint.bson_kinds
    if kinds is None or "array" in hint.kinds:
        return EVERYTHING
    if not kinds & node.kinds:
        return _none(path, hint, about)
    if kinds <= node.kinds and hint.required:
        about.use(path, hint)
        return ALWAYS
    return EVERYTHING


def _different(path: str, native: str, values: Sequence[Any], hint: FieldHint, about: Translation) -> Selected:
    """``$ne`` and ``$nin``: Firestore's leave out null and missing fields, which match here unless null is excluded."""
    excluded = [value for value in values if value is not None]
    if not hint.required and len(excluded) == len(values):
        return _missing(path, about)
    without_arrays = "array" not in hint.kinds
    if not excluded:
        about.use(path, hint)
        if hint.required and without_arrays:
            return ALWAYS
        return Selected(((Term(native, "is-not-null"),),), without_arrays)
    forms: list[Any] = []
    exact = without_arrays
    for value in excluded:
        equal = None
        if type(value) not in (dict, list) and (type(value) is not str or about.collation is None):
            equal = scalar_equal(native, value, hint)
        # Only what is equal for certain may be excluded.
        if equal is None or not equal[1] or any(len(c) != 1 or c[0].op != "==" for c in equal[0]):
            exact = False
            continue
        forms += [form for conjunction in equal[0] for form in conjunction[0].values]
    if len(forms) > _MOST_EXCLUDED:
        forms, exact = forms[:_MOST_EXCLUDED], False
    about.use(path, hint)
    if not forms:
        if hint.required:
            return ALWAYS if exact else EVERYTHING
        return Selected(((Term(native, "is-not-null"),),), exact)
    term = Term(native, "!=", (forms[0],)) if len(forms) == 1 else Term(native, "not-in", tuple(forms))
    return Selected(((term,),), exact)


# The id


def _on_id(node: Leaf, negated: bool, about: Translation) -> Selected:
    """Conditions on the id, which is always there and never an array."""
    match node:
        case Exists(exists=exists):
            return ALWAYS if exists is not negated else NOTHING
        case Compare(op="$eq", value=value):
            return _id_among([value], negated, about)
        case In(values=values) if not node.regexes:
            return _id_among(values, negated, about)
        case Compare(op=op, value=value) if type(value) is str:
            if not about.hints.plain_ids:
                about.notes["_id"] = "ids may be of any type: the field hint text for _id would tell"
                return EVERYTHING
            if about.name is None or about.collation is not None or not orders_as_text(value):
                return EVERYTHING
            about.used["_id"] = "text"
            native = OPERATORS[_OPPOSITES[op] if negated else op]
            return Selected(((Term(NAME, native, (Value(reference_value=about.name(value)),)),),), True)
        case _:
            return EVERYTHING


def _id_among(values: Sequence[Any], negated: bool, about: Translation) -> Selected:
    if about.name is None or len(values) > (_MOST_EXCLUDED if negated else _MOST_VALUES):
        return EVERYTHING
    if about.collation is not None and not _UNCOLLATED.issuperset(map(type, values)):
        return EVERYTHING
    names = dict.fromkeys([encode_id(value) for value in values if type(value) is not list])
    if not names:
        return ALWAYS if negated else NOTHING
    references = tuple([Value(reference_value=about.name(name)) for name in names])
    single, several = ("!=", "not-in") if negated else ("==", "in")
    return Selected(((Term(NAME, single if len(references) == 1 else several, references),),), True)
