"""Full text search with what each database has for it: words, however they stand, and the best rows first."""

from lexigram.sql.search.queries import FTSDialect, MySQLFTSQuery, PostgresFTSQuery, SQLiteFTSQuery
from lexigram.sql.search.run import FTSResult, full_text_search

__all__ = [
    "FTSDialect",
    "FTSResult",
    "MySQLFTSQuery",
    "PostgresFTSQuery",
    "SQLiteFTSQuery",
    "full_text_search",
]
