"""Files with a layer for each environment: ``[default]``, and over it ``[production]``, ``[testing]`` and so on.

::

    [default.database.documents.main]
    backend = "mongodb"

    [testing.database.documents.main]
    backend = "local"
"""

from __future__ import annotations

from collections.abc import Mapping

from lexigram.config.tree import Section, merge
from lexigram.contracts.core.config import Environment
from lexigram.contracts.exceptions.config import ConfigurationError
from lexigram.suggestions import did_you_mean

__all__ = ["DEFAULT_LAYER", "environment_name", "layered"]

DEFAULT_LAYER = "default"
"""The layer that holds for every environment."""


def environment_name(environment: str | None, environ: Mapping[str, str]) -> str:
    """The name of the environment whose layer counts.

    Args:
        environment: What the caller says, or None for ``LEX_ENV``, else ``APP_ENV``, else ``development``.
        environ: The variables.

    Returns:
        The name in small letters; ``prod`` and its like are written out, names of one's own are left.
    """
    return _full(environment or environ.get("LEX_ENV") or environ.get("APP_ENV") or Environment.DEVELOPMENT)


def layered(tree: Section, environment: str, *, required: bool) -> Section:
    """Lay the environment's layer over the default one.

    Args:
        tree: What a file holds: one table for each layer.
        environment: Whose layer counts.
        required: The environment was asked for by name, so its layer must be there.

    Returns:
        The settings, without the layers' names.

    Raises:
        ConfigurationError: A setting stands outside of the layers, two layers mean the same environment, or the layer
            asked for is missing.
    """
    layers: dict[str, Section] = {}
    for name, node in tree.entries.items():
        if not isinstance(node, Section):
            raise ConfigurationError(
                f"{name} stands outside of the layers ({node.source})",
                key=name,
                source=str(node.source),
                hint=f"Put it under [{DEFAULT_LAYER}], or under the environment that it is for.",
            )
        layer = _full(name)
        if layer in layers:
            raise ConfigurationError(
                f"two layers are for {layer} ({layers[layer].source} and {node.source})",
                key=name,
                source=str(node.source),
                hint="Put them together.",
            )
        layers[layer] = node
    if required and environment not in layers:
        known = ", ".join(layers) or "none"
        raise ConfigurationError(
            f"there is no layer for the environment {environment!r}{did_you_mean(environment, layers)}; "
            f"there are: {known}",
            source=str(tree.source),
            hint=f"Write [{environment}] into the file, even with nothing in it, or choose another environment.",
        )
    base = layers.get(DEFAULT_LAYER, Section({}, tree.source))
    over = layers.get(environment)
    merged = base if over is None or environment == DEFAULT_LAYER else merge(base, over)
    return merged if isinstance(merged, Section) else base


def _full(name: str) -> str:
    try:
        return Environment.parse(name).value
    except ConfigurationError:
        return name.strip().lower()
