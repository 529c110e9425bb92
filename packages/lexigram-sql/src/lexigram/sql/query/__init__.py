"""Queries described in Python, compiled by SQLAlchemy Core, and cached by shape.

* :mod:`~lexigram.sql.query.builder`: ``AsyncQueryBuilder``, what applications write.
* :mod:`~lexigram.sql.query.operators`: comparisons, and the register for more.
* :mod:`~lexigram.sql.query.predicates`: filter expressions as SQL and as Python.
* :mod:`~lexigram.sql.query.compile`, :mod:`~lexigram.sql.query.conditions`: how a shape becomes SQL.
"""

from lexigram.contracts.data.sql.sql_dialect import SQLDialect
from lexigram.sql.query.builder import AsyncQueryBuilder
from lexigram.sql.query.joins import JoinType
from lexigram.sql.query.operators import Operator, QueryOperatorRegistry, operator_registry
from lexigram.sql.query.parameterized import ParameterizedQuery
from lexigram.sql.query.predicates import PredicateCompiler
from lexigram.sql.query.raw import RawSQL

__all__ = [
    "AsyncQueryBuilder",
    "JoinType",
    "Operator",
    "ParameterizedQuery",
    "PredicateCompiler",
    "QueryOperatorRegistry",
    "RawSQL",
    "SQLDialect",
    "operator_registry",
]
