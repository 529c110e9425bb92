"""Regular expressions without backtracking: time grows with the text, whatever the expression.

Whether an expression matches somewhere does not depend on greediness, so for those made only of characters, classes,
groups, alternatives, repetitions and anchors the answer of a finite automaton is the answer of ``re``. The automaton
is built from ``re``'s own parse tree, single characters are tested by ``re`` itself (so that case folding is the
same), and its deterministic form is worked out as texts are read and kept, up to a bound.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

__all__ = ["LinearMatcher", "NotRegularError", "character_test", "parse_tree"]

_parser: Final[Any] = import_module("re._parser")
_compiler: Final[Any] = import_module("re._compiler")
_constants: Final[Any] = import_module("re._constants")

_MAX_STATES: Final = 5_000
_MAX_KEPT: Final = 20_000
_CHAR, _SPLIT, _AT, _MATCH = range(4)


class NotRegularError(Exception):
    """The expression uses something that no finite automaton decides, or is too large for one."""


def parse_tree(source: str, flags: int) -> Any:
    """Parse an expression as ``re`` does.

    Args:
        source: Python's syntax.
        flags: Python's flags.

    Returns:
        ``re``'s own tree.

    Raises:
        re.error: It is not valid.
    """
    return _parser.parse(source, flags)


def character_test(op: Any, argument: Any, flags: int) -> Callable[[str], Any]:
    """Make the test of one character that an item of a tree is.

    Args:
        op: A literal, a class, or any character.
        argument: Its argument.
        flags: Python's flags where it stands.

    Returns:
        A function from a character to something true if the item takes it.
    """
    pattern = _parser.SubPattern(_parser.State(), [(op, argument)])
    pattern.state.flags = flags
    pattern.state.str = ""
    test: Callable[[str], Any] = _compiler.compile(pattern, flags & ~re.DEBUG).fullmatch
    return test


class LinearMatcher:
    """Decides whether an expression matches anywhere in a text, in time linear in the text.

    Args:
        source: Python's syntax.
        flags: Python's flags.

    Raises:
        NotRegularError: The expression cannot be decided this way.
    """

    def __init__(self, source: str, flags: int) -> None:
        tree = parse_tree(source, flags)
        self._kinds: list[int] = []
        self._data: list[Any] = []
        self._next: list[list[int]] = []
        self._tests: list[Any] = []
        self._known: list[dict[str, bool]] = []
        self._ascii_words = re.compile(r"\w", re.ASCII)
        self._words = re.compile(r"\w")
        match = self._state(_MATCH)
        self._start = self._sequence(tree, match, tree.state.flags)
        self._steps: dict[tuple[Any, ...], frozenset[int] | None] = {}

    # Building

    def _state(self, kind: int, data: Any = None, following: list[int] | None = None) -> int:
        if len(self._kinds) >= _MAX_STATES:
            raise NotRegularError("too many repetitions")
        self._kinds.append(kind)
        self._data.append(data)
        self._next.append(following if following is not None else [])
        return len(self._kinds) - 1

    def _sequence(self, items: Any, following: int, flags: int) -> int:
        for op, argument in reversed(list(items)):
            following = self._item(op, argument, following, flags)
        return following

    def _item(self, op: Any, argument: Any, following: int, flags: int) -> int:
        names = _constants
        if op in (names.LITERAL, names.NOT_LITERAL, names.IN, names.ANY, names.CATEGORY, names.RANGE):
            return self._state(_CHAR, self._test(op, argument, flags), [following])
        if op is names.BRANCH:
            return self._state(_SPLIT, None, [self._sequence(branch, following, flags) for branch in argument[1]])
        if op is names.SUBPATTERN:
            _, added, removed, body = argument
            return self._sequence(body, following, (flags | added) & ~removed)
        if op in (names.MAX_REPEAT, names.MIN_REPEAT):
            low, high, body = argument
            return self._repeat(int(low), None if high is names.MAXREPEAT else int(high), body, following, flags)
        if op is names.AT:
            return self._state(_AT, (argument, flags), [following])
        raise NotRegularError(f"{str(op).lower().replace('_', ' ')}")

    def _repeat(self, low: int, high: int | None, body: Any, following: int, flags: int) -> int:
        if high is None:
            loop = self._state(_SPLIT, None, [following])
            self._next[loop].append(self._sequence(body, loop, flags))
            following = loop
        else:
            end = following
            for _ in range(high - low):
                following = self._state(_SPLIT, None, [end, self._sequence(body, following, flags)])
        for _ in range(low):
            following = self._sequence(body, following, flags)
        return following

    def _test(self, op: Any, argument: Any, flags: int) -> int:
        self._tests.append(character_test(op, argument, flags))
        self._known.append({})
        return len(self._tests) - 1

    # Matching

    def search(self, text: str) -> bool:
        """Say whether the expression matches anywhere.

        Args:
            text: Any text.

        Returns:
            True if it does.
        """
        steps = self._steps
        states: frozenset[int] = frozenset()
        length = len(text)
        before = ""
        for position in range(length + 1):
            char = text[position] if position < length else ""
            # An anchor asks only for the neighbours, and for "$" whether a line break is the last character.
            key = (states, before, char, position == 0, position + 1 == length and char == "\n")
            if key in steps:
                after = steps[key]
            else:
                if len(steps) >= _MAX_KEPT:
                    steps.clear()
                after = steps[key] = self._step(*key)
            if after is None:
                return True
            states = after
            before = char
        return False

    def _step(
        self, states: frozenset[int], before: str, char: str, first: bool, last_break: bool
    ) -> frozenset[int] | None:
        """Follow everything that needs no character, then the character. None means a match."""
        seen = set(states)
        seen.add(self._start)
        pending = list(seen)
        after: set[int] = set()
        while pending:
            state = pending.pop()
            kind = self._kinds[state]
            if kind == _MATCH:
                return None
            if kind == _CHAR:
                if char and self._accepts(self._data[state], char):
                    after.update(self._next[state])
                continue
            if kind == _AT and not self._holds(self._data[state], before, char, first, last_break):
                continue
            for following in self._next[state]:
                if following not in seen:
                    seen.add(following)
                    pending.append(following)
        return frozenset(after)

    def _accepts(self, test: int, char: str) -> bool:
        known = self._known[test]
        answer = known.get(char)
        if answer is None:
            answer = self._tests[test](char) is not None
            if len(known) < _MAX_KEPT:
                known[char] = answer
        return answer

    def _holds(self, anchor: tuple[Any, int], before: str, char: str, first: bool, last_break: bool) -> bool:
        where, flags = anchor
        names = _constants
        if where is names.AT_BEGINNING_STRING:
            return first
        if where is names.AT_BEGINNING:
            return first or bool(flags & re.MULTILINE and before == "\n")
        if where is names.AT_END_STRING:
            return not char
        if where is names.AT_END:
            return not char or last_break or bool(flags & re.MULTILINE and char == "\n")
        word = self._ascii_words if flags & re.ASCII else self._words
        boundary = bool(word.match(before)) != bool(word.match(char))
        return boundary is (where is names.AT_BOUNDARY)
