"""Quantiles in SQL, by nearest rank: the smallest value with at least that share of values up to it.

So both databases agree, and a quantile is a value that somebody really had. Of no values there is none.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, FromClause, case, func, select


def ranked(rows: FromClause, names: Sequence[str], keys: Sequence[str]) -> FromClause:
    """Add to each row the rank of each named value within the row's group, and the number of values in the group.

    Args:
        rows: what is measured; NULL means that a row has no such value.
        names: the columns with values.
        keys: the columns that make a group; empty: all rows are one.
    """
    group = [rows.c[key] for key in keys] or None
    ranks: list[ColumnElement[Any]] = []
    for name in names:
        value = rows.c[name]
        rank = func.row_number().over(partition_by=group, order_by=(value.is_(None), value))
        ranks += [rank.label(f"{name}_rank"), func.count(value).over(partition_by=group).label(f"{name}_count")]
    return select(*rows.c, *ranks).subquery()


def quantile(rows: FromClause, name: str, *, tenths: int) -> ColumnElement[Any]:
    """Return the quantile of a group's values, of `ranked` rows: the median with 5 tenths."""
    return func.min(case((rows.c[f"{name}_rank"] * 10 >= rows.c[f"{name}_count"] * tenths, rows.c[name])))
