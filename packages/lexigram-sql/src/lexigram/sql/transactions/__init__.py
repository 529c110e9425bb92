"""Connections held by a task for a while, and the transactions on them."""

from lexigram.sql.transactions.lease import Lease, current_lease
from lexigram.sql.transactions.transaction import TransactionScope, finished

__all__ = ["Lease", "TransactionScope", "current_lease", "finished"]
