"""Pipelines give what a plain evaluator gives that was written apart, stage by stage, without batches or plans."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import cmp_to_key
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from lexigram.nosql.aggregation import LocalContext, parse_pipeline
from lexigram.nosql.aggregation.run import run

Document = dict[str, Any]

GONE = object()

FOREIGN: list[Document] = [
    {"_id": 10, "k": 1, "v": "x"},
    {"_id": 11, "k": [1, 2], "v": "y"},
    {"_id": 12, "k": None, "v": "z"},
    {"_id": 13, "v": "w"},
    {"_id": 14, "k": "a", "v": 2},
]


class Surroundings(LocalContext):
    """One other collection."""

    async def find(self, collection: str, leading: Any) -> Any:
        found = leading.query.select(FOREIGN if collection == "f" else [])
        if leading.sort is not None:
            found = leading.sort.sorted(found)
        found = found[leading.skip :]
        yield found[: leading.limit] if leading.limit else found


# The evaluator: values are null, whole numbers, text, arrays of these and documents of these.


def rank(value: Any) -> int:
    if value is None or value is GONE:
        return 0
    return {int: 1, str: 2, dict: 3, list: 4, bool: 5}[type(value)]


def compare(a: Any, b: Any) -> int:
    """By type first; null and missing are one."""
    if rank(a) != rank(b):
        return rank(a) - rank(b)
    if rank(a) == 0:
        return 0
    if isinstance(a, dict):
        for (name, value), (other, opposite) in zip(a.items(), b.items(), strict=False):
            if rank(value) != rank(opposite):
                return rank(value) - rank(opposite)
            if name != other:
                return -1 if name < other else 1
            if compare(value, opposite):
                return compare(value, opposite)
        return len(a) - len(b)
    if isinstance(a, list):
        for value, opposite in zip(a, b, strict=False):
            if compare(value, opposite):
                return compare(value, opposite)
        return len(a) - len(b)
    return int(a > b) - int(a < b)


def field(document: Any, name: str) -> Any:
    """Of an array of documents, an array of what they have."""
    first, _, rest = name.partition(".")
    if isinstance(document, list):
        parts = [field(each, name) for each in document if isinstance(each, dict | list)]
        return [part for part in parts if part is not GONE]
    value = document.get(first, GONE) if isinstance(document, dict) else GONE
    return field(value, rest) if rest and value is not GONE else value


def meets(document: Document, name: str, operator: str, operand: Any) -> bool:
    value = document.get(name, GONE)
    candidates = [value, *value] if isinstance(value, list) else [value]
    if operator == "$eq":
        return any(compare(each, operand) == 0 for each in candidates)
    if operator == "$ne":
        return not meets(document, name, "$eq", operand)
    if operator == "$in":
        return any(meets(document, name, "$eq", each) for each in operand)
    if operator == "$exists":
        return (value is not GONE) is operand
    comparable = [each for each in candidates if each is not GONE and rank(each) == rank(operand)]
    if operator == "$gt":
        return any(compare(each, operand) > 0 for each in comparable)
    return any(compare(each, operand) <= 0 for each in comparable)


def match(documents: list[Document], filter: Any) -> list[Document]:
    return [
        document
        for document in documents
        if all(meets(document, name, *condition) for name, test in filter.items() for condition in test.items())
    ]


def evaluate(document: Document, expression: Any) -> Any:
    if isinstance(expression, str) and expression.startswith("$"):
        return field(document, expression[1:])
    if isinstance(expression, dict):
        ((operator, operand),) = expression.items()
        if operator == "$literal":
            return operand
        value = evaluate(document, operand[0])
        return operand[1] if value is GONE or value is None else value  # $ifNull
    return expression


def project(documents: list[Document], specification: Any) -> list[Document]:
    flags = {name: value for name, value in specification.items() if value in (0, 1) and not isinstance(value, str)}
    if any(value == 0 for name, value in flags.items() if name != "_id"):
        return [{name: value for name, value in document.items() if name not in flags} for document in documents]
    made = []
    for document in documents:
        kept = {
            name: value
            for name, value in document.items()
            if (name == "_id" and specification.get("_id", 1)) or (name in flags and name != "_id")
        }
        for name, value in specification.items():
            if name not in flags:
                computed = evaluate(document, value)
                if computed is not GONE:
                    kept[name] = computed
        made.append(kept)
    return made


def add(documents: list[Document], specification: Any) -> list[Document]:
    made = []
    for document in documents:
        new = dict(document)
        for name, value in specification.items():
            computed = evaluate(document, value)
            if computed is GONE:
                new.pop(name, None)
            else:
                new[name] = computed
        made.append(new)
    return made


def unwind(documents: list[Document], options: Any) -> list[Document]:
    made = []
    for document in documents:
        name = options["path"][1:]
        value = document.get(name, GONE)
        items: list[tuple[Any, Any]]
        if isinstance(value, list) and value:
            items = list(enumerate(value))
        elif isinstance(value, list):
            items = [(None, GONE)] if options["preserveNullAndEmptyArrays"] else []
        elif value is None or value is GONE:
            items = [(None, value)] if options["preserveNullAndEmptyArrays"] else []
        else:
            items = [(None, value)]
        for index, item in items:
            new = dict(document)
            if item is GONE:
                new.pop(name, None)
            else:
                new[name] = item
            if "includeArrayIndex" in options:
                new[options["includeArrayIndex"]] = index
            made.append(new)
    return made


def sort_value(document: Document, name: str, direction: int) -> Any:
    value = document.get(name, GONE)
    if not isinstance(value, list):
        return value
    if not value:
        return EMPTY
    ordered = sorted(value, key=cmp_to_key(compare))
    return ordered[0] if direction > 0 else ordered[-1]


EMPTY = object()


def sort(documents: list[Document], keys: Any) -> list[Document]:
    def by_key(name: str, direction: int) -> Callable[[Document, Document], int]:
        def order(a: Document, b: Document) -> int:
            left, right = sort_value(a, name, direction), sort_value(b, name, direction)
            if left is EMPTY or right is EMPTY:  # an empty array comes before null
                return int(right is EMPTY) - int(left is EMPTY)
            return compare(left, right)

        return order

    for name, direction in reversed(keys.items()):
        documents = sorted(documents, key=cmp_to_key(by_key(name, direction)), reverse=direction < 0)
    return documents


def group(documents: list[Document], specification: Any) -> list[Document]:
    keys: list[Any] = []
    members: list[list[Document]] = []
    for document in documents:
        key = evaluate(document, specification["_id"])
        key = None if key is GONE else key
        for number, known in enumerate(keys):
            if compare(known, key) == 0:
                members[number].append(document)
                break
        else:
            keys.append(key)
            members.append([document])
    fields = [(name, *call.items()) for name, call in specification.items() if name != "_id"]
    return [
        {"_id": key, **{name: accumulate(operator, expression, own) for name, (operator, expression) in fields}}
        for key, own in zip(keys, members, strict=True)
    ]


def accumulate(operator: str, expression: Any, documents: list[Document]) -> Any:
    values = [evaluate(document, expression) for document in documents]
    if operator == "$sum":
        return sum(value for value in values if type(value) is int)
    if operator == "$push":
        return [value for value in values if value is not GONE]
    if operator in ("$first", "$last"):
        value = values[0 if operator == "$first" else -1]
        return None if value is GONE else value
    present = sorted((value for value in values if value is not None and value is not GONE), key=cmp_to_key(compare))
    if not present:
        return None
    return present[0 if operator == "$min" else -1]


def lookup(documents: list[Document], options: Any) -> list[Document]:
    made = []
    for document in documents:
        value = document.get(options["localField"], GONE)
        wanted = value if isinstance(value, list) and value else [None] if isinstance(value, list) else [value]
        found = [each for each in FOREIGN if any(meets(each, options["foreignField"], "$eq", one) for one in wanted)]
        made.append({**document, options["as"]: found})
    return made


def reference(documents: list[Document], stages: list[Any]) -> list[Document]:
    for stage in stages:
        ((name, specification),) = stage.items()
        if name == "$limit":
            documents = documents[:specification]
        elif name == "$skip":
            documents = documents[specification:]
        elif name == "$count":
            documents = [{specification: len(documents)}] if documents else []
        elif name == "$unset":
            documents = project(documents, {specification: 0})
        elif name == "$unionWith":
            documents = documents + FOREIGN
        elif name == "$facet":
            documents = [{facet: reference(documents, within) for facet, within in specification.items()}]
        elif name == "$sortByCount":
            counted = group(documents, {"_id": specification, "count": {"$sum": 1}})
            documents = sorted(counted, key=lambda each: -each["count"])
        elif name == "$replaceWith":
            documents = [{"r": evaluate(each, specification["r"])} for each in documents]
            documents = [{} if each["r"] is GONE else each for each in documents]
        else:
            work = {
                "$match": match,
                "$project": project,
                "$set": add,
                "$unwind": unwind,
                "$sort": sort,
                "$group": group,
            }
            documents = {**work, "$lookup": lookup}[name](documents, specification)
    return documents


# What is tried

NAMES = ["a", "b", "k"]
names = st.sampled_from(NAMES)
scalars = st.one_of(st.none(), st.integers(0, 3), st.sampled_from(["", "a", "b"]))
arrays = st.lists(scalars, max_size=3)
values = st.one_of(scalars, scalars, arrays, st.dictionaries(names, scalars, max_size=2))
collections = st.lists(st.dictionaries(names, values, max_size=3), max_size=12).map(
    lambda documents: [{"_id": number, **document} for number, document in enumerate(documents)]
)
references = st.sampled_from(["$a", "$b", "$k", "$_id", "$a.b", "$b.a"])
expressions = st.one_of(
    references,
    references.map(lambda path: {"$ifNull": [path, "none"]}),
    scalars.map(lambda value: {"$literal": value}),
)
conditions = st.one_of(
    st.fixed_dictionaries({"$eq": scalars}),
    st.fixed_dictionaries({"$ne": scalars}),
    st.fixed_dictionaries({"$gt": st.integers(0, 2)}),
    st.fixed_dictionaries({"$lte": st.integers(0, 2)}),
    st.fixed_dictionaries({"$in": st.lists(scalars, max_size=3)}),
    st.fixed_dictionaries({"$exists": st.booleans()}),
)
calls = st.tuples(st.sampled_from(["$sum", "$push", "$first", "$last", "$min", "$max"]), expressions).map(
    lambda pair: {pair[0]: pair[1]}
)
unwinds = st.fixed_dictionaries(
    {"path": names.map(lambda name: f"${name}"), "preserveNullAndEmptyArrays": st.booleans()},
    optional={"includeArrayIndex": st.sampled_from(["i", "k"])},
)
orders = st.one_of(
    names.flatmap(lambda name: st.fixed_dictionaries({name: st.sampled_from([1, -1])})),
    st.tuples(names, st.sampled_from([1, -1])).map(lambda pair: {pair[0]: pair[1], "_id": -1}),
)
lookups = st.fixed_dictionaries(
    {"from": st.just("f"), "localField": names, "foreignField": st.just("k"), "as": st.sampled_from(["x", "a"])}
)


def stage(name: str, specification: st.SearchStrategy[Any]) -> st.SearchStrategy[Document]:
    return specification.map(lambda chosen: {name: chosen})


removing = st.dictionaries(names, st.just(0), min_size=1, max_size=2)
keeping = st.tuples(
    st.dictionaries(names, st.one_of(st.just(1), expressions), min_size=1, max_size=3),
    st.sampled_from([{}, {"_id": 0}, {"_id": 1}]),
).map(lambda pair: {**pair[0], **pair[1]})
plain = st.one_of(
    stage("$match", st.dictionaries(names, conditions, min_size=1, max_size=2)),
    stage("$project", removing),
    stage("$project", keeping),
    stage("$set", st.dictionaries(names, expressions, min_size=1, max_size=2)),
    stage("$unset", names),
    stage("$unwind", unwinds),
    stage("$sort", orders),
    stage("$limit", st.integers(1, 6)),
    stage("$skip", st.integers(0, 4)),
    stage(
        "$group",
        st.tuples(expressions, st.dictionaries(st.sampled_from(["a", "n"]), calls, max_size=2)).map(
            lambda pair: {"_id": pair[0], **pair[1]}
        ),
    ),
    stage("$count", st.just("n")),
    stage("$sortByCount", references),
    stage("$replaceWith", expressions.map(lambda expression: {"r": expression})),
    stage("$lookup", lookups),
    stage("$unionWith", st.just("f")),
)
pipelines = st.lists(
    st.one_of(
        plain,
        plain,
        plain,
        stage("$facet", st.dictionaries(st.sampled_from(["p", "q"]), st.lists(plain, max_size=2), min_size=1)),
    ),
    max_size=5,
)


def result(documents: list[Document], stages: list[Any], batch: int, *, optimise: bool = True) -> list[Document]:
    async def work() -> list[Document]:
        async def source() -> Any:
            for start in range(0, len(documents), batch):
                yield documents[start : start + batch]

        pipeline = parse_pipeline(stages, optimise=optimise)
        return [each async for out in run(pipeline, source(), Surroundings()) for each in out]

    return asyncio.run(work())


@given(collections, pipelines, st.integers(1, 5), st.booleans())
def test_pipelines_agree_with_the_plain_evaluator(
    documents: list[Document], stages: list[Any], batch: int, optimise: bool
) -> None:
    """To the order of documents and of their fields, in batches of any size, optimised and not."""
    made = result(documents, stages, batch, optimise=optimise)
    expected = reference(documents, stages)
    assert repr(made) == repr(expected)
