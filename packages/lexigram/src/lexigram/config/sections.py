"""The sections that installed distributions claim, and what becomes of the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel

from lexigram.config.environment import DELIMITER
from lexigram.config.problems import ConfigProblem, ConfigValidationError, read_as
from lexigram.config.tree import KeyPath, Leaf, Section, Source, SourceKind, dotted, from_json
from lexigram.plugins import PluginGroup
from lexigram.suggestions import near_miss

__all__ = ["CONFIG_SECTIONS", "known_model", "unfit_sections"]

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
