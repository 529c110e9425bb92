r"""Regular expressions as MongoDB writes them (PCRE2), rewritten for Python's ``re``.

Most of the syntax is common to both. What differs is rewritten to something that means the same:

* ``\w \d \s \b`` know ASCII only, as PCRE's do unless the pattern begins with ``(*UCP)``;
* ``\z \Z \h \H \v \V \R \N \e \G \cX \x{...} \o{...} \Q...\E`` and POSIX classes such as ``[[:alpha:]]``;
* ``(?<name>...)``, ``(?'name'...)``, ``\k<name>``, ``\g{1}``, ``\g{-1}``; comments; ``(?i)`` in mid-pattern;
  alternatives of different lengths in a look-behind.

What Python cannot express is refused with the reason: recursion and subroutine calls, branch reset, callouts,
backtracking verbs, ``\X``, ``\C``, and of Unicode properties all but the general categories (``\p{L}``).
"""

from __future__ import annotations

import re
from typing import Final

from lexigram.nosql.exceptions import NoSQLFilterError
from lexigram.nosql.query.regex_properties import Ranges, complement, property_ranges

__all__ = ["FLAGS", "invalid_regex", "regex_flags", "translate"]

FLAGS: Final = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL, "x": re.VERBOSE, "u": re.NOFLAG}

_LAST: Final = 0x10FFFF
_HORIZONTAL: Final[Ranges] = (
    (0x09, 0x09),
    (0x20, 0x20),
    (0xA0, 0xA0),
    (0x1680, 0x1680),
    (0x180E, 0x180E),
    (0x2000, 0x200A),
    (0x202F, 0x202F),
    (0x205F, 0x205F),
    (0x3000, 0x3000),
)
_VERTICAL: Final[Ranges] = ((0x0A, 0x0D), (0x85, 0x85), (0x2028, 0x2029))
_DIGIT: Final[Ranges] = ((0x30, 0x39),)
_WORD: Final[Ranges] = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
_SPACE: Final[Ranges] = ((0x09, 0x0D), (0x20, 0x20))
_POSIX: Final[dict[str, Ranges]] = {
    "alpha": ((0x41, 0x5A), (0x61, 0x7A)),
    "digit": _DIGIT,
    "alnum": ((0x30, 0x39), (0x41, 0x5A), (0x61, 0x7A)),
    "upper": ((0x41, 0x5A),),
    "lower": ((0x61, 0x7A),),
    "space": _SPACE,
    "blank": ((0x09, 0x09), (0x20, 0x20)),
    "punct": ((0x21, 0x2F), (0x3A, 0x40), (0x5B, 0x60), (0x7B, 0x7E)),
    "xdigit": ((0x30, 0x39), (0x41, 0x46), (0x61, 0x66)),
    "word": _WORD,
    "cntrl": ((0x00, 0x1F), (0x7F, 0x7F)),
    "print": ((0x20, 0x7E),),
    "graph": ((0x21, 0x7E),),
    "ascii": ((0x00, 0x7F),),
}
# Escapes that stand for a set; those of ASCII keep their letter when Unicode properties were asked for.
_SETS: Final[dict[str, Ranges]] = {"d": _DIGIT, "w": _WORD, "s": _SPACE, "h": _HORIZONTAL, "v": _VERTICAL}
_UNICODE_SETS: Final = frozenset("dws")
_REFUSED_ESCAPES: Final = {
    "X": "grapheme clusters (\\X)",
    "C": "single code units (\\C)",
}
_CONTROL: Final = {"a": "\\a", "e": "\\x1b", "f": "\\f", "n": "\\n", "r": "\\r", "t": "\\t"}
_START_VERB: Final = re.compile(r"\(\*(UTF8?|UCP|NO_JIT|NO_START_OPT)\)")
_QUANTIFIER: Final = re.compile(r"\{\d+(?:,\d*)?\}")
_NAME: Final = re.compile(r"[A-Za-z_]\w*\Z", re.ASCII)
_INLINE: Final = re.compile(r"([imsxnJU^]*)(?:-([imsxnJU]*))?([:)])")


def invalid_regex(reason: str) -> NoSQLFilterError:
    """Make the error for an expression that is not valid, or not expressible.

    Args:
        reason: What is wrong with it.

    Returns:
        The error, with MongoDB's code for it.
    """
    return NoSQLFilterError(f"the regular expression is refused: {reason}", mongo_code=51091)


def regex_flags(options: str) -> re.RegexFlag:
    """Read option letters.

    Args:
        options: Letters of ``imsux``.

    Returns:
        Python's flags.

    Raises:
        NoSQLFilterError: A letter is not an option.
    """
    flags = re.NOFLAG
    for letter in options:
        if letter not in FLAGS:
            raise NoSQLFilterError(
                f"invalid flag in regex options: {letter!r}; there are i, m, s, u and x", mongo_code=51108
            )
        flags |= FLAGS[letter]
    return flags


def translate(source: str, options: str = "", *, boolean: bool = False) -> tuple[str, re.RegexFlag]:
    r"""Rewrite an expression for Python.

    Args:
        source: The expression, in PCRE's syntax.
        options: Letters of ``imsux``.
        boolean: Only whether it matches will be asked, so that ``\K`` may be dropped.

    Returns:
        Python's source and flags.

    Raises:
        NoSQLFilterError: It says something that Python cannot, or an option is unknown.
    """
    flags = regex_flags(options)
    unicode_properties = False
    start = _START_VERB.match(source)
    while start is not None:
        unicode_properties = unicode_properties or start[1] == "UCP"
        source = source[start.end() :]
        start = _START_VERB.match(source)
    return _Translator(source, bool(flags & re.VERBOSE), unicode_properties, boolean).run(), flags


def _class_body(ranges: Ranges) -> str:
    return "".join([_char(low) if low == high else f"{_char(low)}-{_char(high)}" for low, high in ranges])


def _char(code: int) -> str:
    char = chr(code)
    return char if char.isascii() and char.isalnum() else f"\\U{code:08x}" if code > 0xFF else f"\\x{code:02x}"


class _Frame:
    """One open group.

    Attributes:
        between: What to write at an alternative.
        close: What to write at the end.
        scopes: Flag groups opened inside, to close and reopen at an alternative.
        verbose: Whether white space is ignored, to restore at the end.
    """

    __slots__ = ("between", "close", "scopes", "verbose")

    def __init__(self, verbose: bool, between: str = "|", close: str = ")") -> None:
        self.between = between
        self.close = close
        self.scopes: list[str] = []
        self.verbose = verbose


class _Translator:
    """Rewrites one expression, from left to right."""

    def __init__(self, source: str, verbose: bool, unicode_properties: bool, boolean: bool) -> None:
        self.source = source
        self.position = 0
        self.verbose = verbose
        self.unicode = unicode_properties
        self.boolean = boolean
        self.groups = 0
        self.out: list[str] = []
        self.frames = [_Frame(verbose)]

    def run(self) -> str:
        source, length = self.source, len(self.source)
        while self.position < length:
            char = source[self.position]
            if char == "\\":
                self.escape()
            elif char == "[":
                self.character_class()
            elif char == "(":
                self.group()
            elif char == ")":
                self.end_group()
            elif char == "|":
                self.alternative()
            elif char == "{" and _QUANTIFIER.match(source, self.position) is None:
                self.write("\\{", 1)
            elif char == "#" and self.verbose:
                end = source.find("\n", self.position)
                self.position = length if end < 0 else end + 1
            else:
                self.write(char, 1)
        if len(self.frames) > 1:
            raise invalid_regex("a parenthesis is not closed")
        self.out.append(")" * len(self.frames[0].scopes))
        return "".join(self.out)

    def write(self, text: str, used: int) -> None:
        self.out.append(text)
        self.position += used

    def until(self, stop: str, start: int, what: str) -> str:
        end = self.source.find(stop, start)
        if end < 0:
            raise invalid_regex(f"{what} is not closed")
        return self.source[start:end]

    # Escapes

    def escape(self) -> None:
        source, at = self.source, self.position + 1
        if at >= len(source):
            raise invalid_regex("it ends in a backslash")
        char = source[at]
        if char == "Q":
            end = source.find("\\E", at)
            quoted = source[at + 1 : end] if end >= 0 else source[at + 1 :]
            self.out.append(re.escape(quoted))
            self.position = end + 2 if end >= 0 else len(source)
        elif char == "E":
            self.position += 2
        elif char in _REFUSED_ESCAPES:
            raise invalid_regex(f"{_REFUSED_ESCAPES[char]} have no equivalent here")
        elif char in "pP":
            ranges, negative, end = self.unicode_property(at)
            self.write(f"[{'^' if negative else ''}{_class_body(ranges)}]", end - self.position)
        elif char.lower() in _SETS:
            self.set_escape(char)
        elif char == "b":
            self.write("\\b" if self.unicode else "(?a:\\b)", 2)
        elif char == "B":  # in an empty text too, where Python's does not hold
            self.write("(?:\\B|\\A\\Z)" if self.unicode else "(?:(?a:\\B)|\\A\\Z)", 2)
        elif char == "z":
            self.write("\\Z", 2)
        elif char == "Z":
            self.write("(?=\\n?\\Z)", 2)
        elif char in "AG":
            self.write("\\A", 2)
        elif char == "R":
            self.write("(?:\\r\\n|[\\n-\\r\\x85\\u2028\\u2029])", 2)
        elif char == "N":
            self.not_newline(at)
        elif char == "K":
            if not self.boolean:
                raise invalid_regex("\\K has no equivalent here")
            self.position += 2
        elif char in "gk" or char in "123456789":
            self.reference(char)
        elif char in "uU":  # Python's way to write a character, which PCRE has not
            raise invalid_regex(f"\\{char} is no escape; \\x{{...}} is a character by its number")
        else:
            code, used = self.code_point(char)
            self.write(_char(code) if used else "\\" + char, used or 2)

    def not_newline(self, at: int) -> None:
        source = self.source
        if not source.startswith("{", at + 1) or _QUANTIFIER.match(source, at + 1) is not None:
            self.write("[^\\n]", 2)
            return
        name = self.until("}", at + 2, "\\N{...}")
        if not name.startswith("U+"):
            raise invalid_regex("characters by their names (\\N{...}) have no equivalent here; \\N{U+...} has")
        self.write(_char(self.number(name[2:], 16)), len(name) + 4)

    def set_escape(self, char: str) -> None:
        lower = char.lower()
        if lower in _UNICODE_SETS:
            self.write(f"\\{char}" if self.unicode else f"(?a:\\{char})", 2)
        else:
            self.write(f"[{'' if char == lower else '^'}{_class_body(_SETS[lower])}]", 2)

    def unicode_property(self, at: int) -> tuple[Ranges, bool, int]:
        """Read the property whose letter is at a position.

        Returns:
            Its characters, whether all others are meant instead, and where it ends.
        """
        source = self.source
        negative = source[at] == "P"
        if source.startswith("{", at + 1):
            name = self.until("}", at + 2, f"\\{source[at]}{{...}}")
            end = at + len(name) + 3
        else:
            name = source[at + 1 : at + 2]
            end = at + 2
        if name.startswith("^"):
            negative = not negative
            name = name[1:]
        ranges = property_ranges(name[:20])
        if ranges is None:
            raise invalid_regex(f"the Unicode property {name[:20]!r} has no equivalent here; general categories have")
        return ranges, negative, end

    def code_point(self, char: str) -> tuple[int, int]:
        """Read an escape that stands for one character.

        Returns:
            Its code and how long the escape is; length 0 if it is not such an escape.
        """
        source, at = self.source, self.position + 2
        if char == "x":
            if source.startswith("{", at):
                digits = self.until("}", at + 1, "\\x{...}")
                return self.number(digits, 16), len(digits) + 4
            found = re.compile("[0-9A-Fa-f]{0,2}").match(source, at)
            digits = found[0] if found else ""
            return self.number(digits or "0", 16), len(digits) + 2
        if char == "o" and source.startswith("{", at):
            digits = self.until("}", at + 1, "\\o{...}")
            return self.number(digits, 8), len(digits) + 4
        if char == "0":
            found = re.compile("[0-7]{0,2}").match(source, at)
            digits = found[0] if found else ""
            return self.number("0" + digits, 8), len(digits) + 2
        if char == "c":
            if at >= len(source) or not source[at].isascii() or not source[at].isprintable():
                raise invalid_regex("\\c needs a printable ASCII character")
            return ord(source[at].upper()) ^ 0x40, 3
        if char == "e":
            return 0x1B, 2
        return 0, 0

    def number(self, digits: str, base: int) -> int:
        try:
            code = int(digits, base)
        except ValueError:
            raise invalid_regex(f"{digits[:20]!r} is not the number of a character") from None
        if code > _LAST:
            raise invalid_regex(f"there is no character {digits[:20]}")
        return code

    def reference(self, char: str) -> None:
        source, at = self.source, self.position + 1
        if char.isdigit():
            found = re.compile("[0-9]+").match(source, at)
            digits = found[0] if found else ""
            if len(digits) > 1 and int(digits[:9]) > self.groups and digits[0] in "1234567":
                octal = re.compile("[0-7]{1,3}").match(source, at)
                text = octal[0] if octal else "0"
                self.write(_char(self.number(text, 8)), len(text) + 1)
                return
            self.write(f"(?:\\{digits})", len(digits) + 1)
            return
        opener = source[at + 1 : at + 2]
        if char == "g" and opener in ("<", "'"):
            raise invalid_regex("subroutine calls (\\g<...>) have no equivalent here")
        if opener in ("{", "<", "'"):
            closer = {"{": "}", "<": ">", "'": "'"}[opener]
            target = self.until(closer, at + 2, "a reference")
            used = len(target) + 4
        else:
            found = re.compile("-?[0-9]+").match(source, at + 1)
            if found is None or char == "k":
                raise invalid_regex(f"\\{char} needs the number or name of a group")
            target, used = found[0], len(found[0]) + 2
        if re.fullmatch("[0-9]{1,3}", target):
            self.write(f"(?:\\{int(target)})", used)
        elif re.fullmatch("-[0-9]{1,3}", target):
            number = self.groups + 1 + int(target)
            if number < 1:
                raise invalid_regex(f"there are not so many groups before \\g{{{target}}}")
            self.write(f"(?:\\{number})", used)
        else:
            self.write(f"(?P={self.name(target)})", used)

    def name(self, text: str) -> str:
        if _NAME.match(text) is None:
            raise invalid_regex(f"{text[:20]!r} is not a group's name")
        return text

    # Classes

    def character_class(self) -> None:
        source = self.source
        at = self.position + 1
        parts = ["["]
        if source.startswith("^", at):
            parts.append("^")
            at += 1
        first = True
        while True:
            if at >= len(source):
                raise invalid_regex("a character class is not closed")
            char = source[at]
            if char == "]" and not first:
                break
            first = False
            if source.startswith("[:", at) and (end := source.find(":]", at)) > 0:
                parts.append(self.posix(source[at + 2 : end]))
                at = end + 2
            elif char == "\\":
                text, at = self.class_escape(at)
                parts.append(text)
            elif char == "-":  # as an end of a range it is spelled out, for Python reads "--" as a set difference
                parts.append("\\x2d" if parts[-1] in {"[", "^", "-"} else "-")
                at += 1
            else:
                parts.append(char if char.isalnum() else _char(ord(char)))
                at += 1
        parts.append("]")
        self.out.append("".join(parts))
        self.position = at + 1

    def posix(self, name: str) -> str:
        negative = name.startswith("^")
        ranges = _POSIX.get(name.removeprefix("^"))
        if ranges is None:
            raise invalid_regex(f"there is no POSIX class {name[:20]!r}")
        return _class_body(complement(ranges) if negative else ranges)

    def class_escape(self, at: int) -> tuple[str, int]:
        source = self.source
        char = source[at + 1 : at + 2]
        lower = char.lower()
        if not char:
            raise invalid_regex("it ends in a backslash")
        if char == "Q":
            end = source.find("\\E", at)
            quoted = source[at + 2 : end] if end >= 0 else source[at + 2 :]
            return "".join([_char(ord(item)) for item in quoted]), end + 2 if end >= 0 else len(source)
        if char == "E":
            return "", at + 2
        if char in _REFUSED_ESCAPES:
            raise invalid_regex(f"{_REFUSED_ESCAPES[char]} have no equivalent here")
        if lower == "p":
            ranges, negative, end = self.unicode_property(at + 1)
            if negative and not complement(ranges):
                raise invalid_regex(f"\\{char}{{...}} leaves no character")
            return _class_body(complement(ranges) if negative else ranges), end
        if lower in _SETS:
            if self.unicode and lower in _UNICODE_SETS:
                return f"\\{char}", at + 2
            ranges = _SETS[lower]
            return _class_body(ranges if char == lower else complement(ranges)), at + 2
        if char == "b":
            return "\\x08", at + 2
        if char in _CONTROL:
            return _CONTROL[char], at + 2
        if char in "1234567":
            found = re.compile("[0-7]{1,3}").match(source, at + 1)
            digits = found[0] if found else "0"
            return _char(self.number(digits, 8)), at + 1 + len(digits)
        self.position = at
        code, used = self.code_point(char)
        if used:
            return _char(code), at + used
        if char.isalnum():
            raise invalid_regex(f"\\{char} means nothing in a character class")
        return _char(ord(char)), at + 2

    # Groups

    def open(self, text: str, used: int, frame: _Frame | None = None, *, captures: bool = False) -> None:
        self.write(text, used)
        self.frames.append(frame or _Frame(self.verbose))
        self.groups += captures

    def end_group(self) -> None:
        if len(self.frames) == 1:
            raise invalid_regex("a parenthesis is closed that was not opened")
        frame = self.frames.pop()
        self.write(")" * len(frame.scopes) + frame.close, 1)
        self.verbose = frame.verbose

    def alternative(self) -> None:
        frame = self.frames[-1]
        self.write(")" * len(frame.scopes) + frame.between + "".join(frame.scopes), 1)

    def group(self) -> None:
        source, at = self.source, self.position
        if source.startswith("(*", at):
            raise invalid_regex("backtracking verbs, (*...), have no equivalent here")
        if not source.startswith("(?", at):
            self.open("(", 1, captures=True)
            return
        rest = source[at + 2 : at + 4]
        head = rest[:1]
        if head == "#":
            self.position = at + len(self.until(")", at, "a comment")) + 1
        elif head in (":", ">", "=", "!"):
            self.open(f"(?{head}", 3)
        elif rest in ("<=", "<!"):
            # Python wants one width per look-behind, PCRE one per alternative.
            between = f")|(?{rest}" if rest == "<=" else f")(?{rest}"
            self.open(f"(?:(?{rest}", 4, _Frame(self.verbose, between, "))"))
        elif head in ("<", "'") or rest in ("P<", "P'"):
            skip = 3 if head != "P" else 4
            closer = "'" if source[at + skip - 1] == "'" else ">"
            name = self.until(closer, at + skip, "a group's name")
            self.open(f"(?P<{self.name(name)}>", skip + len(name) + 1, captures=True)
        elif rest == "P=":
            name = self.until(")", at + 4, "a reference")
            self.write(f"(?P={self.name(name)})", len(name) + 5)
        elif head == "(":
            self.conditional()
        elif head == "|":
            raise invalid_regex("branch reset, (?|...), has no equivalent here")
        elif head in ("R", "&", "C", "+") or head.isdigit() or rest == "P>" or re.match("-[0-9]", rest):
            raise invalid_regex("recursion, subroutine calls and callouts have no equivalent here")
        else:
            self.inline_flags()

    def conditional(self) -> None:
        text = self.until(")", self.position + 3, "a condition")
        target = text
        if len(text) > 1 and text[0] in "<'" and text[-1] in ">'":
            target = text[1:-1]
        if not target.isdecimal():
            if target.startswith(("?", "*", "R", "DEFINE")):
                raise invalid_regex("conditions other than a group's number or name have no equivalent here")
            self.name(target)
        self.open(f"(?({target})", len(text) + 4)

    def inline_flags(self) -> None:
        found = _INLINE.match(self.source, self.position + 2)
        if found is None:
            raise invalid_regex(f"(?{self.source[self.position + 2 : self.position + 5]} begins no group")
        on, off = found[1], found[2] or ""
        if not set(on + off) <= set("imsx"):
            raise invalid_regex("of the inline flags only i, m, s and x have an equivalent here")
        used = found.end() - self.position
        on = "".join([flag for flag in on if flag not in off])
        flags = on + (f"-{off}" if off else "")
        if found[3] == ":":
            self.open(f"(?{flags}:", used)
        elif flags:
            scope = f"(?{flags}:"
            self.frames[-1].scopes.append(scope)
            self.write(scope, used)
        else:
            self.position += used
        if "x" in on:
            self.verbose = True
        elif "x" in off:
            self.verbose = False
