"""Which stages there are, and where they may stand."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from lexigram.nosql.aggregation.stages.additions import parse_add_fields
from lexigram.nosql.aggregation.stages.bucket import parse_bucket
from lexigram.nosql.aggregation.stages.bucket_auto import parse_bucket_auto
from lexigram.nosql.aggregation.stages.count import parse_count
from lexigram.nosql.aggregation.stages.densify import parse_densify
from lexigram.nosql.aggregation.stages.documents import parse_documents
from lexigram.nosql.aggregation.stages.facet import parse_facet
from lexigram.nosql.aggregation.stages.fill import parse_fill
from lexigram.nosql.aggregation.stages.graph_lookup import parse_graph_lookup
from lexigram.nosql.aggregation.stages.group import parse_group, parse_sort_by_count
from lexigram.nosql.aggregation.stages.limit import parse_limit, parse_skip
from lexigram.nosql.aggregation.stages.lookup import parse_lookup
from lexigram.nosql.aggregation.stages.match import parse_match
from lexigram.nosql.aggregation.stages.merge import parse_merge
from lexigram.nosql.aggregation.stages.out import parse_out
from lexigram.nosql.aggregation.stages.parsing import StageParser
from lexigram.nosql.aggregation.stages.project import parse_project, parse_unset
from lexigram.nosql.aggregation.stages.redact import parse_redact
from lexigram.nosql.aggregation.stages.refused import REFUSED
from lexigram.nosql.aggregation.stages.replace_root import parse_replace_root, parse_replace_with
from lexigram.nosql.aggregation.stages.sample import parse_sample
from lexigram.nosql.aggregation.stages.set_window_fields import parse_set_window_fields
from lexigram.nosql.aggregation.stages.sort import parse_sort_stage
from lexigram.nosql.aggregation.stages.union_with import parse_union_with
from lexigram.nosql.aggregation.stages.unwind import parse_unwind

__all__ = ["NOT_IN_FACET", "OFFERED", "STAGES", "TRANSFORMS", "WRITING"]

OFFERED: Final[Mapping[str, StageParser]] = MappingProxyType(
    {
        "$addFields": parse_add_fields("$addFields"),
        "$bucket": parse_bucket,
        "$bucketAuto": parse_bucket_auto,
        "$count": parse_count,
        "$densify": parse_densify,
        "$documents": parse_documents,
        "$facet": parse_facet,
        "$fill": parse_fill,
        "$graphLookup": parse_graph_lookup,
        "$group": parse_group,
        "$limit": parse_limit,
        "$lookup": parse_lookup,
        "$match": parse_match,
        "$merge": parse_merge,
        "$out": parse_out,
        "$project": parse_project,
        "$redact": parse_redact,
        "$replaceRoot": parse_replace_root,
        "$replaceWith": parse_replace_with,
        "$sample": parse_sample,
        "$set": parse_add_fields("$set"),
        "$setWindowFields": parse_set_window_fields,
        "$skip": parse_skip,
        "$sort": parse_sort_stage,
        "$sortByCount": parse_sort_by_count,
        "$unionWith": parse_union_with,
        "$unset": parse_unset,
        "$unwind": parse_unwind,
    }
)
"""Parsers of the stages that are offered, by name."""

STAGES: Final[Mapping[str, StageParser]] = MappingProxyType({**OFFERED, **REFUSED})
"""Parsers of all stages that are known, those that refuse among them."""

WRITING: Final = frozenset({"$merge", "$out"})
"""Stages that write, and so must be the last."""

NOT_IN_FACET: Final = WRITING | {"$facet", "$documents", *REFUSED}
"""Stages that a facet may not hold, at any depth."""

TRANSFORMS: Final = frozenset({"$addFields", "$set", "$unset", "$project", "$replaceRoot", "$replaceWith"})
"""Stages that make one document of one, as updates need them."""
