"""Stages that are known and not offered, with what to do instead."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NoReturn

from lexigram.nosql.aggregation.stages.base import Stage
from lexigram.nosql.aggregation.stages.parsing import Env
from lexigram.nosql.exceptions import UnsupportedFeatureError

__all__ = ["REFUSED"]

_SERVER: Final = "It reads what only a MongoDB server knows: use store.native there."
_SEARCH: Final = "It needs Atlas Search: use $match with $text or $regex, or store.native there."
_STREAM: Final = "Follow changes with watch()."

_HINTS: Final[Mapping[str, str]] = {
    "$geoNear": "Geospatial queries are not carried: use store.native on a MongoDB server.",
    "$collStats": _SERVER,
    "$indexStats": _SERVER,
    "$planCacheStats": _SERVER,
    "$currentOp": _SERVER,
    "$listSessions": _SERVER,
    "$listLocalSessions": _SERVER,
    "$listSampledQueries": _SERVER,
    "$listClusterCatalog": _SERVER,
    "$listSearchIndexes": _SEARCH,
    "$querySettings": _SERVER,
    "$queryStats": _SERVER,
    "$shardedDataDistribution": _SERVER,
    "$search": _SEARCH,
    "$searchMeta": _SEARCH,
    "$vectorSearch": _SEARCH,
    "$rankFusion": _SEARCH,
    "$scoreFusion": _SEARCH,
    "$score": _SEARCH,
    "$changeStream": _STREAM,
    "$changeStreamSplitLargeEvent": _STREAM,
}


def _refuse(name: str, hint: str) -> Callable[[Any, Env], Sequence[Stage]]:
    def parse(specification: Any, env: Env) -> NoReturn:
        raise UnsupportedFeatureError(f"the stage {name} is not offered", hint=hint, feature=name)

    return parse


REFUSED: Final[Mapping[str, Callable[[Any, Env], Sequence[Stage]]]] = MappingProxyType(
    {name: _refuse(name, hint) for name, hint in _HINTS.items()}
)
"""Parsers of stages that raise ``UnsupportedFeatureError``, by name."""
