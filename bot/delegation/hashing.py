"""Hashes of values, by RFC 8785 (JCS): the same values have the same hash, in whatever order they were given."""

import hashlib
from typing import Any

import rfc8785
from pydantic import BaseModel, TypeAdapter

from bot.principals import Account

_ACCOUNT = TypeAdapter(Account)


def of_arguments(arguments: BaseModel) -> str:
    """Return the SHA-256 of validated arguments, in hexadecimal.

    The values are hashed and not the text that a model wrote: two texts may mean the same, and a number that is too
    large for JSON is refused.

    Raises:
        ValueError: a value has no form in JSON that every reader understands, such as an integer above 2**53.
    """
    return of_values(arguments.model_dump(mode="json"))


def of_account(account: Account | None) -> str:
    """Return the SHA-256 of all that the directory says of an account, in hexadecimal; empty for none."""
    return "" if account is None else of_values(_ACCOUNT.dump_python(account, mode="json"))


def of_values(values: Any) -> str:
    """Return the SHA-256 of JSON values, in hexadecimal.

    Raises:
        ValueError: see `of_arguments`.
    """
    return hashlib.sha256(canonical(values)).hexdigest()


def canonical(values: Any) -> bytes:
    """Return the one form in which RFC 8785 writes JSON values.

    Raises:
        ValueError: see `of_arguments`.
    """
    try:
        return rfc8785.dumps(values)
    except rfc8785.CanonicalizationError as error:
        raise ValueError("arguments: a value has no canonical form in JSON (RFC 8785)") from error
