"""Comparing text as people of a language do (manual, "Collation").

Keys follow the shape of the Unicode collation algorithm: base letters first, then accents, then case. The order of
characters is CLDR's root order for ASCII and Latin-1 punctuation, then digits, then letters; accents have their order
in Unicode's default table; each locale adds the letters it sorts apart. There is no ICU here: what is carried is exact
for the Latin alphabets of the locales listed in :data:`LOCALES`, and letters of other scripts sort after Latin by code
point, ignoring case. A locale that is not listed is refused by name, never approximated.

``simple`` means comparison by code point, which is no collation at all: :func:`parse_collation` returns None.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import Any, Final, cast

from lexigram.nosql.exceptions import QueryOptionError
from lexigram.nosql.values.bson_compat import is_text
from lexigram.nosql.values.order import make_sort_key

__all__ = ["LOCALES", "Collation", "parse_collation"]

# Letters that sort apart from their base: (after which letter, in order). A digraph counts as a letter.
_NORDIC_Y: Final = {"ü": "y", "ű": "y"}
_TAILORED: Final[dict[str, tuple[tuple[str, tuple[str, ...]], ...]]] = {
    "es": (("n", ("ñ",)),),
    "sv": (("z", ("å", "ä æ", "ö ø")),),
    "fi": (("z", ("å", "ä æ", "ö ø")),),
    "da": (("z", ("æ ä", "ø ö", "å aa")),),
    "nb": (("z", ("æ ä", "ø ö", "å aa")),),
    "pl": (
        ("a", ("ą",)),
        ("c", ("ć",)),
        ("e", ("ę",)),
        ("l", ("ł",)),
        ("n", ("ń",)),
        ("o", ("ó",)),
        ("s", ("ś",)),
        ("z", ("ź", "ż")),
    ),
    "cs": (("c", ("č",)), ("h", ("ch",)), ("r", ("ř",)), ("s", ("š",)), ("z", ("ž",))),
    "hr": (
        ("c", ("č", "ć")),
        ("d", ("dž", "đ")),
        ("l", ("lj",)),
        ("n", ("nj",)),
        ("s", ("š",)),
        ("z", ("ž",)),
    ),
    "ro": (("a", ("ă", "â")), ("i", ("î",)), ("s", ("ş ș",)), ("t", ("ţ ț",))),
    "tr": (("c", ("ç",)), ("g", ("ğ",)), ("h", ("\u0131",)), ("o", ("ö",)), ("s", ("ş",)), ("u", ("ü",))),
}
_ALIKE: Final[dict[str, dict[str, str]]] = dict.fromkeys(("sv", "fi", "da", "nb"), _NORDIC_Y)

LOCALES: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        ("en", "en_US", "de", "de_AT", "fr", "it", "pt", "nl", "ca", "ga", "id", "ms", "sw", "zu", "fr_CA"), ""
    ),
    **{locale: locale for locale in _TAILORED},
    "no": "nb",
}
"""Locales that are carried, each with the locale whose extra letters it has (empty for none)."""

_LOCALE_SETTINGS: Final[Mapping[str, Mapping[str, Any]]] = {"da": {"caseFirst": "upper"}, "fr_CA": {"backwards": True}}

# CLDR's root order of what is not a letter, for ASCII and Latin-1.
_SPACES: Final = "\t\n\v\f\r\x85\u2028\u2029 \xa0"
_PUNCTUATION: Final = (
    "_\u203f-\u2010\u2013\u2014,;:!\xa1?\xbf.\u2026\xb7'\u2018\u2019\"\u201c\u201d\xab\xbb()[]{}\xa7\xb6@*/\\&#%\u2030"
)
_SYMBOLS: Final = "`\xb4\xa8^\xaf\xb8\xb0\xa9\xae+\xb1\xf7\xd7<=>|\xa6~\xac\xa4\xa2$\xa3\xa5\u20ac"
_PLACES: Final = {char: (0, place) for place, char in enumerate(_SPACES)}
_PLACES.update({char: (1, place) for place, char in enumerate(_PUNCTUATION)})
_PLACES.update({char: (2, place) for place, char in enumerate(_SYMBOLS)})

_DIGIT_CLASS: Final = 3
_LATIN_CLASS: Final = 4
_OTHER_CLASS: Final = 5

_ACCENTS: Final = "\u0301\u0300\u0306\u0302\u030c\u030a\u0308\u030b\u0303\u0307\u0338\u0327\u0328\u0304"
_ACCENT_PLACES: Final = {char: place for place, char in enumerate(_ACCENTS, start=1)}

# Letters that have no decomposition but differ from a base letter, or a pair of them, by an accent only.
_VARIANTS: Final = {
    "æ": "ae",
    "œ": "oe",
    "ß": "ss",
    "ø": "o\u0338",
    "ł": "l\u0338",
    "đ": "d\u0338",
    "\u017f": "s",
    "ĳ": "ij",
}
# Letters of their own, sorted just after another.
_OWN: Final = {
    "ð": ("d", 0.1),
    "ħ": ("h", 0.1),
    "\u0131": ("i", 0.1),
    "ŋ": ("n", 0.1),
    "ŧ": ("t", 0.1),
    "þ": ("z", 0.3),
}


@dataclass(frozen=True)
class Collation:
    """One way of comparing text. Made by :func:`parse_collation`.

    Attributes:
        locale: Whose order; one of :data:`LOCALES`.
        strength: 1 compares base letters, 2 accents too, 3 case too, 4 punctuation that was shifted, 5 code points.
        caseLevel: Compare case even at strength 1 and 2.
        caseFirst: ``upper``, ``lower`` or ``off``.
        numericOrdering: Compare runs of digits as numbers.
        alternate: ``shifted`` ignores spaces and punctuation up to strength 3.
        maxVariable: With ``shifted``: ``punct`` ignores both, ``space`` spaces only.
        backwards: Compare accents from the end, as French Canadian does.
        normalization: Accepted; text is always normalised.
    """

    locale: str
    strength: int = 3
    caseLevel: bool = False  # noqa: N815 - MongoDB's names, so that fields() describes the specification
    caseFirst: str = "off"  # noqa: N815
    numericOrdering: bool = False  # noqa: N815
    alternate: str = "non-ignorable"
    maxVariable: str = "punct"  # noqa: N815
    backwards: bool = False
    normalization: bool = False
    string_key: Callable[[str], Any] = field(init=False, repr=False, compare=False)
    sort_key: Callable[[Any], tuple[Any, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "string_key", lru_cache(maxsize=8192)(_Keys(self).key))
        object.__setattr__(self, "sort_key", make_sort_key(self.string_key))

    def __reduce__(self) -> tuple[Any, ...]:
        return parse_collation, (self.document(),)

    def document(self) -> dict[str, Any]:
        """Write the collation as MongoDB takes it.

        Returns:
            A dict with every setting.
        """
        return {item.name: getattr(self, item.name) for item in fields(self) if item.init}

    def compare(self, a: Any, b: Any) -> int:
        """Compare two values.

        Args:
            a: A value of any type.
            b: A value of any type.

        Returns:
            -1, 0 or 1.
        """
        left, right = self.sort_key(a), self.sort_key(b)
        return (left > right) - (left < right)

    def equal(self, a: Any, b: Any) -> bool:
        """Say whether two values are equal under this collation.

        Args:
            a: A value of any type.
            b: A value of any type.

        Returns:
            True exactly if :meth:`compare` gives 0.
        """
        return self.sort_key(a) == self.sort_key(b)

    def hash_key(self, value: Any) -> Any:
        """Give something hashable that stands for a value under this collation.

        Args:
            value: A value of any type.

        Returns:
            Equal for two values exactly if :meth:`equal` holds.
        """
        return self.sort_key(value)


Element = tuple[tuple[Any, ...], tuple[int, ...], bool]  # primary weight, accents, upper case


class _Keys:
    """Makes the keys of one collation."""

    def __init__(self, collation: Collation) -> None:
        self._strength = collation.strength
        self._case_level = collation.caseLevel
        self._upper_weight = -1 if collation.caseFirst == "upper" else 1
        self._case_first = collation.caseFirst != "off"
        self._numeric = collation.numericOrdering
        self._backwards = collation.backwards
        shifted = collation.alternate == "shifted"
        self._variable = (-1 if not shifted else 0 if collation.maxVariable == "space" else 1) + 1
        self._letters: dict[str, tuple[tuple[Any, ...], tuple[int, ...]]] = {}
        self._pairs: set[str] = set()
        tailoring = LOCALES[collation.locale]
        for base, groups in _TAILORED.get(tailoring, ()):
            for place, group in enumerate(groups, start=1):
                for accent, letter in enumerate(group.split(" ")):
                    self._letters[letter] = ((_LATIN_CLASS, base, place), (accent,) if accent else ())
                    if len(letter) > 1:
                        self._pairs.add(letter)
        for letter, base in _ALIKE.get(tailoring, {}).items():
            self._letters[letter] = ((_LATIN_CLASS, base, 0), (_ACCENT_PLACES["\u0308"],))

    def key(self, text: str) -> tuple[Any, ...]:
        elements = self._elements(text)
        variable = self._variable
        solid = [element for element in elements if element[0][0] >= variable] if variable else elements
        key: list[Any] = [tuple([element[0] for element in solid])]
        if self._strength >= 2:
            accents = [element[1] for element in solid]
            if self._backwards:
                accents.reverse()
            key.append(tuple(accents))
        if self._case_level or self._strength >= 3:
            weight = self._upper_weight
            key.append(tuple([weight if element[2] else 0 for element in solid]))
        if self._strength >= 4:
            # What is solid sorts after what was shifted aside.
            key.append(
                tuple([(1,) if element[0][0] >= variable else (0, element[0]) for element in elements])
                if variable
                else ()
            )
        if self._strength >= 5:
            key.append(unicodedata.normalize("NFD", text))
        return tuple(key)

    def _elements(self, text: str) -> list[Element]:
        text = unicodedata.normalize("NFC", text)
        elements: list[Element] = []
        position, length = 0, len(text)
        while position < length:
            char = text[position]
            if self._numeric and char.isdecimal():
                end = position
                while end < length and text[end].isdecimal():
                    end += 1
                digits = "".join([str(unicodedata.decimal(digit)) for digit in text[position:end]]).lstrip("0")
                elements.append(((_DIGIT_CLASS, len(digits), digits), (), False))
                position = end
                continue
            if self._pairs:
                pair = text[position : position + 2].lower()
                if pair in self._pairs:
                    primary, accents = self._letters[pair]
                    elements.append((primary, accents, char != char.lower()))
                    position += 2
                    continue
            self._add(char, elements)
            position += 1
        return elements

    def _add(self, char: str, elements: list[Element]) -> None:
        lower = char.lower()
        if len(lower) != 1:  # only U+0130, the dotted capital I of Turkish
            lower = "i"
        upper = lower != char
        known = self._letters.get(lower)
        if known is not None:
            elements.append((known[0], known[1], upper))
            return
        if "a" <= lower <= "z":
            elements.append(((_LATIN_CLASS, lower, 0), (), upper))
            return
        place = _PLACES.get(char)
        if place is not None:
            elements.append((place, (), False))
            return
        own = _OWN.get(lower)
        if own is not None:
            elements.append(((_LATIN_CLASS, *own), (), upper))
            return
        expanded = _VARIANTS.get(lower)
        if expanded is not None:
            self._expand(expanded, 64, upper, elements)
            return
        decomposed = unicodedata.normalize("NFD", lower)
        if len(decomposed) > 1:
            self._expand(decomposed, 0, upper, elements)
            return
        self._plain(lower, upper, elements)

    def _expand(self, parts: str, accent: int, upper: bool, elements: list[Element]) -> None:
        """Add the letters of a decomposition; marks, and *accent* if there are none, go to the last letter."""
        marked = False
        for part in parts:
            if unicodedata.combining(part):
                marked = True
                self._plain(part, False, elements)
            else:
                self._add(part, elements)
                if upper:
                    primary, accents, _ = elements[-1]
                    elements[-1] = (primary, accents, True)
        if accent and not marked:
            primary, accents, case = elements[-1]
            elements[-1] = (primary, (*accents, accent), case)

    def _plain(self, char: str, upper: bool, elements: list[Element]) -> None:
        if unicodedata.combining(char):
            weight = _ACCENT_PLACES.get(char, ord(char))
            if elements:
                primary, accents, case = elements[-1]
                elements[-1] = (primary, (*accents, weight), case)
            else:
                elements.append(((-1,), (weight,), False))
            return
        category = unicodedata.category(char)
        if category in {"Cc", "Cf"}:
            return
        if category == "Nd":
            elements.append(((_DIGIT_CLASS, 1, str(unicodedata.decimal(char)).strip("0")), (), False))
        elif category[0] == "Z":
            elements.append(((0, 100 + ord(char)), (), False))
        elif category[0] == "P":
            elements.append(((1, 100 + ord(char)), (), False))
        elif category[0] in "SN":
            elements.append(((2, 100 + ord(char)), (), False))
        else:
            elements.append(((_OTHER_CLASS, char, 0), (), upper))


_BOOLS: Final = frozenset({"caseLevel", "numericOrdering", "backwards", "normalization"})
_CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "caseFirst": ("upper", "lower", "off"),
    "alternate": ("non-ignorable", "shifted"),
    "maxVariable": ("punct", "space"),
}


@lru_cache(maxsize=256)
def _make(settings: tuple[tuple[str, Any], ...]) -> Collation:
    return Collation(**dict(settings))


def parse_collation(spec: Any) -> Collation | None:
    """Read a collation specification.

    Args:
        spec: A mapping as MongoDB takes it, a ``pymongo.collation.Collation``, a :class:`Collation`, or None.

    Returns:
        The collation; None if there is none or it is ``simple``. Equal specifications give the same object.

    Raises:
        QueryOptionError: It is not valid, or its locale is not carried.
    """
    if spec is None or isinstance(spec, Collation):
        return spec
    document: Any = getattr(spec, "document", spec)
    if not isinstance(document, Mapping):
        raise QueryOptionError(
            f"a collation is a mapping such as {{'locale': 'en'}}, not {type(spec).__qualname__}", mongo_code=14
        )
    settings = dict(cast("Mapping[str, Any]", document))
    settings.pop("version", None)
    locale = settings.get("locale")
    if not is_text(locale):
        raise QueryOptionError(
            "a collation needs a locale, as text", hint="add 'locale': 'en'", mongo_code=40414 if locale is None else 14
        )
    known = {item.name: item.default for item in fields(Collation) if item.init}
    for name, value in settings.items():
        if name not in known:
            raise QueryOptionError(
                f"a collation has no setting {name!r}; it has {', '.join(sorted(known))}", mongo_code=40415
            )
        _check_setting(name, value)
    if locale == "simple":
        if len(settings) > 1:
            raise QueryOptionError("the locale simple takes no other settings", mongo_code=9)
        return None
    if locale not in LOCALES:
        raise QueryOptionError(
            f"the locale {locale[:64]!r} is not carried; those that are: {', '.join(sorted(LOCALES))}, simple"
        )
    if "strength" in settings:
        settings["strength"] = int(settings["strength"])
    collation = _make(tuple(sorted({**known, **_LOCALE_SETTINGS.get(locale, {}), **settings}.items())))
    _check_together(collation)
    return collation


def _check_setting(name: str, value: Any) -> None:
    if name in _BOOLS and not isinstance(value, bool):
        raise QueryOptionError(f"the collation setting {name} is true or false, not {value!r:.64}", mongo_code=14)
    choices = _CHOICES.get(name)
    if choices is not None and (not is_text(value) or value not in choices):
        raise QueryOptionError(f"the collation setting {name} is one of {', '.join(choices)}, not {value!r:.64}")
    if name == "strength":
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise QueryOptionError(f"the collation strength is a number, not {value!r:.64}", mongo_code=14)
        if value not in {1, 2, 3, 4, 5}:
            raise QueryOptionError(f"the collation strength is 1 to 5, not {value!r:.64}", mongo_code=51024)


def _check_together(collation: Collation) -> None:
    """Refuse settings that contradict each other."""
    if collation.backwards and collation.strength == 1:
        raise QueryOptionError("the collation setting backwards orders accents, which strength 1 does not compare")
    if collation.caseFirst != "off" and not collation.caseLevel and collation.strength < 3:
        raise QueryOptionError(
            "the collation setting caseFirst needs caseLevel or a strength above 2, else case does not count"
        )
