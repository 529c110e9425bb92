"""The servers that these tests run on: one module each, and one line here.

A new server is a module with a :class:`~servers.kind.Kind`, and its name in :data:`KINDS`. Nothing else names it.
"""

from __future__ import annotations

from typing import Final

from servers.dynamodb import DYNAMODB, DYNOXIDE
from servers.firestore import FIRESTORE
from servers.kind import Kind, MissingServerError, Product, Server
from servers.mongodb import MONGODB
from servers.mysql import MYSQL
from servers.postgres import POSTGRES

__all__ = ["KINDS", "Kind", "MissingServerError", "Product", "Server"]

KINDS: Final[tuple[Kind, ...]] = (MONGODB, POSTGRES, MYSQL, FIRESTORE, DYNAMODB, DYNOXIDE)
"""Every kind of server, in the order in which the report names them."""
