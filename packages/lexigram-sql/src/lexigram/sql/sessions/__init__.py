"""Connections and sessions as applications hold them."""

from lexigram.sql.sessions.connection import HeldConnection
from lexigram.sql.sessions.session import DbSession, create_session_factory

__all__ = ["DbSession", "HeldConnection", "create_session_factory"]
