"""How an application gets its databases."""

from lexigram.sql.di.provider import DatabaseProvider

__all__ = ["DatabaseProvider"]
