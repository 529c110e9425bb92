"""Turns the tree of an update into functions, once per shape.

A compiled node takes the value that stands at its place and gives the new one, copying only the dicts and lists on the
way to what changes: whatever an update does not touch is shared between the old document and the new one, neither of
which is ever changed afterwards.

What is not there is made only if an operator makes it: objects for names, nulls for the positions of an array that are
skipped. Where a path meets a value that has no fields, it is the operator that decides whether that is a fault.
"""

# Values are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from lexigram.nosql.update.ast import UpdatePath
from lexigram.nosql.update.errors import (
    BAD_VALUE,
    CANNOT_BACKFILL_ARRAY,
    DOLLAR_PREFIXED_NAME,
    IMMUTABLE_FIELD,
    INVALID_ID_FIELD,
    PATH_NOT_VIABLE,
    fault,
)
from lexigram.nosql.update.operators.base import Setting
from lexigram.nosql.update.operators.fields import rename_source
from lexigram.nosql.update.paths import in_update_order, list_position
from lexigram.nosql.update.run import REMOVED, UNCHANGED, Apply, Run
from lexigram.nosql.update.tree import Branch, Each, Leaf, Node, merge
from lexigram.nosql.values.kinds import Kind, kind_of, type_name
from lexigram.nosql.values.path import MISSING

__all__ = ["compile_root"]

_MOST_PADDING: Final = 1_500_000
_MOST_MERGED: Final = 256

Blocked = Callable[[Run, Any, str], None]
"""Told that the way ends at a value (second argument) which has no such component (third); raises, or lets it be."""


class Compiled(NamedTuple):
    """One node, ready to run."""

    apply: Apply
    blocked: Blocked


def _compile(node: Node, setting: Setting, at: str) -> Compiled:
    if isinstance(node, Leaf):
        return _leaf(node, setting)
    if isinstance(node, Each):
        return _each(node, setting, at)
    if node.positional is None:
        return _branch(node, setting, at)
    return _positional(node, node.positional, setting, at)


def _leaf(leaf: Leaf, setting: Setting) -> Compiled:
    operator, path = leaf.operator, leaf.path
    apply = operator.maker(path, leaf.index, setting)

    def blocked(run: Run, value: Any, part: str) -> None:
        if operator.lenient or (operator.insert_only and not run.insert):
            return
        if operator.name == "$rename" and rename_source(run.document, path) is MISSING:
            return
        raise fault(
            PATH_NOT_VIABLE,
            f"{operator.name} of {path.text!r} finds no way to {part!r}: what stands before it is {type_name(value)}",
            hint="name a field of an object, a position of an array, or its elements with $[]",
        )

    return Compiled(apply, blocked)


def _branch(branch: Branch, setting: Setting, at: str) -> Compiled:
    children = [
        (name, _compile(branch.children[name], setting, f"{at}.{name}" if at else name))
        for name in in_update_order(branch.children)
    ]
    fields = [(name, child.apply) for name, child in children]
    places = [(list_position(name), name, child) for name, child in children]

    def in_list(items: list[Any], operands: Sequence[Any], run: Run) -> Any:
        new = items
        for place, name, child in places:
            if place < 0:
                child.blocked(run, items, name)
                continue
            length = len(new)
            current = new[place] if place < length else MISSING
            result = child.apply(current, operands, run)
            if result is REMOVED:
                result = UNCHANGED if current is None else None
            if result is UNCHANGED:
                continue
            if new is items:
                new = items[:]
            if place < length:
                new[place] = result
                continue
            if place - length > _MOST_PADDING:
                raise fault(CANNOT_BACKFILL_ARRAY, f"{at}.{name} would add more than {_MOST_PADDING} nulls to an array")
            new.extend([None] * (place - length))
            new.append(result)
        return UNCHANGED if new is items else new

    def apply(value: Any, operands: Sequence[Any], run: Run) -> Any:
        cls = type(value)
        if cls is dict:
            new = None
            for name, child_apply in fields:
                result = child_apply(value.get(name, MISSING), operands, run)
                if result is UNCHANGED:
                    continue
                if new is None:
                    new = value.copy()
                if result is REMOVED:
                    del new[name]
                else:
                    new[name] = result
            return UNCHANGED if new is None else new
        if cls is list:
            return in_list(value, operands, run)
        if value is MISSING:
            made: dict[str, Any] = {}
            for name, child_apply in fields:
                result = child_apply(MISSING, operands, run)
                if result is not UNCHANGED:
                    made[name] = result
            return made or UNCHANGED
        for name, child in children:
            child.blocked(run, value, name)
        return UNCHANGED

    def blocked(run: Run, value: Any, part: str) -> None:
        for _, child in children:
            child.blocked(run, value, part)

    return Compiled(apply, blocked)


def _positional(branch: Branch, positional: Node, setting: Setting, at: str) -> Compiled:
    """A branch with ``$``: its place is known when it runs, and joins what is said of that position in numbers."""
    resolved: dict[str, Compiled] = {}

    def resolve(run: Run) -> Compiled:
        place = run.position(at)
        if place is None:
            raise fault(
                BAD_VALUE,
                f"{at + '.$'!r} needs the position of an array element, but the filter matched none",
                hint="name the array in the filter, or use $[identifier] with array_filters",
            )
        compiled = resolved.get(place)
        if compiled is None:
            children = dict(branch.children)
            children[place] = merge(children[place], positional, f"{at}.{place}") if place in children else positional
            compiled = _branch(Branch(children), setting, at)
            if len(resolved) >= _MOST_MERGED:
                resolved.clear()
            resolved[place] = compiled
        return compiled

    def apply(value: Any, operands: Sequence[Any], run: Run) -> Any:
        return resolve(run).apply(value, operands, run)

    def blocked(run: Run, value: Any, part: str) -> None:
        resolve(run).blocked(run, value, part)

    return Compiled(apply, blocked)


def _each(each: Each, setting: Setting, at: str) -> Compiled:
    names = in_update_order(each.children)
    single = {name: _compile(each.children[name], setting, f"{at}.$[{name}]") for name in names}
    joined: dict[tuple[str, ...], Compiled] = {}

    def choose(item: Any, run: Run) -> Apply | None:
        chosen = tuple([name for name in names if not name or run.filters[name](item)])
        if len(chosen) < 2:
            return single[chosen[0]].apply if chosen else None
        compiled = joined.get(chosen)
        if compiled is None:
            node = each.children[chosen[0]]
            for name in chosen[1:]:
                node = merge(node, each.children[name], f"{at}.$[{name}]")
            compiled = _compile(node, setting, f"{at}.$[{chosen[0]}]")
            if len(joined) < _MOST_MERGED:
                joined[chosen] = compiled
        return compiled.apply

    def choose_only(item: Any, run: Run) -> Apply | None:
        return only if run.filters[names[0]](item) else None

    only = single[names[0]].apply
    every = names == [""]
    pick = choose if len(names) > 1 else choose_only

    def apply(value: Any, operands: Sequence[Any], run: Run) -> Any:
        if type(value) is not list:
            blocked(run, value, "")
        new = value
        for place, item in enumerate(value):
            function = only if every else pick(item, run)
            if function is None:
                continue
            result = function(item, operands, run)
            if result is REMOVED:
                result = UNCHANGED if item is None else None
            if result is UNCHANGED:
                continue
            if new is value:
                new = value[:]
            new[place] = result
        return UNCHANGED if new is value else new

    def blocked(run: Run, value: Any, part: str) -> None:
        found = "is not there" if value is MISSING or part else f"is {type_name(value)}"
        raise fault(BAD_VALUE, f"{at!r} must be an array for its elements to be updated, but it {found}")

    return Compiled(apply, blocked)


def _guard_id(apply: Apply) -> Apply:
    """Let ``_id`` be given while there is none, and never be changed."""

    def guarded(current: Any, operands: Sequence[Any], run: Run) -> Any:
        result = apply(current, operands, run)
        if result is UNCHANGED:
            return result
        if current is not MISSING:
            raise fault(IMMUTABLE_FIELD, "the update would change _id, which never changes")
        kind = kind_of(result)
        if kind is Kind.ARRAY or kind is Kind.REGEX:
            raise fault(INVALID_ID_FIELD, f"_id cannot be {type_name(result)}")
        return result

    return guarded


def compile_root(root: Branch, setting: Setting) -> Apply:
    """Compile an update.

    Args:
        root: Its tree.
        setting: How it compares.

    Returns:
        A function of document, operands and run that gives the new document or ``UNCHANGED``.
    """
    if len(root.children) == 1:
        ((name, node),) = root.children.items()
        child = _compile(node, setting, name).apply
        return _single(name, _guard_id(child) if name == "_id" else child)
    fields = [(name, _compile(root.children[name], setting, name).apply) for name in in_update_order(root.children)]
    fields = [(name, _guard_id(child) if name == "_id" else child) for name, child in fields]

    def apply(document: Any, operands: Sequence[Any], run: Run) -> Any:
        new = None
        for name, child in fields:
            result = child(document.get(name, MISSING), operands, run)
            if result is UNCHANGED:
                continue
            if new is None:
                new = document.copy()
            if result is REMOVED:
                del new[name]
            else:
                new[name] = result
        return UNCHANGED if new is None else new

    return apply


def _single(name: str, child: Apply) -> Apply:
    """The commonest update: everything below one field of the document."""

    def apply(document: Any, operands: Sequence[Any], run: Run) -> Any:
        result = child(document.get(name, MISSING), operands, run)
        if result is UNCHANGED:
            return result
        new = document.copy()
        if result is REMOVED:
            del new[name]
        else:
            new[name] = result
        return new

    return apply


def refuse_dollar(path: UpdatePath, operator: str) -> None:
    """Refuse to make a field of the document whose name begins with ``$``.

    Args:
        path: Where an operator would make it.
        operator: Which.

    Raises:
        UpdateError: It begins so.
    """
    if path.parts[0].startswith("$"):
        raise fault(
            DOLLAR_PREFIXED_NAME,
            f"{operator} cannot make the field {path.text!r}: names of a document's fields do not begin with '$'",
            hint="use a pipeline with $replaceWith and $setField to make such a field",
        )
