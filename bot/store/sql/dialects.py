"""SQL that SQLite and PostgreSQL write differently: the time between two times, the UTC date of a time."""

from typing import Any

from sqlalchemy import BigInteger, Float, Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class SecondsBetween(FunctionElement[float]):
    """Seconds from one time to a later one, to the millisecond; NULL if either is NULL."""

    type = Float()
    inherit_cache = True


class MillisecondsBetween(FunctionElement[int]):
    """Milliseconds from one time to a later one, each taken to the nearest whole one; NULL if either is NULL."""

    type = BigInteger()
    inherit_cache = True


class UtcDate(FunctionElement[str]):
    """The UTC date of a time, as `2026-11-22`."""

    type = Text()
    inherit_cache = True


@compiles(SecondsBetween, "sqlite")
def _seconds_sqlite(element: SecondsBetween, compiler: SQLCompiler, **kw: Any) -> str:
    start, end = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"round((julianday({end}) - julianday({start})) * 86400, 3)"


@compiles(SecondsBetween, "postgresql")
def _seconds_postgresql(element: SecondsBetween, compiler: SQLCompiler, **kw: Any) -> str:
    start, end = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"round(CAST(extract(epoch FROM {end} - {start}) AS numeric), 3)"


@compiles(MillisecondsBetween, "sqlite")
def _milliseconds_sqlite(element: MillisecondsBetween, compiler: SQLCompiler, **kw: Any) -> str:
    start, end = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"CAST(round((julianday({end}) - julianday({start})) * 86400000) AS INTEGER)"


@compiles(MillisecondsBetween, "postgresql")
def _milliseconds_postgresql(element: MillisecondsBetween, compiler: SQLCompiler, **kw: Any) -> str:
    start, end = (f"round(extract(epoch FROM {compiler.process(clause, **kw)}) * 1000)" for clause in element.clauses)
    return f"CAST({end} - {start} AS bigint)"


@compiles(UtcDate, "sqlite")
def _date_sqlite(element: UtcDate, compiler: SQLCompiler, **kw: Any) -> str:
    return f"date({compiler.process(element.clauses, **kw)})"


@compiles(UtcDate, "postgresql")
def _date_postgresql(element: UtcDate, compiler: SQLCompiler, **kw: Any) -> str:
    return f"to_char({compiler.process(element.clauses, **kw)} AT TIME ZONE 'UTC', 'YYYY-MM-DD')"
