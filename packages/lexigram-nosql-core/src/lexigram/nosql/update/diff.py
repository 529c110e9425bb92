"""What changed between two versions of a document, as change feeds tell it (manual, "update Event").

Objects are compared field by field, arrays element by element while they only grow or keep their length; an array that
became shorter is given whole. ``_id`` never differs.
"""

# Values are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lexigram.nosql.update.identical import identical
from lexigram.nosql.values.copying import copy_value
from lexigram.nosql.values.path import MISSING

__all__ = ["UpdateDescription", "describe_change"]


@dataclass(slots=True)
class UpdateDescription:
    """The difference between two versions of a document.

    Attributes:
        updated_fields: Dotted paths that were set, and their new values (copies).
        removed_fields: Dotted paths that went.
    """

    updated_fields: dict[str, Any] = field(default_factory=dict[str, Any])
    removed_fields: list[str] = field(default_factory=list[str])


def describe_change(old: dict[str, Any], new: dict[str, Any]) -> UpdateDescription:
    """Compare two versions of a document.

    Args:
        old: The version before. Parts that both share are not looked into.
        new: The version after.

    Returns:
        The difference; empty where only the order of fields differs.
    """
    description = UpdateDescription()
    _objects(old, new, "", description)
    return description


def _objects(old: dict[str, Any], new: dict[str, Any], prefix: str, description: UpdateDescription) -> None:
    for name, value in new.items():
        _values(old.get(name, MISSING), value, prefix + name, description)
    description.removed_fields.extend([prefix + name for name in old if name not in new])


def _values(old: Any, new: Any, path: str, description: UpdateDescription) -> None:
    if old is new:
        return
    cls = type(new)
    if cls is type(old):
        if cls is dict:
            _objects(old, new, f"{path}.", description)
            return
        if cls is list and 0 < len(old) <= len(new):
            changed = [place for place, item in enumerate(old) if not identical(item, new[place])]
            # An array that is mostly different reads better whole.
            if 2 * len(changed) <= len(old):
                for place in changed:
                    _values(old[place], new[place], f"{path}.{place}", description)
                for place in range(len(old), len(new)):
                    description.updated_fields[f"{path}.{place}"] = copy_value(new[place])
                return
        if identical(old, new):
            return
    description.updated_fields[path] = copy_value(new)
