"""``$text`` without an index: words, phrases and exclusions over a document's strings (manual, "$text").

A search is words (any of them makes a match), ``"phrases"`` (all must be there) and ``-exclusions`` (none may). Words
are compared as they stand: there is no stemming, and the common English words that MongoDB leaves out of English
searches are left out here too. Case and accents count only if asked for.

The score follows MongoDB's: for each field and word, the word's weighted frequency times the share of the field it
makes up, a tenth more if it is the whole field.
"""

# Documents and filters are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownLambdaType=false

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, cast

from lexigram.nosql.exceptions import NoSQLFilterError
from lexigram.nosql.query.ast import Text
from lexigram.nosql.query.suggest import operator_hint
from lexigram.nosql.values.bson_compat import is_text
from lexigram.nosql.values.path import query_values, split_path

__all__ = ["LANGUAGES", "parse_text", "text_matcher", "text_scorer"]

LANGUAGES: Final = {
    "none": "none",
    "danish": "da",
    "dutch": "nl",
    "english": "en",
    "finnish": "fi",
    "french": "fr",
    "german": "de",
    "hungarian": "hu",
    "italian": "it",
    "norwegian": "nb",
    "portuguese": "pt",
    "romanian": "ro",
    "russian": "ru",
    "spanish": "es",
    "swedish": "sv",
    "turkish": "tr",
}
"""Languages that ``$language`` may name, with their codes, which it may name too."""

_WORDS: Final = (
    "i me my myself we our ours ourselves you your yours yourself yourselves he him his himself she her hers herself "
    "it its itself they them their theirs themselves what which who whom this that these those am is are was were be "
    "been being have has had having do does did doing would should could ought a an the and but if or because as until "
    "while of at by for with about against between into through during before after above below to from up down in out "
    "on off over under again further then once here there when where why how all any both each few more most other "
    "some such no nor not only own same so than too very"
)
_COMMON_ENGLISH: Final = frozenset(_WORDS.split(" "))
_WORD: Final = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*|_+", re.UNICODE)
_PART: Final = re.compile(r'(-?)"([^"]*)"?|(\S+)')
_SETTINGS: Final = ("$search", "$language", "$caseSensitive", "$diacriticSensitive")


def parse_text(argument: Any) -> Text:
    """Read the argument of ``$text``.

    Args:
        argument: A mapping with ``$search`` and perhaps ``$language``, ``$caseSensitive``, ``$diacriticSensitive``.

    Returns:
        The condition.

    Raises:
        NoSQLFilterError: It is not valid.
    """
    if not isinstance(argument, Mapping):
        raise NoSQLFilterError("$text needs a document: {'$search': 'words'}", path="$text", mongo_code=14)
    settings = cast("Mapping[str, Any]", argument)
    for name in settings:
        if name not in _SETTINGS:
            raise NoSQLFilterError(
                f"$text has no setting {str(name)[:64]!r}",
                hint=operator_hint(str(name), _SETTINGS),
                path="$text",
                mongo_code=2,
            )
    search = settings.get("$search")
    if not is_text(search):
        raise NoSQLFilterError("$text needs $search, as text", path="$text.$search", mongo_code=14)
    language = settings.get("$language")
    if language is not None:
        if not is_text(language):
            raise NoSQLFilterError("$language is the name of a language", path="$text.$language", mongo_code=14)
        if language.lower() not in LANGUAGES and language.lower() not in LANGUAGES.values():
            raise NoSQLFilterError(
                f"unsupported language {language[:64]!r}; there are {', '.join(LANGUAGES)}",
                path="$text.$language",
                mongo_code=2,
            )
    flags: list[bool] = []
    for name in ("$caseSensitive", "$diacriticSensitive"):
        value = settings.get(name, False)
        if not isinstance(value, bool):
            raise NoSQLFilterError(f"{name} is true or false", path=f"$text.{name}", mongo_code=14)
        flags.append(value)
    return Text(search, language, *flags)


@dataclass(frozen=True, slots=True)
class _Search:
    """A search, taken apart; words and phrases are folded."""

    fold: Callable[[str], str]
    words: frozenset[str]
    excluded_words: frozenset[str]
    phrases: tuple[str, ...]
    excluded_phrases: tuple[str, ...]
    common: frozenset[str]


def _folder(case_sensitive: bool, diacritic_sensitive: bool) -> Callable[[str], str]:
    def fold(text: str) -> str:
        if not case_sensitive:
            text = text.casefold()
        if not diacritic_sensitive and not text.isascii():
            decomposed = unicodedata.normalize("NFKD", text)
            text = "".join([char for char in decomposed if not unicodedata.combining(char)])
        return text

    return fold


@lru_cache(maxsize=256)
def _search(node: Text) -> _Search:
    fold = _folder(node.case_sensitive, node.diacritic_sensitive)
    english = node.language is None or node.language.lower() in {"english", "en"}
    common = _COMMON_ENGLISH if english else frozenset[str]()
    words: set[str] = set()
    excluded: set[str] = set()
    phrases: list[str] = []
    excluded_phrases: list[str] = []
    for minus, phrase, plain in _PART.findall(node.search):
        if plain:
            # A minus excludes only at the start of a word; inside one it separates two words.
            target = excluded if plain.startswith("-") else words
            target.update(_words(plain, fold, common))
        elif minus:
            excluded_phrases.append(fold(phrase))
        else:
            phrases.append(fold(phrase))
            words.update(_words(phrase, fold, common))
    return _Search(fold, frozenset(words), frozenset(excluded), tuple(phrases), tuple(excluded_phrases), common)


def _words(text: str, fold: Callable[[str], str], common: frozenset[str]) -> Iterator[str]:
    for found in _WORD.finditer(text):
        word = fold(found[0])
        if word.casefold() not in common:
            yield word


def _strings(value: Any) -> Iterator[str]:
    pending: list[Any] = [value]
    while pending:
        current = pending.pop()
        if isinstance(current, str):
            yield current
        elif isinstance(current, dict):
            pending.extend(reversed(list(cast("dict[str, Any]", current).values())))
        elif isinstance(current, list):
            pending.extend(reversed(current))


def _fields(document: Any, fields: tuple[str, ...] | None) -> Iterator[str]:
    if fields is None:
        yield from _strings(document)
        return
    for field in fields:
        for value in query_values(document, split_path(field)):
            if isinstance(value, str):
                yield value


def text_matcher(node: Text, fields: Iterable[str] | None) -> Callable[[Any], bool]:
    """Make the function that searches a document.

    Args:
        node: The search.
        fields: Paths of the indexed fields; None for every string of the document.

    Returns:
        A function from a document to whether it matches.
    """
    search = _search(node)
    chosen = None if fields is None else tuple(fields)

    def test(document: Any) -> bool:
        found = False
        missing = list(search.phrases)
        for text in _fields(document, chosen):
            words = set(_words(text, search.fold, search.common))
            if not search.excluded_words.isdisjoint(words):
                return False
            found = found or not search.words.isdisjoint(words)
            if missing or search.excluded_phrases:
                folded = search.fold(text)
                if any(phrase in folded for phrase in search.excluded_phrases):
                    return False
                missing = [phrase for phrase in missing if phrase not in folded]
        return found and not missing

    return test


def text_scorer(node: Text, fields: Iterable[str] | None) -> Callable[[Any], float]:
    """Make the function that scores a document, for ``{"$meta": "textScore"}``.

    Args:
        node: The search.
        fields: Paths of the indexed fields; None for every string of the document.

    Returns:
        A function from a document to its score; 0.0 without any of the words.
    """
    search = _search(node)
    chosen = None if fields is None else tuple(fields)

    def score(document: Any) -> float:
        total = 0.0
        for text in _fields(document, chosen):
            words = list(_words(text, search.fold, search.common))
            for wanted in search.words:
                count = words.count(wanted)
                if count:
                    # Each further occurrence counts half as much as the one before.
                    frequency = 2.0 - 2.0 ** (1 - count)
                    whole = 1.1 if search.fold(text.strip()) == wanted else 1.0
                    total += frequency * (0.5 * count / len(words) + 0.5) * whole
        return total

    return score
