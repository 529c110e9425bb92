"""What each backend does itself, as the conformance kit observed it; see the table in the repository's readme."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, cast

from lexigram.nosql.backend import Capabilities

__all__ = ["FeatureTable", "load_features"]


@dataclass(frozen=True, slots=True)
class FeatureTable:
    """The observations that were shipped.

    Attributes:
        rows: Features in order: ``name``, ``title``, and ``kind``, which is ``work``, ``capability`` or ``limit``.
        backends: For each backend the ``cells`` by feature, and the versions it was observed on.
    """

    rows: tuple[Mapping[str, str], ...]
    backends: Mapping[str, Mapping[str, Any]]

    def cell(self, row: Mapping[str, str], backend: str, distribution: str, declared: Capabilities) -> str:
        """What to show of a feature of an installed backend.

        Args:
            row: The feature.
            backend: The backend's name.
            distribution: Who provides it: a name alone may be another's.
            declared: What its spec says, for a backend that was not observed.

        Returns:
            A few words.
        """
        column = self.backends.get(backend)
        if column is not None and column["distribution"] == distribution:
            return str(column["cells"].get(row["name"], "not observed"))
        if row["kind"] == "work":
            return "not observed"
        value = getattr(declared, row["name"], None)
        if row["kind"] == "limit":
            return "none" if value is None else f"{value:,}"
        return "declared" if value else "not offered"

    def origin(self, backend: str, distribution: str) -> str:
        """What the column of a backend rests on, in words."""
        column = self.backends.get(backend)
        if column is None or column["distribution"] != distribution:
            return "as declared, not observed"
        facts = cast("Mapping[str, Any]", column["server"])
        server = facts.get("version")
        return f"observed on {distribution} {column['version']}" + (f", server {server}" if server else "")


def load_features() -> FeatureTable:
    """Read the observations."""
    told = json.loads(files("lexigram.nosql.cli").joinpath("features.json").read_text(encoding="utf-8"))
    return FeatureTable(tuple(told["rows"]), cast("Mapping[str, Mapping[str, Any]]", told["backends"]))
