"""What every method of the builder writes, in each dialect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from lexigram.contracts.data.identifiers import column, table
from lexigram.contracts.data.types import (
    FieldContains,
    FieldEq,
    FieldGt,
    FieldIn,
    FieldNeq,
    SortSpecification,
)
from lexigram.sql.exceptions import DataQueryError
from lexigram.sql.query import AsyncQueryBuilder as Q
from lexigram.sql.query import JoinType, Operator, RawSQL, SQLDialect


@dataclass(frozen=True)
class Case:
    """A query, what it is in each dialect, and its parameters; None where the dialect has no form for it."""

    name: str
    query: Q
    postgresql: str
    sqlite: str
    mysql: str | None
    params: tuple[Any, ...]
    sqlite_params: tuple[Any, ...] | None = None
    mysql_params: tuple[Any, ...] | None = None


CASES = [
    Case("every_column", Q("users"), 'SELECT * FROM "users"', 'SELECT * FROM "users"', "SELECT * FROM `users`", ()),
    Case(
        "no_table_first",
        Q()
        .select("id", "name")
        .from_table("users")
        .where("status", Operator.EQ, "active")
        .order_by("created_at", "DESC")
        .limit(20),
        'SELECT "id", "name" FROM "users" WHERE "status" = $1 ORDER BY "created_at" DESC LIMIT $2',
        ('SELECT "id", "name" FROM "users" WHERE "status" = ? ORDER BY "created_at" DESC NULLS FIRST LIMIT ? OFFSET ?'),
        (
            "SELECT `id`, `name` FROM `users` WHERE `status` = %s ORDER BY `created_at` IS NULL "
            "DESC, `created_at` DESC LIMIT %s"
        ),
        ("active", 20),
        sqlite_params=("active", 20, 0),
    ),
    Case(
        "columns",
        Q("users u").select("u.id", "name AS label", "u.*", RawSQL("1 + ? AS one", 2)),
        'SELECT "u"."id", "name" AS "label", "u".*, 1 + $1 AS one FROM "users" AS "u"',
        'SELECT "u"."id", "name" AS "label", "u".*, 1 + ? AS one FROM "users" AS "u"',
        "SELECT `u`.`id`, `name` AS `label`, `u`.*, 1 + %s AS one FROM `users` AS `u`",
        (2,),
    ),
    Case(
        "identifiers",
        Q(table("users")).select(column("id")).where(column("id"), 1),
        'SELECT "id" FROM "users" WHERE "id" = $1',
        'SELECT "id" FROM "users" WHERE "id" = ?',
        "SELECT `id` FROM `users` WHERE `id` = %s",
        (1,),
    ),
    Case(
        "schema",
        Q("app.users AS u").select("*"),
        'SELECT * FROM "app"."users" AS "u"',
        'SELECT * FROM "app"."users" AS "u"',
        "SELECT * FROM `app`.`users` AS `u`",
        (),
    ),
    Case(
        "reserved_words",
        Q("order").select("group").where("select", 1),
        'SELECT "group" FROM "order" WHERE "select" = $1',
        'SELECT "group" FROM "order" WHERE "select" = ?',
        "SELECT `group` FROM `order` WHERE `select` = %s",
        (1,),
    ),
    Case(
        "aggregates",
        Q("orders")
        .select("user_id")
        .select_count()
        .select_sum("total", "sum")
        .select_avg("total", "mean")
        .select_min("total", "least")
        .select_max("total")
        .group_by("user_id")
        .having("sum", ">", 10)
        .having("user_id", "!=", 3)
        .having_raw("count(*) > ?", 1),
        (
            'SELECT "user_id", count(*) AS "count", sum("total") AS "sum", avg("total") AS "mean", '
            'min("total") AS "least", max("total") AS "max" FROM "orders" GROUP BY "user_id" HAVING '
            'sum("total") > $1 AND "user_id" != $2 AND (count(*) > $3)'
        ),
        (
            'SELECT "user_id", count(*) AS "count", sum("total") AS "sum", avg("total") AS "mean", '
            'min("total") AS "least", max("total") AS "max" FROM "orders" GROUP BY "user_id" HAVING '
            'sum("total") > ? AND "user_id" != ? AND (count(*) > ?)'
        ),
        (
            "SELECT `user_id`, count(*) AS `count`, sum(`total`) AS `sum`, avg(`total`) AS `mean`, "
            "min(`total`) AS `least`, max(`total`) AS `max` FROM `orders` GROUP BY `user_id` HAVING "
            "sum(`total`) > %s AND `user_id` != %s AND (count(*) > %s)"
        ),
        (10, 3, 1),
    ),
    Case(
        "count_of_a_column",
        Q("orders").select_count("user_id", "n").having(RawSQL("count(*) > ?", 2)),
        'SELECT count("user_id") AS "n" FROM "orders" HAVING (count(*) > $1)',
        'SELECT count("user_id") AS "n" FROM "orders" HAVING (count(*) > ?)',
        "SELECT count(`user_id`) AS `n` FROM `orders` HAVING (count(*) > %s)",
        (2,),
    ),
    Case(
        "select_raw",
        Q("t").select_raw("coalesce(a, ?) AS a", 0).select_raw(RawSQL("? AS b", 1)),
        'SELECT coalesce(a, $1) AS a, $2 AS b FROM "t"',
        'SELECT coalesce(a, ?) AS a, ? AS b FROM "t"',
        "SELECT coalesce(a, %s) AS a, %s AS b FROM `t`",
        (0, 1),
    ),
    Case(
        "window",
        Q("t").select("a").select_window("row_number", partition_by="a", order_by=["b", ("c", "DESC")], alias="n"),
        ('SELECT "a", row_number() OVER (PARTITION BY "a" ORDER BY "b" ASC, "c" DESC) AS "n" FROM "t"'),
        (
            'SELECT "a", row_number() OVER (PARTITION BY "a" ORDER BY "b" ASC NULLS LAST, "c" DESC '
            'NULLS FIRST) AS "n" FROM "t"'
        ),
        (
            "SELECT `a`, row_number() OVER (PARTITION BY `a` ORDER BY `b` IS NULL ASC, `b` ASC, `c` "
            "IS NULL DESC, `c` DESC) AS `n` FROM `t`"
        ),
        (),
    ),
    Case(
        "window_arguments",
        Q("t")
        .select_window("NTILE()", 4, order_by="a", alias="q")
        .select_window("lag", "a", 2, order_by=("a", "desc"))
        .select_window("count", "*"),
        (
            'SELECT ntile($1) OVER (ORDER BY "a" ASC) AS "q", lag("a", $2) OVER (ORDER BY "a" DESC) '
            'AS "lag", count(*) OVER () AS "count" FROM "t"'
        ),
        (
            'SELECT ntile(?) OVER (ORDER BY "a" ASC NULLS LAST) AS "q", lag("a", ?) OVER (ORDER BY '
            '"a" DESC NULLS FIRST) AS "lag", count(*) OVER () AS "count" FROM "t"'
        ),
        (
            "SELECT ntile(%s) OVER (ORDER BY `a` IS NULL ASC, `a` ASC) AS `q`, lag(`a`, %s) OVER "
            "(ORDER BY `a` IS NULL DESC, `a` DESC) AS `lag`, count(*) OVER () AS `count` FROM `t`"
        ),
        (4, 2),
    ),
    Case(
        "distinct",
        Q("t").select("a").distinct(),
        'SELECT DISTINCT "a" FROM "t"',
        'SELECT DISTINCT "a" FROM "t"',
        "SELECT DISTINCT `a` FROM `t`",
        (),
    ),
    Case(
        "where_many",
        Q("t").where("a", 1).where("b", ">=", 2).or_where("c", "<", 3).where("d", Operator.NE, 4),
        'SELECT * FROM "t" WHERE ("a" = $1 AND "b" >= $2 OR "c" < $3) AND "d" != $4',
        'SELECT * FROM "t" WHERE ("a" = ? AND "b" >= ? OR "c" < ?) AND "d" != ?',
        "SELECT * FROM `t` WHERE (`a` = %s AND `b` >= %s OR `c` < %s) AND `d` != %s",
        (1, 2, 3, 4),
    ),
    Case(
        "where_mapping",
        Q("t").where({"a": 1, "b": None}),
        'SELECT * FROM "t" WHERE "a" = $1 AND "b" IS NULL',
        'SELECT * FROM "t" WHERE "a" = ? AND "b" IS NULL',
        "SELECT * FROM `t` WHERE `a` = %s AND `b` IS NULL",
        (1,),
    ),
    Case(
        "where_null",
        Q("t")
        .where("a", None)
        .where("b", "=", None)
        .where("c", "!=", None)
        .where_null("d")
        .where_not_null("e")
        .where("f", "isnull", False)
        .where("g", "is", None),
        (
            'SELECT * FROM "t" WHERE "a" IS NULL AND "b" IS NULL AND "c" IS NOT NULL AND "d" IS NULL '
            'AND "e" IS NOT NULL AND "f" IS NOT NULL AND "g" IS NULL'
        ),
        (
            'SELECT * FROM "t" WHERE "a" IS NULL AND "b" IS NULL AND "c" IS NOT NULL AND "d" IS NULL '
            'AND "e" IS NOT NULL AND "f" IS NOT NULL AND "g" IS NULL'
        ),
        (
            "SELECT * FROM `t` WHERE `a` IS NULL AND `b` IS NULL AND `c` IS NOT NULL AND `d` IS NULL "
            "AND `e` IS NOT NULL AND `f` IS NOT NULL AND `g` IS NULL"
        ),
        (),
    ),
    Case(
        "where_if",
        Q("t").where_if(True, "a", 1).where_if(0, "b", 2),
        'SELECT * FROM "t" WHERE "a" = $1',
        'SELECT * FROM "t" WHERE "a" = ?',
        "SELECT * FROM `t` WHERE `a` = %s",
        (1,),
    ),
    Case(
        "where_between",
        Q("t").where_between("a", 1, 2).where_not_between("b", 3, 4),
        'SELECT * FROM "t" WHERE "a" BETWEEN $1 AND $2 AND "b" NOT BETWEEN $3 AND $4',
        'SELECT * FROM "t" WHERE "a" BETWEEN ? AND ? AND "b" NOT BETWEEN ? AND ?',
        "SELECT * FROM `t` WHERE `a` BETWEEN %s AND %s AND `b` NOT BETWEEN %s AND %s",
        (1, 2, 3, 4),
    ),
    Case(
        "where_in",
        Q("t").where_in("a", {1}).where_in("b", (2, 3)).where_not_in("c", [4]).where("d", "not in", iter([5, 6])),
        ('SELECT * FROM "t" WHERE "a" IN ($1) AND "b" IN ($2, $3) AND ("c" NOT IN ($4)) AND ("d" NOT IN ($5, $6))'),
        ('SELECT * FROM "t" WHERE "a" IN (?) AND "b" IN (?, ?) AND ("c" NOT IN (?)) AND ("d" NOT IN (?, ?))'),
        ("SELECT * FROM `t` WHERE `a` IN (%s) AND `b` IN (%s, %s) AND (`c` NOT IN (%s)) AND (`d` NOT IN (%s, %s))"),
        (1, 2, 3, 4, 5, 6),
    ),
    Case(
        "where_in_nothing",
        Q("t").where_in("a", []).where_not_in("b", []),
        'SELECT * FROM "t" WHERE false',
        'SELECT * FROM "t" WHERE 0 = 1',
        "SELECT * FROM `t` WHERE false = 1",
        (),
    ),
    Case(
        "where_in_none",
        Q("t").where_in("a", [1, None]).where_not_in("b", [None, 2]),
        ('SELECT * FROM "t" WHERE ("a" IN ($1) OR "a" IS NULL) AND ("b" NOT IN ($2)) AND "b" IS NOT NULL'),
        ('SELECT * FROM "t" WHERE ("a" IN (?) OR "a" IS NULL) AND ("b" NOT IN (?)) AND "b" IS NOT NULL'),
        ("SELECT * FROM `t` WHERE (`a` IN (%s) OR `a` IS NULL) AND (`b` NOT IN (%s)) AND `b` IS NOT NULL"),
        (1, 2),
    ),
    Case(
        "where_like",
        Q("t").where("a", "like", "a%").where("b", "not like", "_b").where("c", "ilike", "C%"),
        'SELECT * FROM "t" WHERE "a" LIKE $1 AND "b" NOT LIKE $2 AND "c" ILIKE $3',
        'SELECT * FROM "t" WHERE ("a" GLOB ?) AND ("b" NOT GLOB ?) AND "c" LIKE ? ESCAPE \'\\\'',
        (
            "SELECT * FROM `t` WHERE `a` LIKE (%s COLLATE utf8mb4_bin) AND `b` NOT LIKE (%s COLLATE "
            "utf8mb4_bin) AND lower(`c`) LIKE (lower(%s) COLLATE utf8mb4_bin)"
        ),
        ("a%", "_b", "C%"),
        sqlite_params=("a*", "?b", "C%"),
    ),
    Case(
        "where_text",
        Q("t")
        .where("a", "contains", "5%")
        .where("b", "icontains", "x_")
        .where("c", "startswith", "*[")
        .where("d", "ends_with", "\\"),
        'SELECT * FROM "t" WHERE "a" LIKE $1 AND "b" ILIKE $2 AND "c" LIKE $3 AND "d" LIKE $4',
        ('SELECT * FROM "t" WHERE instr("a", ?) > 0 AND "b" LIKE ? ESCAPE \'\\\' AND ("c" GLOB ?) AND ("d" GLOB ?)'),
        (
            "SELECT * FROM `t` WHERE `a` LIKE (%s COLLATE utf8mb4_bin) AND lower(`b`) LIKE "
            "(lower(%s) COLLATE utf8mb4_bin) AND `c` LIKE (%s COLLATE utf8mb4_bin) AND `d` LIKE (%s "
            "COLLATE utf8mb4_bin)"
        ),
        ("%5\\%%", "%x\\_%", "*[%", "%\\\\"),
        sqlite_params=("5%", "%x\\_%", "[*][[]*", "*\\"),
    ),
    Case(
        "where_raw",
        Q("t").where_raw("a = ? OR b = ?", 1, 2).where(RawSQL("c % 2 = $1", 3)).or_where(RawSQL("d = 4")),
        'SELECT * FROM "t" WHERE (a = $1 OR b = $2) AND (c % 2 = $3) OR (d = 4)',
        'SELECT * FROM "t" WHERE (a = ? OR b = ?) AND (c % 2 = ?) OR (d = 4)',
        "SELECT * FROM `t` WHERE (a = %s OR b = %s) AND (c %% 2 = %s) OR (d = 4)",
        (1, 2, 3),
    ),
    Case(
        "where_raw_value",
        Q("t").where("a", ">", RawSQL("b + ?", 1)),
        'SELECT * FROM "t" WHERE "a" > b + $1',
        'SELECT * FROM "t" WHERE "a" > b + ?',
        "SELECT * FROM `t` WHERE `a` > b + %s",
        (1,),
    ),
    Case(
        "where_column",
        Q("t").where_column("a", "<=", "t.b"),
        'SELECT * FROM "t" WHERE "a" <= "t"."b"',
        'SELECT * FROM "t" WHERE "a" <= "t"."b"',
        "SELECT * FROM `t` WHERE `a` <= `t`.`b`",
        (),
    ),
    Case(
        "where_in_subquery",
        Q("t")
        .where("z", 0)
        .where_in_subquery("a", Q("u").select("b").where("c", 1))
        .where_not_in_subquery("d", Q("v").select("e").where("f", 2))
        .where("g", 3),
        (
            'SELECT * FROM "t" WHERE "z" = $1 AND "a" IN (SELECT "b" FROM "u" WHERE "c" = $2) AND '
            '("d" NOT IN (SELECT "e" FROM "v" WHERE "f" = $3)) AND "g" = $4'
        ),
        (
            'SELECT * FROM "t" WHERE "z" = ? AND "a" IN (SELECT "b" FROM "u" WHERE "c" = ?) AND ("d" '
            'NOT IN (SELECT "e" FROM "v" WHERE "f" = ?)) AND "g" = ?'
        ),
        (
            "SELECT * FROM `t` WHERE `z` = %s AND `a` IN (SELECT `b` FROM `u` WHERE `c` = %s) AND "
            "(`d` NOT IN (SELECT `e` FROM `v` WHERE `f` = %s)) AND `g` = %s"
        ),
        (0, 1, 2, 3),
    ),
    Case(
        "where_exists",
        Q("users")
        .where_exists(Q("orders").where_column("orders.user_id", "=", "users.id").where("total", ">", 5))
        .where_not_exists(Q("bans").where("day", 1)),
        (
            'SELECT * FROM "users" WHERE (EXISTS (SELECT * FROM "orders" WHERE "orders"."user_id" = '
            '"users"."id" AND "total" > $1)) AND NOT (EXISTS (SELECT * FROM "bans" WHERE "day" = $2))'
        ),
        (
            'SELECT * FROM "users" WHERE (EXISTS (SELECT * FROM "orders" WHERE "orders"."user_id" = '
            '"users"."id" AND "total" > ?)) AND NOT (EXISTS (SELECT * FROM "bans" WHERE "day" = ?))'
        ),
        (
            "SELECT * FROM `users` WHERE (EXISTS (SELECT * FROM `orders` WHERE `orders`.`user_id` = "
            "`users`.`id` AND `total` > %s)) AND NOT (EXISTS (SELECT * FROM `bans` WHERE `day` = %s))"
        ),
        (5, 1),
    ),
    Case(
        "where_expression",
        Q("t").where(
            (FieldEq("a", 1) | ~FieldGt("b", 2))
            & FieldNeq("c", None)
            & FieldNeq("d", 4)
            & FieldIn("e", (5, None))
            & FieldContains("f", "x")
        ),
        (
            'SELECT * FROM "t" WHERE ("a" = $1 OR NOT coalesce("b" > $2, false)) AND "c" IS NOT NULL '
            'AND "d" IS DISTINCT FROM $3 AND ("e" IN ($4) OR "e" IS NULL) AND "f" LIKE $5'
        ),
        (
            'SELECT * FROM "t" WHERE ("a" = ? OR coalesce("b" > ?, 0) = 0) AND "c" IS NOT NULL AND '
            '"d" IS NOT ? AND ("e" IN (?) OR "e" IS NULL) AND instr("f", ?) > 0'
        ),
        (
            "SELECT * FROM `t` WHERE (`a` = %s OR coalesce(`b` > %s, false) = 0) AND `c` IS NOT NULL "
            "AND NOT (`d` <=> %s) AND (`e` IN (%s) OR `e` IS NULL) AND `f` LIKE (%s COLLATE "
            "utf8mb4_bin)"
        ),
        (1, 2, 4, 5, "%x%"),
        sqlite_params=(1, 2, 4, 5, "x"),
    ),
    Case(
        "where_true_and_false",
        Q("t").where(FieldIn("a", ())).or_where(FieldGt("a", None)),
        'SELECT * FROM "t" WHERE false',
        'SELECT * FROM "t" WHERE 0 = 1',
        "SELECT * FROM `t` WHERE false = 1",
        (),
    ),
    Case(
        "join",
        Q("users u")
        .select("u.id")
        .join("orders o", "o.user_id = u.id AND o.total >= u.least")
        .left_join("app.bans", "bans.user_id=u.id")
        .where("u.id", 1),
        (
            'SELECT "u"."id" FROM "users" AS "u" JOIN "orders" AS "o" ON "o"."user_id" = "u"."id" '
            'AND "o"."total" >= "u"."least" LEFT OUTER JOIN "app"."bans" ON "bans"."user_id" = '
            '"u"."id" WHERE "u"."id" = $1'
        ),
        (
            'SELECT "u"."id" FROM "users" AS "u" JOIN "orders" AS "o" ON "o"."user_id" = "u"."id" '
            'AND "o"."total" >= "u"."least" LEFT OUTER JOIN "app"."bans" ON "bans"."user_id" = '
            '"u"."id" WHERE "u"."id" = ?'
        ),
        (
            "SELECT `u`.`id` FROM `users` AS `u` INNER JOIN `orders` AS `o` ON `o`.`user_id` = "
            "`u`.`id` AND `o`.`total` >= `u`.`least` LEFT OUTER JOIN `app`.`bans` ON "
            "`bans`.`user_id` = `u`.`id` WHERE `u`.`id` = %s"
        ),
        (1,),
    ),
    Case(
        "join_right",
        Q("a").join("b", "b.x = a.x", JoinType.RIGHT).join("c", "c.x = a.x", "left outer join"),
        ('SELECT * FROM "b" LEFT OUTER JOIN "a" ON "b"."x" = "a"."x" LEFT OUTER JOIN "c" ON "c"."x" = "a"."x"'),
        ('SELECT * FROM "b" LEFT OUTER JOIN "a" ON "b"."x" = "a"."x" LEFT OUTER JOIN "c" ON "c"."x" = "a"."x"'),
        ("SELECT * FROM `b` LEFT OUTER JOIN `a` ON `b`.`x` = `a`.`x` LEFT OUTER JOIN `c` ON `c`.`x` = `a`.`x`"),
        (),
    ),
    Case(
        "join_cross_and_raw",
        Q("a").join("b", join_type="cross").join("c", RawSQL("c.x = a.x AND c.y = ?", 7)).where("a.z", 8),
        'SELECT * FROM "a" JOIN "b" ON true JOIN "c" ON (c.x = a.x AND c.y = $1) WHERE "a"."z" = $2',
        'SELECT * FROM "a" JOIN "b" ON 1 = 1 JOIN "c" ON (c.x = a.x AND c.y = ?) WHERE "a"."z" = ?',
        ("SELECT * FROM `a` INNER JOIN `b` ON true = 1 INNER JOIN `c` ON (c.x = a.x AND c.y = %s) WHERE `a`.`z` = %s"),
        (7, 8),
    ),
    Case(
        "order_by",
        Q("t")
        .order_by("a")
        .order_by("b", "desc")
        .order_by("c", True)
        .order_by("d", desc=True)
        .order_by("e", ascending=False)
        .order_by("f", -1)
        .order_by(SortSpecification("g", "desc")),
        ('SELECT * FROM "t" ORDER BY "a" ASC, "b" DESC, "c" DESC, "d" DESC, "e" DESC, "f" DESC, "g" DESC'),
        (
            'SELECT * FROM "t" ORDER BY "a" ASC NULLS LAST, "b" DESC NULLS FIRST, "c" DESC NULLS '
            'FIRST, "d" DESC NULLS FIRST, "e" DESC NULLS FIRST, "f" DESC NULLS FIRST, "g" DESC NULLS '
            "FIRST"
        ),
        (
            "SELECT * FROM `t` ORDER BY `a` IS NULL ASC, `a` ASC, `b` IS NULL DESC, `b` DESC, `c` IS "
            "NULL DESC, `c` DESC, `d` IS NULL DESC, `d` DESC, `e` IS NULL DESC, `e` DESC, `f` IS "
            "NULL DESC, `f` DESC, `g` IS NULL DESC, `g` DESC"
        ),
        (),
    ),
    Case(
        "order_by_nulls",
        Q("t").order_by("a", nulls="first").order_by("b", "DESC", nulls="last").order_by("c", "DESC", nulls="database"),
        'SELECT * FROM "t" ORDER BY "a" ASC NULLS FIRST, "b" DESC NULLS LAST, "c" DESC',
        'SELECT * FROM "t" ORDER BY "a" ASC NULLS FIRST, "b" DESC NULLS LAST, "c" DESC',
        "SELECT * FROM `t` ORDER BY `a` ASC, `b` DESC, `c` DESC",
        (),
    ),
    Case(
        "order_by_raw",
        Q("t").order_by_raw("a = ? DESC", 1),
        'SELECT * FROM "t" ORDER BY a = $1 DESC',
        'SELECT * FROM "t" ORDER BY a = ? DESC',
        "SELECT * FROM `t` ORDER BY a = %s DESC",
        (1,),
    ),
    Case(
        "limit_offset",
        Q("t").limit(5).limit(10).offset(3),
        'SELECT * FROM "t" LIMIT $1 OFFSET $2',
        'SELECT * FROM "t" LIMIT ? OFFSET ?',
        "SELECT * FROM `t` LIMIT %s, %s",
        (10, 3),
        mysql_params=(3, 10),
    ),
    Case(
        "offset_alone",
        Q("t").offset(3),
        'SELECT * FROM "t" LIMIT ALL OFFSET $1',
        'SELECT * FROM "t" LIMIT ? OFFSET ?',
        "SELECT * FROM `t` LIMIT %s, 18446744073709551615",
        (3,),
        sqlite_params=(-1, 3),
    ),
    Case(
        "for_update",
        Q("t").where("a", 1).for_update(skip_locked=True),
        'SELECT * FROM "t" WHERE "a" = $1 FOR UPDATE SKIP LOCKED',
        'SELECT * FROM "t" WHERE "a" = ?',
        "SELECT * FROM `t` WHERE `a` = %s FOR UPDATE SKIP LOCKED",
        (1,),
    ),
    Case(
        "for_share",
        Q("t").where("a", 1).for_share(no_wait=True),
        'SELECT * FROM "t" WHERE "a" = $1 FOR SHARE NOWAIT',
        'SELECT * FROM "t" WHERE "a" = ?',
        "SELECT * FROM `t` WHERE `a` = %s LOCK IN SHARE MODE NOWAIT",
        (1,),
    ),
    Case(
        "cte",
        Q("recent").with_cte("recent", Q("orders").select("id").where("day", ">", 1)).where("id", 2),
        ('WITH "recent" AS (SELECT "id" FROM "orders" WHERE "day" > $1) SELECT * FROM "recent" WHERE "id" = $2'),
        ('WITH "recent" AS (SELECT "id" FROM "orders" WHERE "day" > ?) SELECT * FROM "recent" WHERE "id" = ?'),
        ("WITH `recent` AS (SELECT `id` FROM `orders` WHERE `day` > %s) SELECT * FROM `recent` WHERE `id` = %s"),
        (1, 2),
    ),
    Case(
        "cte_raw",
        Q("r").with_cte("r", "SELECT ? AS a", 1, columns=["a"]).where("a", 2),
        'WITH "r" AS (SELECT $1 AS a) SELECT * FROM "r" WHERE "a" = $2',
        'WITH "r" AS (SELECT ? AS a) SELECT * FROM "r" WHERE "a" = ?',
        "WITH `r` AS (SELECT %s AS a) SELECT * FROM `r` WHERE `a` = %s",
        (1, 2),
    ),
    Case(
        "recursive_cte",
        Q("tree").with_recursive_cte(
            "tree",
            "SELECT id FROM node WHERE id = ? UNION ALL SELECT n.id FROM node n JOIN tree t ON n.parent = t.id",
            1,
            columns=["id"],
        ),
        (
            'WITH RECURSIVE "tree"("id") AS (SELECT id FROM node WHERE id = $1 UNION ALL SELECT n.id '
            'FROM node n JOIN tree t ON n.parent = t.id) SELECT * FROM "tree"'
        ),
        (
            'WITH RECURSIVE "tree"("id") AS (SELECT id FROM node WHERE id = ? UNION ALL SELECT n.id '
            'FROM node n JOIN tree t ON n.parent = t.id) SELECT * FROM "tree"'
        ),
        (
            "WITH RECURSIVE `tree`(`id`) AS (SELECT id FROM node WHERE id = %s UNION ALL SELECT n.id "
            "FROM node n JOIN tree t ON n.parent = t.id) SELECT * FROM `tree`"
        ),
        (1,),
    ),
    Case(
        "union",
        Q("a")
        .select("x")
        .where("y", 1)
        .union(Q("b").select("x").where("y", 2))
        .union(Q("c").select("x"))
        .order_by("x")
        .limit(3),
        (
            'SELECT "x" FROM "a" WHERE "y" = $1 UNION SELECT "x" FROM "b" WHERE "y" = $2 UNION '
            'SELECT "x" FROM "c" ORDER BY "x" ASC LIMIT $3'
        ),
        (
            'SELECT "x" FROM "a" WHERE "y" = ? UNION SELECT "x" FROM "b" WHERE "y" = ? UNION SELECT '
            '"x" FROM "c" ORDER BY "x" ASC NULLS LAST LIMIT ? OFFSET ?'
        ),
        (
            "SELECT `x` FROM `a` WHERE `y` = %s UNION SELECT `x` FROM `b` WHERE `y` = %s UNION "
            "SELECT `x` FROM `c` ORDER BY `x` IS NULL ASC, `x` ASC LIMIT %s"
        ),
        (1, 2, 3),
        sqlite_params=(1, 2, 3, 0),
    ),
    Case(
        "union_all_then_except",
        Q("a").select("x").union_all(Q("b").select("x")).except_(Q("c").select("x").order_by("x").limit(1)),
        (
            'SELECT * FROM (SELECT "x" FROM "a" UNION ALL SELECT "x" FROM "b") AS anon_1 EXCEPT '
            'SELECT * FROM (SELECT "x" FROM "c" ORDER BY "x" ASC LIMIT $1) AS anon_2'
        ),
        (
            'SELECT * FROM (SELECT "x" FROM "a" UNION ALL SELECT "x" FROM "b") AS anon_1 EXCEPT '
            'SELECT * FROM (SELECT "x" FROM "c" ORDER BY "x" ASC NULLS LAST LIMIT ? OFFSET ?) AS '
            "anon_2"
        ),
        (
            "SELECT * FROM (SELECT `x` FROM `a` UNION ALL SELECT `x` FROM `b`) AS anon_1 EXCEPT "
            "SELECT * FROM (SELECT `x` FROM `c` ORDER BY `x` IS NULL ASC, `x` ASC LIMIT %s) AS anon_2"
        ),
        (1,),
        sqlite_params=(1, 0),
    ),
    Case(
        "intersect",
        Q("a").select("x").intersect(Q("b").select("x")),
        'SELECT "x" FROM "a" INTERSECT SELECT "x" FROM "b"',
        'SELECT "x" FROM "a" INTERSECT SELECT "x" FROM "b"',
        "SELECT `x` FROM `a` INTERSECT SELECT `x` FROM `b`",
        (),
    ),
    Case(
        "insert",
        Q("t").insert({"a": 1, "b": RawSQL("lower(?)", "B")}),
        'INSERT INTO "t" ("a", "b") VALUES ($1, lower($2))',
        'INSERT INTO "t" ("a", "b") VALUES (?, lower(?))',
        "INSERT INTO `t` (`a`, `b`) VALUES (%s, lower(%s))",
        (1, "B"),
    ),
    Case(
        "insert_many",
        Q("t").insert([{"a": 1, "b": 2}, {"b": 4, "a": 3}]),
        'INSERT INTO "t" ("a", "b") VALUES ($1, $2), ($3, $4)',
        'INSERT INTO "t" ("a", "b") VALUES (?, ?), (?, ?)',
        "INSERT INTO `t` (`a`, `b`) VALUES (%s, %s), (%s, %s)",
        (1, 2, 3, 4),
    ),
    Case(
        "insert_or_nothing",
        Q("t").insert({"a": 1, "b": 2}).on_conflict("a").do_nothing(),
        'INSERT INTO "t" ("a", "b") VALUES ($1, $2) ON CONFLICT ("a") DO NOTHING',
        'INSERT INTO "t" ("a", "b") VALUES (?, ?) ON CONFLICT ("a") DO NOTHING',
        "INSERT INTO `t` (`a`, `b`) VALUES (%s, %s) ON DUPLICATE KEY UPDATE `a` = `a`",
        (1, 2),
    ),
    Case(
        "insert_or_update",
        Q("t").insert({"a": 1, "b": 2, "c": 3}).on_conflict(["a"]).do_update("b", {"c": RawSQL("t.c + ?", 1)}, d=4),
        (
            'INSERT INTO "t" ("a", "b", "c") VALUES ($1, $2, $3) ON CONFLICT ("a") DO UPDATE SET "b" '
            '= excluded."b", "c" = t.c + $4, "d" = $5'
        ),
        (
            'INSERT INTO "t" ("a", "b", "c") VALUES (?, ?, ?) ON CONFLICT ("a") DO UPDATE SET "b" = '
            'excluded."b", "c" = t.c + ?, "d" = ?'
        ),
        (
            "INSERT INTO `t` (`a`, `b`, `c`) VALUES (%s, %s, %s) ON DUPLICATE KEY UPDATE `b` = "
            "VALUES(`b`), `c` = t.c + %s, `d` = %s"
        ),
        (1, 2, 3, 1, 4),
    ),
    Case(
        "update",
        Q("t").update({"a": 1, "n": RawSQL("n + ?", 2)}).update({"a": 3}).where("b", 4),
        'UPDATE "t" SET "a"=$1, "n"=n + $2 WHERE "b" = $3',
        'UPDATE "t" SET "a"=?, "n"=n + ? WHERE "b" = ?',
        "UPDATE `t` SET `a`=%s, `n`=n + %s WHERE `b` = %s",
        (3, 2, 4),
    ),
    Case(
        "update_every_row",
        Q("t").update({"a": 1}).all_rows(),
        'UPDATE "t" SET "a"=$1',
        'UPDATE "t" SET "a"=?',
        "UPDATE `t` SET `a`=%s",
        (1,),
    ),
    Case(
        "delete",
        Q("app.t").delete().where("a", 1).where_in_subquery("b", Q("u").select("b")),
        'DELETE FROM "app"."t" WHERE "a" = $1 AND "b" IN (SELECT "b" FROM "u")',
        'DELETE FROM "app"."t" WHERE "a" = ? AND "b" IN (SELECT "b" FROM "u")',
        "DELETE FROM `app`.`t` WHERE `a` = %s AND `b` IN (SELECT `b` FROM `u`)",
        (1,),
    ),
    Case(
        "returning",
        Q("t").insert({"a": 1}).returning("a", "b AS c"),
        'INSERT INTO "t" ("a") VALUES ($1) RETURNING "a", "b" AS "c"',
        'INSERT INTO "t" ("a") VALUES (?) RETURNING "a", "b" AS "c"',
        None,
        (1,),
    ),
    Case(
        "returning_everything",
        Q("t").delete().where("a", 1).returning(),
        'DELETE FROM "t" WHERE "a" = $1 RETURNING *',
        'DELETE FROM "t" WHERE "a" = ? RETURNING *',
        None,
        (1,),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_postgresql_gets_its_own_sql(case: Case) -> None:
    assert case.query.build() == (case.postgresql, case.params)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_sqlite_gets_its_own_sql(case: Case) -> None:
    expected = case.params if case.sqlite_params is None else case.sqlite_params
    assert case.query.build(SQLDialect.SQLITE) == (case.sqlite, expected)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_mysql_gets_its_own_sql_or_a_refusal(case: Case) -> None:
    if case.mysql is None:
        with pytest.raises(DataQueryError, match="MySQL"):
            case.query.build("mysql")
        return
    expected = case.params if case.mysql_params is None else case.mysql_params
    assert case.query.build("mysql") == (case.mysql, expected)


@pytest.mark.parametrize("dialect", SQLDialect)
def test_a_builder_writes_its_own_dialect_and_unpacks_to_sql_and_params(dialect: SQLDialect) -> None:
    query = Q("users", dialect=dialect).where("id", 7).build()
    sql, params = query
    assert (query.dialect, query.sql, query.params) == (dialect, sql, params)
    assert sql.endswith({"postgresql": "= $1", "sqlite": "= ?", "mysql": "= %s"}[dialect])
