"""Queries described in Python, compiled by SQLAlchemy Core, and cached by shape.

* :mod:`~lexigram.sql.query.builder`: ``AsyncQueryBuilder``, what applications write.
* :mod:`~lexigram.sql.query.operators`: comparisons, and the register for more.
* :mod:`~lexigram.sql.query.predicates`: filter expressions as SQL and as Python.
* :mod:`~lexigram.sql.query.descriptor`: ``Query``, what is wanted without a table, and its builders.
* :mod:`~lexigram.sql.query.paging`, :mod:`~lexigram.sql.query.cursors`: pages by number and by cursor.
* :mod:`~lexigram.sql.query.sqlalchemy_query`: a ``select()`` of SQLAlchemy, run on our connections.
* :mod:`~lexigram.sql.query.compile`, :mod:`~lexigram.sql.query.conditions`: how a shape becomes SQL.

The same query gives the same rows on every database: :mod:`~lexigram.sql.query.ordering` says where NULL stands,
:mod:`~lexigram.sql.query.patterns` what LIKE matches. What still differs: on MySQL, text is equal and ordered as the
column's collation says, which usually overlooks case; give columns ``COLLATE utf8mb4_bin`` where case counts.
"""

from lexigram.contracts.data.sql.sql_dialect import SQLDialect
from lexigram.contracts.domain.pagination import CursorPage, Page
from lexigram.sql.exceptions import CursorError
from lexigram.sql.query.builder import AsyncQueryBuilder
from lexigram.sql.query.cursors import CursorCodec
from lexigram.sql.query.descriptor import Query, QueryBuilder, SearchQueryBuilder
from lexigram.sql.query.joins import JoinType
from lexigram.sql.query.operators import Operator, QueryOperatorRegistry, operator_registry
from lexigram.sql.query.paging import CursorPaginator, OffsetPaginator
from lexigram.sql.query.parameterized import ParameterizedQuery
from lexigram.sql.query.predicates import PredicateCompiler
from lexigram.sql.query.raw import RawSQL
from lexigram.sql.query.sqlalchemy_query import SqlQueryBuilder

__all__ = [
    "AsyncQueryBuilder",
    "CursorCodec",
    "CursorError",
    "CursorPage",
    "CursorPaginator",
    "JoinType",
    "OffsetPaginator",
    "Operator",
    "Page",
    "ParameterizedQuery",
    "PredicateCompiler",
    "Query",
    "QueryBuilder",
    "QueryOperatorRegistry",
    "RawSQL",
    "SQLDialect",
    "SearchQueryBuilder",
    "SqlQueryBuilder",
    "operator_registry",
]
