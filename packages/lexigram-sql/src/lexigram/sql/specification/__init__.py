"""Conditions as objects that combine: in SQL, and in memory."""

from lexigram.sql.specification.memory import (
    AndMemorySpecification,
    MemorySpecification,
    MemorySpecificationBuilder,
    NotMemorySpecification,
    OrMemorySpecification,
)
from lexigram.sql.specification.sql import (
    AndSqlSpecification,
    FieldBetween,
    FieldEquals,
    FieldGreaterThan,
    FieldIn,
    FieldIsNotNull,
    FieldIsNull,
    FieldLessThan,
    FieldLike,
    NotSqlSpecification,
    OrSqlSpecification,
    RawSpecification,
    SqlSpecification,
)

__all__ = [
    "AndMemorySpecification",
    "AndSqlSpecification",
    "FieldBetween",
    "FieldEquals",
    "FieldGreaterThan",
    "FieldIn",
    "FieldIsNotNull",
    "FieldIsNull",
    "FieldLessThan",
    "FieldLike",
    "MemorySpecification",
    "MemorySpecificationBuilder",
    "NotMemorySpecification",
    "NotSqlSpecification",
    "OrMemorySpecification",
    "OrSqlSpecification",
    "RawSpecification",
    "SqlSpecification",
]
