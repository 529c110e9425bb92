"""Regular expressions that cannot take the process with them.

``re`` backtracks, so an expression such as ``(a+)+$`` takes time exponential in the text, and ``a*a*a*b`` a power of
it. Filters come from outside; therefore every expression is rewritten (:mod:`~lexigram.nosql.query.regex_syntax`),
limited to 1,024 characters, and judged before use:

* repetitions inside repetitions may take exponential time: they are decided by an automaton whose time is linear in the
  text (:mod:`~lexigram.nosql.query.regex_linear`), which gives the same answer;
* repetitions of few times inside one another multiply, and count by the ways in which they may share the text;
* repetitions after one another may take time polynomial in the text: its degree is counted, ``re`` is used while the
  worst case stays under :data:`WORK_LIMIT` steps, which short texts always do, and the automaton beyond;
* what no automaton decides (back references, look-around, atomic groups, possessive repetitions) is refused where the
  first applies, and for texts that are too long where the second does. ``re`` knows atomic groups and possessive
  repetitions itself, and decides them on all other texts; but they mean the first way in which ``re`` matches, and an
  automaton follows all ways at once and cannot tell which was first. They do not bound the time either: a search
  begins anew at every character, so that ``a++b`` takes the square of a text of ``a``.

Captures need ``re``: :meth:`SafeRegex.check` says whether it may be used on a text.
"""

# The parse tree of re has no types.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import re
import warnings
from functools import lru_cache
from importlib import import_module
from math import log
from typing import Any, Final

from lexigram.nosql.exceptions import NoSQLFilterError
from lexigram.nosql.query.regex_linear import LinearMatcher, NotRegularError, character_test, parse_tree
from lexigram.nosql.query.regex_syntax import invalid_regex, translate

__all__ = ["MAX_LENGTH", "WORK_LIMIT", "SafeRegex", "compile_regex"]

MAX_LENGTH: Final = 1024
"""Longest expression, in characters."""

WORK_LIMIT: Final = 4_000_000
"""Steps that backtracking may take on one text, in the worst case; about a tenth of a second."""

_EXPONENTIAL: Final = 99
_MANY: Final = 12  # repetitions of fewer times than this are taken as written out
_A_DEGREE: Final = log(100)  # so many ways, of all that is written out together, count as one repetition more
_MOST_BOUNDED: Final = 4
_names: Final[Any] = import_module("re._constants")


class SafeRegex:
    """An expression, judged. Made by :func:`compile_regex`.

    Attributes:
        source: As written.
        options: Option letters, sorted.
        pattern: The same for ``re``. Call :meth:`check` before using it.
        degree: In the worst case the steps grow with this power of the text's length; 99 means exponentially.
    """

    __slots__ = ("_automaton", "_limit", "_reason", "_search", "degree", "options", "pattern", "source")

    def __init__(self, source: str, options: str, *, boolean: bool) -> None:
        self.source = source
        self.options = options
        text, flags = translate(source, options, boolean=boolean)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self.pattern: re.Pattern[str] = re.compile(text, flags)
                self.degree = _Judge(parse_tree(text, flags)).degree()
        except (re.error, OverflowError, RecursionError, ValueError, AttributeError) as error:
            raise invalid_regex(str(error) or type(error).__name__) from error
        self._search = self.pattern.search
        self._automaton: LinearMatcher | None = None
        self._reason: str | None = None
        self._limit = 0 if self.degree >= _EXPONENTIAL else int(WORK_LIMIT ** (1 / max(1, self.degree)))
        if self._limit == 0:
            self._build()
            if self._automaton is None and boolean:
                raise invalid_regex(
                    f"it may take time exponential in the text, and {self._reason} cannot be decided otherwise"
                )

    def _build(self) -> None:
        try:
            self._automaton = LinearMatcher(self.pattern.pattern, self.pattern.flags)
        except NotRegularError as error:
            self._reason = str(error)

    def matches(self, text: str) -> bool:
        """Say whether the expression matches anywhere in a text.

        Args:
            text: Any text.

        Returns:
            True if it does.

        Raises:
            NoSQLFilterError: The text is too long for this expression.
        """
        if len(text) <= self._limit:
            return self._search(text) is not None
        if self.degree <= 1:
            return self._search(text) is not None
        if self._automaton is None and self._reason is None:
            self._build()
        if self._automaton is None:
            self.check(text)
            return self._search(text) is not None
        return self._automaton.search(text)

    def check(self, text: str) -> None:
        """Make sure that :attr:`pattern` may be used on a text.

        Args:
            text: Any text.

        Raises:
            NoSQLFilterError: Backtracking could take too long.
        """
        if self.degree > 1 and len(text) > self._limit:
            raise NoSQLFilterError(
                f"the regular expression could take too long on a text of {len(text)} characters",
                hint="repeat less, or put characters between repetitions that they cannot match",
                mongo_code=51156,
            )


class _Judge:
    """Counts how many repetitions of a tree can compete for the same characters."""

    _SAMPLES: Final = frozenset(map(chr, range(0x20, 0x7F))) | frozenset("\n\t\x00\xa0\xe9\u0416\u4e2d\U0001f600")

    def __init__(self, tree: Any) -> None:
        self._tree = tree
        self._open: list[frozenset[str]] = []
        self._highest = 0
        self._times = 1  # how often what is looked at may stand in a row, by repetitions that are bounded
        self._choices = 0.0  # logarithm of how many ways the bounded repetitions leave
        self._samples = self._SAMPLES | _literals(tree)

    def degree(self) -> int:
        flags: int = self._tree.state.flags
        self._sequence(self._tree, False, flags)
        bounded = int(self._choices / _A_DEGREE)
        if self._highest >= _EXPONENTIAL or bounded >= _MOST_BOUNDED:
            return _EXPONENTIAL
        items = list(self._tree)
        anchored = bool(items) and items[0][0] is _names.AT and self._fixed(items[0][1], flags)
        return self._highest + bounded + (0 if anchored else 1)

    @staticmethod
    def _fixed(anchor: Any, flags: int) -> bool:
        if anchor is _names.AT_BEGINNING:
            return not flags & re.MULTILINE
        return anchor is _names.AT_BEGINNING_STRING

    def _sequence(self, items: Any, repeated: bool, flags: int) -> None:
        for position, (op, argument) in enumerate(items):
            if op in _REPEATS:
                # What comes after the last item is the first one again, if anything.
                after = _single(items[(position + 1) % len(items) :][:1], flags)
                self._repeat(argument, None if after is None else self._chars(*after), repeated, flags)
            else:
                self._item(op, argument, repeated, flags)

    def _item(self, op: Any, argument: Any, repeated: bool, flags: int) -> None:
        if op in _SINGLE:
            self._pass(self._chars(op, argument, flags))
        elif op is _names.BRANCH:
            self._branch(argument[1], repeated, flags)
        elif op is _names.SUBPATTERN:
            _, added, removed, body = argument
            self._sequence(body, repeated, (flags | added) & ~removed)
        elif op is _names.ATOMIC_GROUP:
            self._sequence(argument, repeated, flags)
        elif op in (_names.ASSERT, _names.ASSERT_NOT):
            before, self._open = self._open, []
            self._sequence(argument[1], repeated, flags)
            self._open = before
        elif op is _names.GROUPREF_EXISTS:
            self._branch([branch for branch in argument[1:] if branch is not None], repeated, flags)

    def _pass(self, chars: frozenset[str]) -> None:
        """Note a character that must stand here: a repetition that cannot take it ends here, in one way only."""
        self._open = [taken for taken in self._open if not taken.isdisjoint(chars)]

    def _repeat(self, argument: Any, after: frozenset[str] | None, repeated: bool, flags: int) -> None:
        low, most, body = argument
        high: int | None = None if most is _names.MAXREPEAT else most
        if repeated and high != low:
            self._highest = _EXPONENTIAL
            return
        one = _single(body, flags)
        chars = None if one is None else self._chars(*one)
        if high is not None and low < high <= _MANY and (chars is None or after is None or not chars.isdisjoint(after)):
            self._choices += self._times * log(high - low + 1)
        if chars is None:
            times, self._times = self._times, self._times * min(high or 1, _MANY)
            self._sequence(body, repeated or high is None or high > _MANY, flags)
            self._times = times
            chars = self._samples
        elif low:
            self._pass(chars)
        if high is None or high > _MANY:
            self._open.append(chars)
            self._highest = max(self._highest, len(self._open))

    def _branch(self, branches: Any, repeated: bool, flags: int) -> None:
        if repeated and not self._deterministic(branches, flags):
            self._highest = _EXPONENTIAL
            return
        if self._times > 1 and not self._deterministic(branches, flags):
            self._choices += self._times * log(len(branches))
        before = self._open
        longest = before
        for branch in branches:
            self._open = list(before)
            self._sequence(branch, repeated, flags)
            if len(self._open) > len(longest):
                longest = self._open
        self._open = longest

    def _deterministic(self, branches: Any, flags: int) -> bool:
        """Say whether the first character of each branch tells which one it is."""
        seen: set[str] = set()
        for branch in branches:
            one = _single(branch[:1], flags)
            chars = frozenset[str]() if one is None else self._chars(*one)
            if not chars or not seen.isdisjoint(chars):
                return False
            seen |= chars
        return True

    def _chars(self, op: Any, argument: Any, flags: int) -> frozenset[str]:
        """Find which of the sample characters an item takes."""
        test = character_test(op, argument, flags)
        return frozenset([char for char in self._samples if test(char)])


_REPEATS: Final = (_names.MAX_REPEAT, _names.MIN_REPEAT, _names.POSSESSIVE_REPEAT)
_SINGLE: Final = (_names.LITERAL, _names.NOT_LITERAL, _names.IN, _names.ANY)


def _single(body: Any, flags: int) -> tuple[Any, Any, int] | None:
    """Read a sequence that is one item of one character; None if it is not."""
    if len(body) != 1:
        return None
    op, argument = body[0]
    if op in _SINGLE:
        return op, argument, flags
    if op is _names.SUBPATTERN:
        _, added, removed, inner = argument
        return _single(inner, (flags | added) & ~removed)
    return None


def _literals(items: Any) -> frozenset[str]:
    """Collect every character that a tree names, in both cases."""
    found: set[str] = set()
    pending: list[Any] = [items]
    while pending:
        current = pending.pop()
        parts: Any = getattr(current, "data", current)
        if isinstance(parts, tuple | list):
            if len(parts) == 2 and parts[0] in (_names.LITERAL, _names.NOT_LITERAL):
                found.add(chr(parts[1]))
            elif len(parts) == 2 and parts[0] is _names.RANGE:
                found.update(map(chr, parts[1]))
            else:
                pending.extend(parts)
    return frozenset([*found, *[char.swapcase() for char in found if len(char.swapcase()) == 1]])


@lru_cache(maxsize=512)
def _compile(source: str, options: str, boolean: bool) -> SafeRegex:
    return SafeRegex(source, options, boolean=boolean)


def compile_regex(source: str, options: str = "", *, boolean: bool = False) -> SafeRegex:
    """Rewrite, judge and compile an expression; the last 512 are kept.

    Args:
        source: The expression, in PCRE's syntax.
        options: Letters of ``imsux``.
        boolean: Only :meth:`SafeRegex.matches` will be used. Otherwise expressions that need the automaton compile too,
            and :meth:`SafeRegex.check` refuses texts.

    Returns:
        The expression.

    Raises:
        NoSQLFilterError: It is not valid, too long, not expressible in Python, or not decidable in bounded time.
    """
    if "\0" in source:
        raise NoSQLFilterError("a regular expression cannot hold a NUL character", mongo_code=2)
    if len(source) > MAX_LENGTH:
        raise NoSQLFilterError(
            f"a regular expression of {len(source)} characters; the limit is {MAX_LENGTH}", mongo_code=51091
        )
    return _compile(source, "".join(sorted(set(options))), boolean)
