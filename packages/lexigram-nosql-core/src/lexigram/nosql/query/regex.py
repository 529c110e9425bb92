"""Regular expressions that cannot take the process with them.

``re`` backtracks, so an expression such as ``(a+)+$`` takes time exponential in the text, and ``a*a*a*b`` a power of
it. Filters come from outside; therefore every expression is rewritten (:mod:`~lexigram.nosql.query.regex_syntax`),
limited to 1,024 characters, and judged before use:

* repetitions inside repetitions may take exponential time: they are decided by an automaton whose time is linear in the
  text (:mod:`~lexigram.nosql.query.regex_linear`), which gives the same answer;
* repetitions after one another may take time polynomial in the text: its degree is counted, ``re`` is used while the
  worst case stays under :data:`WORK_LIMIT` steps, which short texts always do, and the automaton beyond;
* what no automaton decides (back references, look-around, atomic groups) is refused where the first applies, and for
  texts that are too long where the second does.

Captures need ``re``: :meth:`SafeRegex.check` says whether it may be used on a text.
"""

from __future__ import annotations

import re
import warnings
from functools import lru_cache
from importlib import import_module
from typing import Any, Final

from lexigram.nosql.exceptions import NoSQLFilterError
from lexigram.nosql.query.regex_linear import LinearMatcher, NotRegularError, parse_tree
from lexigram.nosql.query.regex_syntax import invalid_regex, translate

__all__ = ["MAX_LENGTH", "WORK_LIMIT", "SafeRegex", "compile_regex"]

MAX_LENGTH: Final = 1024
"""Longest expression, in characters."""

WORK_LIMIT: Final = 4_000_000
"""Steps that backtracking may take on one text, in the worst case; about a tenth of a second."""

_EXPONENTIAL: Final = 99
_MANY: Final = 12  # repetitions of fewer times than this are taken as written out
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

    _SAMPLES: Final = "".join(map(chr, range(0x20, 0x7F))) + "\n\t\x00\xa0\xe9\u0416\u4e2d\U0001f600"

    def __init__(self, tree: Any) -> None:
        self._tree = tree
        self._open: list[frozenset[str]] = []
        self._highest = 0

    def degree(self) -> int:
        self._sequence(self._tree, False)
        if self._highest >= _EXPONENTIAL:
            return _EXPONENTIAL
        items = list(self._tree)
        anchored = bool(items) and items[0][0] is _names.AT and self._fixed(items[0][1])
        return self._highest + (0 if anchored else 1)

    def _fixed(self, anchor: Any) -> bool:
        if anchor is _names.AT_BEGINNING:
            return not self._tree.state.flags & re.MULTILINE
        return anchor is _names.AT_BEGINNING_STRING

    def _sequence(self, items: Any, repeated: bool) -> None:
        for op, argument in items:
            self._item(op, argument, repeated)

    def _item(self, op: Any, argument: Any, repeated: bool) -> None:
        if op in (_names.LITERAL, _names.NOT_LITERAL, _names.IN, _names.ANY):
            chars = self._chars(op, argument)
            # A repetition that cannot take this character ends where it stands, in one way only.
            self._open = [taken for taken in self._open if not taken.isdisjoint(chars)]
        elif op in (_names.MAX_REPEAT, _names.MIN_REPEAT, _names.POSSESSIVE_REPEAT):
            low, high, body = argument
            self._repeat(int(low), high is _names.MAXREPEAT or int(high) > _MANY, high, body, repeated)
        elif op is _names.BRANCH:
            self._branch(argument[1], repeated)
        elif op is _names.SUBPATTERN:
            self._sequence(argument[3], repeated)
        elif op is _names.ATOMIC_GROUP:
            self._sequence(argument, repeated)
        elif op in (_names.ASSERT, _names.ASSERT_NOT):
            before, self._open = self._open, []
            self._sequence(argument[1], repeated)
            self._open = before
        elif op is _names.GROUPREF_EXISTS:
            self._branch([branch for branch in argument[1:] if branch is not None], repeated)

    def _repeat(self, low: int, many: bool, high: Any, body: Any, repeated: bool) -> None:
        variable = high is _names.MAXREPEAT or int(high) != low
        if repeated and variable:
            self._highest = _EXPONENTIAL
            return
        single = len(body) == 1 and body[0][0] in (_names.LITERAL, _names.NOT_LITERAL, _names.IN, _names.ANY)
        if not many:
            if single:
                if low:
                    self._item(body[0][0], body[0][1], repeated)
            else:
                self._sequence(body, repeated)
            return
        if single:
            chars = self._chars(*body[0])
            if low:
                self._open = [taken for taken in self._open if not taken.isdisjoint(chars)]
        else:
            self._sequence(body, True)
            chars = frozenset(self._SAMPLES)
        self._open.append(chars)
        self._highest = max(self._highest, len(self._open))

    def _branch(self, branches: Any, repeated: bool) -> None:
        if repeated and not self._deterministic(branches):
            self._highest = _EXPONENTIAL
            return
        before = self._open
        longest = before
        for branch in branches:
            self._open = list(before)
            self._sequence(branch, repeated)
            if len(self._open) > len(longest):
                longest = self._open
        self._open = longest

    def _deterministic(self, branches: Any) -> bool:
        """Say whether the first character of each branch tells which one it is."""
        seen: set[str] = set()
        for branch in branches:
            if not len(branch) or branch[0][0] not in (_names.LITERAL, _names.IN, _names.NOT_LITERAL, _names.ANY):
                return False
            chars = self._chars(*branch[0])
            if not seen.isdisjoint(chars):
                return False
            seen |= chars
        return True

    def _chars(self, op: Any, argument: Any) -> frozenset[str]:
        """Which of some sample characters an item takes; a literal always counts itself, in both cases."""
        if op is _names.LITERAL:
            char = chr(argument)
            return frozenset({char, char.lower(), char.upper()})
        if op is _names.NOT_LITERAL:
            return frozenset(self._SAMPLES)
        if op is _names.ANY:
            return frozenset(self._SAMPLES)
        taken: set[str] = set()
        negated = False
        for kind, value in argument:
            if kind is _names.NEGATE:
                negated = True
            elif kind is _names.LITERAL:
                taken.update((chr(value), chr(value).lower(), chr(value).upper()))
            elif kind is _names.RANGE:
                low, high = value
                taken.update([char for char in self._SAMPLES if low <= ord(char) <= high])
                taken.update((chr(low), chr(high)))
                taken.update([char.swapcase() for char in list(taken)])
            else:
                return frozenset(self._SAMPLES)
        return frozenset(set(self._SAMPLES) - taken) if negated else frozenset(taken)


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
