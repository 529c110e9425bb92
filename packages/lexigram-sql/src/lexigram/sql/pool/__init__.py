"""Connections that are kept open and lent: bounds, time limits, replacement of old and dead ones, figures."""

from lexigram.sql.pool.pool import Pool, PoolStats
from lexigram.sql.pool.simple import AbstractConnectionPool, SimpleConnectionPool
from lexigram.sql.pool.split import ConnectionPool

__all__ = ["AbstractConnectionPool", "ConnectionPool", "Pool", "PoolStats", "SimpleConnectionPool"]
