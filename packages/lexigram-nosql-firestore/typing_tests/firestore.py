"""What type checkers see of the Firestore backend; checked by mypy and pyright, never run."""

from __future__ import annotations

from typing import assert_type

from lexigram.nosql.backends.firestore import FirestoreBackend, FirestoreConfig, FirestoreDocumentStore
from lexigram.nosql.collection import Collection
from pydantic import SecretStr


async def stores() -> None:
    config = FirestoreConfig(
        project_id="shop",
        credentials_json=SecretStr("key.json"),
        database_id="eu",
        emulator_host="localhost:8080",
        fields={"orders": {"status": "required text"}},
    )
    async with FirestoreDocumentStore(config) as store:
        assert_type(store, FirestoreDocumentStore)
        assert_type(store.collection("users/ada/orders"), Collection)
    assert_type(FirestoreBackend(config=config), FirestoreDocumentStore)
    assert_type(config.credentials_json, SecretStr | None)
