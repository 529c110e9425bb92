"""Regular expressions: PCRE's syntax in Python's engine, and in bounded time."""

from __future__ import annotations

import random
import re
from unicodedata import category

import pytest
from lexigram.nosql.exceptions import NoSQLFilterError
from lexigram.nosql.query.regex import MAX_LENGTH, compile_regex
from lexigram.nosql.query.regex_linear import LinearMatcher, NotRegularError
from lexigram.nosql.query.regex_properties import complement, property_ranges
from lexigram.nosql.query.regex_syntax import regex_flags, translate


@pytest.mark.parametrize(
    ("source", "options", "text", "holds"),
    [
        # escapes that Python does not have, or reads otherwise
        (r"\Aab\z", "", "ab", True),
        (r"ab\z", "", "ab\n", False),
        (r"ab\Z", "", "ab\n", True),
        (r"ab$", "", "ab\n", True),
        (r"ab$", "", "ab\n\n", False),
        (r"^b$", "m", "a\nb\nc", True),
        (r"\Gab", "", "xab", False),
        (r"\ha", "", "\u00a0a", True),
        (r"\Ha", "", " a", False),
        (r"[\h]a", "", "\u2003a", True),
        (r"[^\h]a", "", " a", False),
        (r"[\H]a", "", "xa", True),
        (r"\v", "", "\u2028", True),
        (r"\V", "", "\n", False),
        (r"^\R$", "", "\r\n", True),
        (r"a\Rb", "", "a\x85b", True),
        (r"a\Nb", "s", "a\nb", False),
        (r"a\Kb", "", "ab", True),
        (r"\e\a\f\n\r\t", "", "\x1b\x07\x0c\n\r\t", True),
        (r"\cA\x41\x{e9}\o{101}\0\012", "", "\x01AéA\x00\n", True),
        (r"[\cA\x41\x{e9}\o{101}\0\12\b\e]+$", "", "\x01AéA\x00\n\x08\x1b", True),
        (r"\x", "", "\x00", True),
        (r"\Qa.b*\E+", "", "a.b**", True),
        (r"\Qa.b", "", "a.b", True),
        (r"a\Eb", "", "ab", True),
        (r"[\Qa-b\E]", "", "-", True),
        (r"[\Q]", "", "x", None),
        (r"[a\E]", "", "a", True),
        (r"\#\ \-\.", "", "# -.", True),
        # ASCII classes, unless asked otherwise
        (r"^\w$", "", "é", False),
        (r"(*UCP)^\w$", "", "é", True),
        (r"(*UTF8)(*UCP)^[\w]$", "", "é", True),
        (r"(*UTF)é", "", "é", True),
        (r"^\W$", "", "é", True),
        (r"^[\W]$", "", "é", True),
        (r"^[^\w]$", "", "é", True),
        (r"^\p{Lu}\p{Ll}+$", "", "Éric", True),
        (r"^\p{Lu}\p{Ll}+$", "", "éric", False),
        (r"^\pL\PL$", "", "é1", True),
        (r"^\p{^L}$", "", "é", False),
        (r"^\P{^L}$", "", "é", True),
        (r"^[\p{L}\d]+$", "", "é1", True),
        (r"^[^\p{L}]$", "", "é", False),
        (r"^[\P{L}]$", "", "1", True),
        (r"^\p{ nd }\p{SC}\p{P}\p{Zs}$", "", "٣€!\u00a0", True),
        (r"^\p{L&}\p{Xan}$", "", "ǅ²", True),
        (r"\P{Any}", "", "x", False),
        (r"^\p{lu}$", "i", "a", True),
        (r"\bx", "", "éx", True),
        (r"(*UCP)\bx", "", "éx", False),
        (r"\Bx", "", "yx", True),
        (r"^\B$", "", "", True),
        (r"(*UCP)^\B$", "", "", True),
        (r"^\d$", "", "٣", False),
        (r"(*UCP)^\d$", "", "٣", True),
        (r"^[\d\s]+$", "", "1 2\t", True),
        (r"^\s$", "", "\u00a0", False),
        (r"^\S\D$", "", "\u00a0x", True),
        # classes
        (r"^[[:alpha:]]+$", "", "aZ", True),
        (r"^[[:^digit:]]$", "", "5", False),
        (r"^[[:punct:][:space:]]+$", "", "!_ \n~", True),
        (r"^[[:word:]-]+$", "", "a_1-", True),
        (r"[[:xdigit:]]{2}", "", "fF", True),
        (r"[]a]", "", "]", True),
        (r"[^]a]", "", "]", False),
        (r"[a\]]", "", "]", True),
        (r"[a-]", "", "-", True),
        (r"[-a]", "", "-", True),
        (r"[!--]", "", "#", True),
        (r"[a--]", "", "b", None),
        (r"[a&&b]", "", "&", True),
        (r"[[a]", "", "[", True),
        (r"[~~||]", "", "|", True),
        (r"[a-c]", "i", "B", True),
        (r"[é]", "i", "É", True),
        (r"É", "i", "é", True),
        # groups and references
        (r"(?<n>a)\k<n>", "", "aa", True),
        (r"(?'n'a)\k'n'", "", "aa", True),
        (r"(?P<n>a)(?P=n)\k{n}\g{n}", "", "aaaa", True),
        (r"(a)(b)\g{-1}\g1\2", "", "abbab", True),
        (r"(a)\1{2}", "", "aaa", True),
        (r"(a)\10", "", "a\x08", True),
        (r"(a)(?#note)b", "", "ab", True),
        (r"(a)?(?(1)b|c)", "", "c", True),
        (r"(?<n>a)?(?(<n>)b|c)", "", "ab", True),
        (r"(?'n'a)?(?('n')b|c)", "", "ab", True),
        (r"(?<=a|bc)d", "", "bcd", True),
        (r"(?<!a|bc)d", "", "bcd", False),
        (r"(?<!a|bc)d", "", "xd", True),
        (r"a(?=b)(?!c)b", "", "ab", True),
        (r"(?>a+)b", "", "aab", True),
        (r"a++b", "", "aab", True),
        (r"a++a", "", "aaa", False),
        # inline flags
        (r"a(?i)b", "", "aB", True),
        (r"a(?i)b", "", "Ab", False),
        (r"a(?i)b|c", "", "C", True),
        (r"(a(?i)b)c", "", "aBc", True),
        (r"(a(?i)b)c", "", "abC", False),
        (r"(?i:a)b", "", "Ab", True),
        (r"(?-i)a", "i", "A", False),
        (r"(?i-s:a.)", "s", "A\n", False),
        (r"(?is)a.", "", "A\n", True),
        (r"(?i-i)a", "", "A", False),
        (r"(?)a", "", "a", True),
        (r"(?x) a b # no", "", "ab", True),
        (r"(?x:a b)c d", "", "abc d", True),
        (r"a b(?-x)c d", "x", "abc d", True),
        (r"a # ( not a group" + "\n b", "x", "ab", True),
        (r"a # to the end", "x", "a", True),
        (r"a\ [ ]b", "x", "a  b", True),
        # quantifiers and braces
        (r"^a{2}$", "", "aa", True),
        (r"^a{,2}$", "", "a{,2}", True),
        (r"^a{x}$", "", "a{x}", True),
        (r"^a{1,}?$", "", "aaa", True),
        (r"x|", "", "", True),
        (r"a", "iimm", "A", True),
        (r"a", "u", "a", True),
        # \N before a brace: a repetition, or a character by its number
        (r"^\N{2}$", "", "ab", True),
        (r"^\N{U+61}$", "", "a", True),
        (r"^\N{U+1F600}$", "", "\U0001f600", True),
    ],
)
def test_the_syntax_of_pcre_means_what_it_means_there(source: str, options: str, text: str, holds: bool | None):
    """Or is refused, where the expected answer is None."""
    if holds is None:
        with pytest.raises(NoSQLFilterError):
            compile_regex(source, options, boolean=True)
    else:
        assert compile_regex(source, options, boolean=True).matches(text) is holds


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (r"\p{Greek}", "'Greek'"),
        (r"[\P{Lx}]", "'Lx'"),
        (r"[\P{Any}]", "no character"),
        (r"\p{L", "not closed"),
        (r"\p", "''"),
        (r"\X", "grapheme"),
        (r"\C", "code units"),
        (r"(?R)", "recursion"),
        (r"(?1)", "recursion"),
        (r"(?-1)", "recursion"),
        (r"(?+1)", "recursion"),
        (r"(?&x)", "recursion"),
        (r"(?P>x)", "recursion"),
        (r"(?C1)", "recursion"),
        (r"\g<1>", "subroutine"),
        (r"\g'x'", "subroutine"),
        (r"(?|a|b)", "branch reset"),
        (r"(*FAIL)", "verbs"),
        (r"a(*UTF8)", "verbs"),
        (r"(?(?=a)b)", "conditions"),
        (r"(?(R)b)", "conditions"),
        (r"(?J)a", "inline flags"),
        (r"(?U)a", "inline flags"),
        (r"(?^)a", "inline flags"),
        (r"(?y)a", "begins no group"),
        (r"(?<1a>b)", "group's name"),
        (r"(?<a", "not closed"),
        (r"(?#a", "not closed"),
        (r"(?(1", "not closed"),
        (r"(a", "not closed"),
        (r"a)", "not opened"),
        (r"[a", "not closed"),
        ("a\\", "backslash"),
        ("[a\\", "backslash"),
        (r"[[:letter:]]", "POSIX"),
        (r"\x{110000}", "no character"),
        (r"\x{zz}", "not the number"),
        (r"\x{41", "not closed"),
        (r"\c", r"\c"),
        (r"\cé", r"\c"),
        (r"[\k]", "character class"),
        (r"\k", "group"),
        (r"\gx", "group"),
        (r"\k{", "not closed"),
        (r"\g{9}", ""),
        (r"\g{-5}", ""),
        (r"\k<nobody>", ""),
        (r"a**", ""),
        (r"*", ""),
        (r"a{5,2}", ""),
        (r"(?<=a*)b", ""),
        (r"\y", ""),
        (r"\u0061", r"\x{...}"),
        (r"\U00000061", r"\x{...}"),
        (r"\N{SPACE}", "by their names"),
        (r"\N{U+zz}", "not the number"),
        (r"\N{U+61", "not closed"),
        (r"(?<a>x)(?<a>y)", ""),
        (r"a{99999999999999999999}", ""),
        (r"(?i", ""),
    ],
)
def test_what_python_cannot_say_is_refused_with_the_reason(source: str, reason: str):
    """With the code that MongoDB gives for an invalid expression."""
    with pytest.raises(NoSQLFilterError) as caught:
        compile_regex(source, boolean=True)
    assert reason in caught.value.message
    assert caught.value.mongo_code == 51091


def test_the_start_of_a_match_cannot_be_moved_where_it_matters():
    r"""\K may be dropped only if nothing but the answer is wanted."""
    assert translate(r"a\Kb", boolean=True)[0] == "ab"
    with pytest.raises(NoSQLFilterError, match="K"):
        translate(r"a\Kb")


def test_options_are_known_letters():
    """Others are refused by name."""
    assert regex_flags("imsxu") == re.IGNORECASE | re.MULTILINE | re.DOTALL | re.VERBOSE
    with pytest.raises(NoSQLFilterError, match="'g'") as caught:
        regex_flags("ig")
    assert caught.value.mongo_code == 51108


def test_expressions_have_a_longest_length_and_no_nul():
    """The limit is 1,024 characters."""
    assert compile_regex("a" * MAX_LENGTH, boolean=True).matches("a" * MAX_LENGTH)
    for source in ("a" * (MAX_LENGTH + 1), "a\0"):
        with pytest.raises(NoSQLFilterError):
            compile_regex(source)


@pytest.mark.parametrize(
    ("source", "degree"),
    [
        ("abc", 1),
        ("^abc", 0),
        (r"\Aabc", 0),
        ("a.*b", 2),
        ("^a.*b", 1),
        (r"\w+@\w+", 2),
        ("a*a*", 3),
        ("a*b*c*", 4),
        ("a*bc*", 2),
        ("[^a]*a[^a]*", 2),
        ("a{2,5}b", 1),
        ("a{2,50}b", 2),
        ("(ab)*", 2),
        ("(a|b)*", 2),
        ("x*(?=y*)z", 2),
        ("(?:a|b*)c*", 3),
        ("(?>a*)b*", 3),
        ("(a)?(?(1)b*|c)", 2),
        ("a?b", 1),
        ("a+b?", 2),
        ("(?:ab)?c*", 2),
        ("(a+)+", 99),
        ("(a|ab)*", 99),
        ("(a?)*", 99),
        ("(?:a|b+)*", 99),
        ("(?:^|b)*", 99),
        ("[a-c]*[d-f]*", 3),
        ("[[:alpha:]]*1[[:alpha:]]*", 2),
        (r"\w*\W\w*", 2),
    ],
)
def test_the_worst_case_is_counted(source: str, degree: int):
    """As a power of the text's length; repetitions inside repetitions count as exponential."""
    assert compile_regex(source).degree == degree


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("(a+)+$", "a" * 5000 + "b"),
        ("(a|aa)+$", "a" * 5000 + "b"),
        ("(.*)*x", "y" * 5000),
        (r"^(\w+\s?)*$", "word " * 1000 + "!"),
        ("a*a*a*a*a*b", "a" * 20_000),
        (".*.*.*=", "x" * 20_000),
        (r"([a-zA-Z0-9])(([\-.]|[_]+)?([a-zA-Z0-9]+))*(@){1}[a-z0-9]+[.]{1}", "a" * 3000),
    ],
)
def test_catastrophic_expressions_are_answered(source: str, text: str):
    """An automaton decides them, in time that grows with the text only."""
    assert not compile_regex(source, boolean=True).matches(text)


@pytest.mark.parametrize(
    ("source", "degree"),
    [
        (r"^(?:(?:x{1,10}){1,10}){1,10}y", 99),
        (r"(?:x{1,10}){1,10}y", 99),
        (r"^x{1,9}x{1,9}x{1,9}x{1,9}x{1,9}x{1,9}x{1,9}x{1,9}y", 3),
        (r"^(?:x|x){11}y", 1),
        (r"^\d{1,3}(\.\d{1,3}){3}$", 0),
        (r"^[0-9a-f]{1,4}(:[0-9a-f]{1,4}){7}$", 0),
    ],
)
def test_repetitions_of_few_times_count_where_they_share_the_text(source: str, degree: int):
    """Written out they are many, in ways that multiply, unless what comes next tells where each one ends."""
    regex = compile_regex(source, boolean=True)
    assert regex.degree == degree
    assert not regex.matches("x" * 5000)


def test_what_no_automaton_decides_is_refused():
    """At once where it may be exponential, for long texts where it may be polynomial."""
    with pytest.raises(NoSQLFilterError, match="exponential"):
        compile_regex(r"(a+)+\1", boolean=True)

    regex = compile_regex(r"(a*)b*\1c", boolean=True)
    assert regex.matches("aabac" if False else "aabaac")
    with pytest.raises(NoSQLFilterError, match="too long") as caught:
        regex.matches("a" * 10_000)
    assert caught.value.mongo_code == 51156
    with pytest.raises(NoSQLFilterError, match="too long"):
        regex.check("a" * 10_000)
    compile_regex("abc").check("x" * 1_000_000)
    assert compile_regex("abc").matches("x" * 1_000_000 + "abc")

    # Captures may be wanted of short texts only; here not even of those.
    with pytest.raises(NoSQLFilterError, match="too long"):
        compile_regex(r"(a+)+\1").check("a")


def _random_regex(rng: random.Random, depth: int) -> str:
    kind = rng.random()
    if depth == 0 or kind < 0.3:
        atoms = [
            "a",
            "b",
            "A",
            "[ab]",
            "[^a]",
            ".",
            r"\w",
            r"\b",
            r"\B",
            "^",
            "$",
            r"\n",
            "(?i:a)",
            r"\Z",
            r"\A",
            r"(?a:\b)",
        ]
        return rng.choice(atoms)
    if kind < 0.55:
        return _random_regex(rng, depth - 1) + _random_regex(rng, depth - 1)
    if kind < 0.7:
        return f"(?:{_random_regex(rng, depth - 1)}|{_random_regex(rng, depth - 1)})"
    return f"(?:{_random_regex(rng, depth - 1)})" + rng.choice(["*", "+", "?", "{1,2}", "*?", "{2}", "{0}", "{1,}"])


def test_the_automaton_answers_as_python_does():
    """Thousands of random expressions and texts, under all flags."""
    rng = random.Random(7)
    compared = 0
    for _ in range(1500):
        source = _random_regex(rng, 4)
        flags = rng.choice([0, re.IGNORECASE, re.MULTILINE, re.DOTALL, re.MULTILINE | re.IGNORECASE | re.ASCII])
        try:
            pattern = re.compile(source, flags)
        except re.error:
            continue
        automaton = LinearMatcher(source, flags)
        for _ in range(4):
            # An empty text is left out: Python's \\B does not hold there, PCRE's and the automaton's does.
            text = "".join(rng.choice("abA\n é") for _ in range(rng.randint(1, 7)))
            assert automaton.search(text) is (pattern.search(text) is not None), (source, flags, text)
            compared += 1
    assert compared > 4000


def test_the_automaton_has_limits(monkeypatch: pytest.MonkeyPatch):
    """Of states, and of what it keeps of what it worked out."""
    with pytest.raises(NotRegularError, match="repetitions"):
        LinearMatcher("(?:a{100}){100}", 0)
    with pytest.raises(NotRegularError, match="groupref"):
        LinearMatcher(r"(a)\1", 0)
    monkeypatch.setattr("lexigram.nosql.query.regex_linear._MAX_KEPT", 3)
    automaton = LinearMatcher("(?:a|b)*[cd]e", 0)
    assert automaton.search("abababxyzce")
    assert not automaton.search("ababab" + "abcfghe" * 3)


@pytest.mark.parametrize("name", ["L", "Lu", "M", "Nd", "P", "S", "Zs", "C", "Cn", "Co", "Any"])
def test_a_unicode_property_has_the_characters_of_its_categories(name: str):
    """All code points, planes that were not looked through one by one among them."""
    expected = [code for code in range(0x110000) if name == "Any" or category(chr(code)).startswith(name)]
    ranges = property_ranges(name)
    assert ranges is not None
    assert [code for first, last in ranges for code in range(first, last + 1)] == expected
    rest = complement(ranges)
    assert sum(last + 1 - first for first, last in (*ranges, *rest)) == 0x110000
