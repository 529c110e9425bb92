"""An open connection to DynamoDB."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from botocore.exceptions import ClientError
from lexigram.nosql.backends.dynamodb.client import DynamoClient
from lexigram.nosql.backends.dynamodb.collection import DynamoDBCollection
from lexigram.nosql.backends.dynamodb.compiling import compile_find, compile_reach
from lexigram.nosql.backends.dynamodb.config import DynamoDBConfig
from lexigram.nosql.backends.dynamodb.errors import classify, error_code
from lexigram.nosql.backends.dynamodb.layouts.home import Home
from lexigram.nosql.backends.dynamodb.layouts.homes import Homes
from lexigram.nosql.backends.dynamodb.layouts.removing import remove_collection
from lexigram.nosql.backends.dynamodb.reading.native import NativeFind, Reach
from lexigram.nosql.backends.dynamodb.reading.reader import Reader
from lexigram.nosql.backends.dynamodb.transactions import Transaction
from lexigram.nosql.backends.dynamodb.writing.writer import Writer
from lexigram.nosql.driver import Access, Compiled, Hint
from lexigram.nosql.exceptions import NoSQLError, NoSQLIndexError, WriteConflictError
from lexigram.nosql.finishing import to_the_end
from lexigram.nosql.query.parse import Query
from lexigram.nosql.query.plan import ScanGuard
from lexigram.nosql.query.sort import Sort

__all__ = ["DynamoDBDriver", "connect"]

_TRANSACTION_ADVICE: Final = (
    "Transactions do not read global indexes, which lag behind their table: ask by _id, or find the ids before the "
    "transaction begins, and read them again in it."
)


async def connect(config: DynamoDBConfig) -> DynamoDBDriver:
    """Make a client on the running event loop, and ask for what is recorded of collections.

    Args:
        config: The configuration.

    Raises:
        NoSQLConnectionError: The service does not answer, or a setting is not valid.
        AuthenticationFailedError: It refuses the credentials.
    """
    client = DynamoClient(config)
    driver: DynamoDBDriver | None = None
    try:
        await client.open()
        driver = DynamoDBDriver(client, config)
        await driver.homes.open()
    except Exception as error:
        await to_the_end(client.close())
        found = classify(error)
        if found is None:
            raise
        raise found from error
    except BaseException:
        await to_the_end(client.close())
        raise
    return driver


class DynamoDBDriver:
    """An open connection.

    Args:
        client: The client, open.
        config: Its configuration.

    Attributes:
        client: The client.
        config: The configuration.
        homes: Where collections lie.
        reader: Reads items.
        writer: Writes items.
    """

    shares_documents = False

    def __init__(self, client: DynamoClient, config: DynamoDBConfig) -> None:
        self.client = client
        self.config = config
        self.homes = Homes(client, config)
        self.reader = Reader(client, config)
        self.writer = Writer(client, config, self.homes)
        self._scans = ScanGuard(config.scan_policy, "dynamodb")

    @property
    def native(self) -> Any:
        """The SDK's own client, of aioboto3."""
        return self.client.native

    def collection(self, name: str) -> DynamoDBCollection:
        """A handle on a collection."""
        return DynamoDBCollection(self, name)

    async def ping(self) -> Mapping[str, Any]:
        """Read what is recorded of collections, which every store may."""
        await self.homes.catalogue.read()
        return {
            "region": self.config.region,
            "layout": self.config.layout,
            "table_name": self.config.table_name,
        }

    async def list_collections(self) -> list[str]:
        """Names of the collections."""
        return await self.homes.list()

    async def drop_collection(self, name: str) -> None:
        """Remove a collection with its documents, indexes and guards."""
        await remove_collection(self.client, self.config, self.homes, name)

    async def close(self) -> None:
        """Close every connection."""
        await self.homes.close()
        await self.client.close()

    def classify(self, error: BaseException) -> NoSQLError | None:
        """Translate an error of the SDK by its code."""
        return classify(error)

    # --- transactions

    async def begin(self) -> Transaction:
        """Start a transaction; no request is made."""
        return Transaction(self)

    async def commit(self, session: Transaction) -> None:
        """Store what a transaction wrote.

        Raises:
            WriteConflictError: Somebody was first, or has removed a table; nothing was written.
        """
        try:
            await session.commit()
        except ClientError as error:
            if error_code(error) != "ResourceNotFoundException":
                raise
            self.homes.lost_any()
            raise WriteConflictError(
                "a table of this transaction was removed meanwhile; nothing was written",
                hint="Run the transaction again; store.run_transaction() does.",
            ) from error

    async def rollback(self, session: Transaction) -> None:
        """Forget what a transaction wrote."""
        session.rollback()

    def compile(self, home: Home, query: Query, sort: Sort | None, hint: Hint | None) -> Compiled:
        """Compile a read; see :func:`~lexigram.nosql.backends.dynamodb.compiling.compile_find`."""
        return compile_find(home, query, sort, hint, consistent=self.config.consistent_reads)

    def strict_reach(self, home: Home, find: NativeFind) -> Reach:
        """How a read of a transaction reaches what was written last.

        A global index lags behind its table, so what such an index would serve is a scan here.

        Raises:
            ScanDeniedError: It reads the whole collection for a part of it, and ``scan_policy`` is ``deny``.
        """
        try:
            reach = compile_reach(home, find.query, find.sort, find.hint, consistent=True)
        except NoSQLIndexError:
            # The hint was good when the read was compiled, but this index cannot be read consistently.
            reach = compile_reach(home, find.query, find.sort, None, consistent=True)
        if self.config.scan_policy != "allow" and reach.access != find.reach.access:
            compiled = Compiled(reach.access, find, reach.residue, reach.ordered)
            self._scans.check(home.collection, compiled, find.query, find.sort, advice=_TRANSACTION_ADVICE)
        return reach

    def key_reach(self, home: Home) -> Reach:
        """How documents of known keys are reached."""
        return Reach("keys", Access("key", fields=("_id",)))
