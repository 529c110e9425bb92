"""The sections that installed distributions claim, and what becomes of the others.

A distribution may also claim single keys of a section that another one, or nobody, claims as a whole: the entry point
``database.documents`` names a model that reads the section ``database`` for its own keys. Each model then sees the
section without what is claimed by others.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import replace
from typing import Any

from pydantic import BaseModel

from lexigram.config.environment import DELIMITER
from lexigram.config.fields import input_names
from lexigram.config.problems import ConfigProblem, ConfigValidationError, read_as
from lexigram.config.tree import KeyPath, Leaf, Section, Source, SourceKind, dotted, from_json
from lexigram.plugins import PluginGroup
from lexigram.suggestions import near_miss

__all__ = ["CONFIG_SECTIONS", "claimed_keys", "known_model", "own_part", "unfit_sections"]

_NEAR = 0.8  # more than elsewhere, since an application may call its sections as it likes


def _is_model(kind: type) -> str | None:
    return None if issubclass(kind, BaseModel) else f"{kind.__qualname__} is no pydantic model"


CONFIG_SECTIONS: PluginGroup[type[Any]] = PluginGroup("lexigram.config", type, check=_is_model)
"""The sections that installed distributions claim, with the models that read them."""


def known_model(name: str) -> type[Any] | None:
    """The model of a section, if a distribution claims it.

    Args:
        name: The section.

    Raises:
        PluginError: The model cannot be loaded.
    """
    return CONFIG_SECTIONS.load(name) if name in CONFIG_SECTIONS.names() else None


def claimed_keys(section: str) -> dict[str, type[Any]]:
    """The keys of a section that distributions claim one by one, with the models that read them.

    Args:
        section: The section's dotted name.

    Raises:
        PluginError: A model cannot be loaded.
    """
    start = f"{section}."
    return {
        name.removeprefix(start): CONFIG_SECTIONS.load(name)
        for name in CONFIG_SECTIONS.names()
        if name.startswith(start) and "." not in name.removeprefix(start)
    }


def own_part(node: Section, model: type[Any], claims: Container[str]) -> Section:
    """A section without the keys that others claim.

    Args:
        node: The section.
        model: Who reads it. What it knows, it sees, whoever else claims it.
        claims: The keys of the section that are claimed one by one.
    """
    known = input_names(model) if issubclass(model, BaseModel) else {}
    entries = {key: child for key, child in node.entries.items() if key in known or key not in claims}
    return replace(node, entries=entries)


def unfit_sections(node: Section, own: Mapping[str, Any], *, strict: bool, path: KeyPath) -> list[ConfigProblem]:
    """What is wrong with the sections: known ones that do not fit their models, and names that nobody knows.

    Args:
        node: The configuration.
        own: The settings that are no sections.
        strict: Refuse every unknown name.
        path: Where the configuration stands in its file.

    Returns:
        The problems.
    """
    problems: list[ConfigProblem] = []
    known = CONFIG_SECTIONS.names()
    for key, child in node.entries.items():
        if key in own:
            continue
        where = (*path, key)
        claims = claimed_keys(key)
        if claims and isinstance(child, Section):
            for model in dict.fromkeys(claims.values()):
                part = {name: inner for name, inner in child.entries.items() if claims.get(name) is model}
                try:
                    read_as(model, replace(child, entries=part), where)
                except ConfigValidationError as error:
                    problems += error.problems
            rest = {name: inner for name, inner in child.entries.items() if name not in claims}
            if not rest and child.entries:
                continue
            child = replace(child, entries=rest)
        if key in known:
            model = CONFIG_SECTIONS.load(key)
            try:
                if not (isinstance(child, Leaf) and (child.value is None or isinstance(child.value, model))):
                    read_as(model, from_json(child) if isinstance(child, Leaf) else child, where)
            except ConfigValidationError as error:
                problems += error.problems
            continue
        nearest = _with_levels(key, known, child.source) or near_miss(key, [*own, *known], cutoff=_NEAR)
        if nearest is not None:
            problems.append(ConfigProblem(dotted(where), f"unknown key; did you mean {nearest!r}?", child.source))
        elif strict:
            claimed = ", ".join(known) or "none"
            problems.append(
                ConfigProblem(
                    dotted(where), f"unknown section, and strict_sections is on; known are: {claimed}", child.source
                )
            )
    return problems


def _with_levels(key: str, known: Iterable[str], source: Source) -> str | None:
    """The variable that was meant by one that has a single underscore after a section's name."""
    section = next((name for name in known if key.startswith(f"{name}_")), None)
    variable = source.name if source.kind is SourceKind.ENVIRONMENT else source.variable
    if section is None or variable is None:
        return None
    start = variable.lower().find(key)
    end = start + len(section)
    return None if start < 0 else f"{variable[:end]}{DELIMITER}{variable[end + 1 :]}"
