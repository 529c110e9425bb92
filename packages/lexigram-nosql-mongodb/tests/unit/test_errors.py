"""Every error of PyMongo and of the server becomes one of Lexigram's, by class, label and code."""

from __future__ import annotations

import inspect
import pickle
from typing import Any

import bson.errors
import pymongo.errors
import pytest
from lexigram.nosql import exceptions as lexigram
from lexigram.nosql.backends.mongodb.errors import CODES, classify, write_failures

SERVER_CODES = [
    *(2, 6, 7, 9, 11, 13, 14, 15, 18, 20, 22, 24, 27, 28, 40, 43, 50, 52, 53, 56, 57, 59, 64, 66, 67, 68, 72, 73),
    *(85, 86, 89, 91, 112, 115, 121, 123, 133, 134, 136, 143, 146, 166, 171, 175, 189, 197, 202, 206, 222, 225, 234),
    *(237, 238, 239, 246, 251, 256, 257, 260, 262, 263, 267, 280, 286, 290, 291, 292, 322, 323, 324, 346, 365, 391),
    *(402, 433, 449, 462, 9001, 10058, 10107, 10334, 11000, 11001, 11600, 11602, 12582, 13435, 13436, 16500, 40573),
]


def classes_of(module: Any) -> list[type[BaseException]]:
    found = [value for _, value in inspect.getmembers(module, inspect.isclass) if issubclass(value, Exception)]
    # PyMongo re-exports a class of the standard library, which it catches itself.
    return [value for value in found if value.__module__ == module.__name__]


def made(kind: type[BaseException]) -> BaseException:
    """An instance of a class of errors, whatever its constructor takes."""
    if kind is pymongo.errors.BulkWriteError:
        return kind({"writeErrors": [], "writeConcernErrors": []})
    if kind is pymongo.errors.ClientBulkWriteException:
        return pymongo.errors.ClientBulkWriteException(
            {"error": None, "writeErrors": [], "writeConcernErrors": []}, verbose=False
        )
    if kind is pymongo.errors.EncryptionError:
        return kind(ValueError("key"))
    if kind is pymongo.errors.EncryptedCollectionError:
        return pymongo.errors.EncryptedCollectionError(ValueError("key"), {})
    return kind("it went wrong")


def failure(code: int | None, message: str = "it went wrong", labels: Any = (), **details: Any) -> Any:
    return pymongo.errors.OperationFailure(
        message, code, {"errmsg": message, "code": code, "errorLabels": list(labels), **details}
    )


@pytest.mark.parametrize("kind", classes_of(pymongo.errors) + classes_of(bson.errors), ids=lambda kind: kind.__name__)
def test_no_class_of_errors_escapes(kind: type[BaseException]) -> None:
    """Also those that later versions of PyMongo add: each is at least a NoSQLError."""
    translated = classify(made(kind))

    assert isinstance(translated, lexigram.NoSQLError)
    assert translated.message
    assert type(pickle.loads(pickle.dumps(translated))) is type(translated)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (pymongo.errors.ServerSelectionTimeoutError, lexigram.NoSQLConnectionError),
        (pymongo.errors.AutoReconnect, lexigram.NoSQLConnectionError),
        (pymongo.errors.NotPrimaryError, lexigram.NoSQLConnectionError),
        (pymongo.errors.NetworkTimeout, lexigram.NoSQLTimeoutError),
        (pymongo.errors.ExecutionTimeout, lexigram.NoSQLTimeoutError),
        (pymongo.errors.WTimeoutError, lexigram.NoSQLTimeoutError),
        (pymongo.errors.WaitQueueTimeoutError, lexigram.NoSQLTimeoutError),
        (pymongo.errors.CursorNotFound, lexigram.CursorError),
        (pymongo.errors.DuplicateKeyError, lexigram.DuplicateKeyError),
        (pymongo.errors.DocumentTooLarge, lexigram.DocumentTooLargeError),
        (pymongo.errors.InvalidURI, lexigram.NoSQLConnectionError),
        (pymongo.errors.InvalidName, lexigram.DocumentValidationError),
        (bson.errors.InvalidDocument, lexigram.DocumentValidationError),
    ],
    ids=lambda kind: kind.__name__,
)
def test_a_class_without_a_code_says_what_it_is(kind: type[BaseException], expected: type[lexigram.NoSQLError]) -> None:
    """The network's errors have no code."""
    assert type(classify(made(kind))) is expected


@pytest.mark.parametrize("code", SERVER_CODES)
def test_a_code_of_the_server_is_in_the_table(code: int) -> None:
    """And what comes out of it keeps the code."""
    translated = classify(failure(code))

    assert type(translated) is CODES[code]
    assert translated.mongo_code in (code, 11000)


def test_the_table_and_the_list_here_name_the_same_codes() -> None:
    """A code that is added there is tested here, but for aliases within one family."""
    more = {55, 116, 167, 201, 214, 216, 217, 224, 235, 276, 279, 282, 285, 317, 334, 337, 351, 357, 359, 363}
    more |= {16746, 376, 378, 384, 388, 407, 17419, 17420}

    assert set(CODES) == set(SERVER_CODES) | more


def test_a_code_that_nobody_knows_is_a_plain_error() -> None:
    """With the code, so that a service can branch on it."""
    translated = classify(failure(987654))

    assert type(translated) is lexigram.NoSQLError
    assert translated.mongo_code == 987654


def test_what_is_not_of_mongodb_is_left_alone() -> None:
    """An error of the caller's own code passes as it is."""
    assert classify(ValueError("mine")) is None


def test_a_duplicate_key_names_index_and_key() -> None:
    """And says "duplicate key", which services look for."""
    message = 'E11000 duplicate key error collection: shop.users index: mail_unique dup key: { mail: "a@b" }'
    error = pymongo.errors.DuplicateKeyError(
        message, 11000, {"errmsg": message, "keyPattern": {"mail": 1}, "keyValue": {"mail": "a@b"}}
    )

    translated = classify(error)

    assert isinstance(translated, lexigram.DuplicateKeyError)
    assert (translated.index, translated.key) == ("mail_unique", {"mail": "a@b"})
    assert "duplicate key" in str(translated)


def test_a_duplicate_key_without_its_words_gets_them() -> None:
    """The index is then named as the server names it by itself."""
    error = pymongo.errors.DuplicateKeyError("E11000", 11000, {"keyPattern": {"a": 1, "b": -1}, "keyValue": {"a": 1}})

    translated = classify(error)

    assert isinstance(translated, lexigram.DuplicateKeyError)
    assert "duplicate key" in str(translated)
    assert translated.index == "a_1_b_-1"


@pytest.mark.parametrize(
    ("code", "expected"),
    [(112, lexigram.WriteConflictError), (251, lexigram.TransactionError), (91, lexigram.TransactionError)],
)
def test_a_transient_error_lets_the_transaction_run_again(code: int, expected: type[lexigram.NoSQLError]) -> None:
    """Whatever it was, ``run_transaction`` tries again."""
    translated = classify(failure(code, labels=["TransientTransactionError"]))

    assert type(translated) is expected
    assert translated.retryable


def test_a_transient_network_error_lets_the_transaction_run_again() -> None:
    """It has no code, but the label."""
    translated = classify(pymongo.errors.AutoReconnect("gone", {"errorLabels": ["TransientTransactionError"]}))

    assert type(translated) is lexigram.TransactionError
    assert translated.retryable


def test_a_commit_of_which_nobody_knows_is_not_run_again() -> None:
    """The work might be done twice."""
    translated = classify(failure(91, labels=["UnknownTransactionCommitResult"]))

    assert type(translated) is lexigram.TransactionError
    assert not translated.retryable


def test_an_overloaded_server_throttles() -> None:
    """Servers of 8.2 and later say so with a label."""
    assert type(classify(failure(1, labels=["SystemOverloadedError"]))) is lexigram.ThrottledError


@pytest.mark.parametrize(("code", "feature"), [(20, "transactions"), (40573, "change_streams")])
def test_a_lone_server_s_refusal_says_that_a_replica_set_is_needed(code: int, feature: str) -> None:
    """And that one member is enough."""
    translated = classify(failure(code))

    assert isinstance(translated, lexigram.UnsupportedFeatureError)
    assert translated.feature == feature
    assert "replica set" in (translated.hint or "")


def test_the_copy_of_the_answer_is_not_in_the_message() -> None:
    """PyMongo adds the whole answer to its text."""
    error = failure(2, "bad", clusterTime="x" * 1000)

    assert "full error" in str(error)
    translated = classify(error)
    assert translated is not None
    assert translated.message == "bad"


def test_the_failed_writes_of_a_bulk_are_told_apart() -> None:
    """By position, each as it would be alone."""
    error = pymongo.errors.BulkWriteError(
        {
            "writeErrors": [
                {"index": 1, "code": 11000, "errmsg": "E11000 duplicate key", "keyValue": {"_id": 1}},
                {"index": 4, "code": 121, "errmsg": "Document failed validation"},
            ]
        }
    )

    failures = write_failures(error)

    assert [position for position, _ in failures] == [1, 4]
    assert [type(classify(one)) for _, one in failures] == [
        lexigram.DuplicateKeyError,
        lexigram.DocumentValidationError,
    ]
    assert type(classify(error)) is lexigram.DuplicateKeyError


def test_a_bulk_whose_writes_were_not_confirmed_timed_out() -> None:
    """Nothing failed, but too few members answered in time."""
    error = pymongo.errors.BulkWriteError(
        {"writeErrors": [], "writeConcernErrors": [{"code": 64, "errmsg": "waiting for replication timed out"}]}
    )

    assert type(classify(error)) is lexigram.NoSQLTimeoutError


def test_text_that_has_no_utf_8_form_is_refused_by_name() -> None:
    """The encoder of requests lets Python's own error through, which is none of PyMongo's."""
    with pytest.raises(UnicodeEncodeError) as refused:
        bson.encode({"find": "things", "filter": {"name": "ab\ud800"}})

    error = classify(refused.value)

    assert isinstance(error, lexigram.DocumentValidationError)
    assert "lone surrogate at position 2" in str(error)


def test_what_is_too_large_may_be_a_filter() -> None:
    """Which the SDK refuses as it does a document; so the error names both."""
    found = classify(pymongo.errors.DocumentTooLarge("BSON document too large (17000253 bytes)"))

    assert isinstance(found, lexigram.DocumentTooLargeError)
    assert found.message.startswith("a document, or what a request asks, has 17000253 bytes or more")
