"""Each error answers what now: `bot.errors`."""

import socket
import ssl

import pytest
from redis.exceptions import AuthenticationError, ResponseError

from bot.errors import ConfigError, DeskhandError, OutcomeUnknown, Refused, Transient, chain, kind, word
from bot.principals import Reason


def test_the_tree_is_as_it_is_drawn() -> None:
    """What is in doubt is also worth another try; a refusal is neither."""
    assert {ConfigError, Transient, Refused} <= set(DeskhandError.__subclasses__())
    assert issubclass(OutcomeUnknown, Transient)
    assert not issubclass(Refused, Transient)
    assert not issubclass(ConfigError, Transient)


def test_a_passing_trouble_may_say_how_long() -> None:
    """The other side's wish is kept, in seconds; without one it is None."""
    assert Transient("429", retry_after=2.5).retry_after == 2.5
    assert OutcomeUnknown("cut").retry_after is None


def test_a_refusal_names_a_reason_of_the_closed_set() -> None:
    """It becomes a handoff of that reason, and its text is the summary."""
    refused = Refused("no", reason=Reason.BUDGET)
    assert Reason(refused.reason) is Reason.BUDGET
    assert str(refused) == "no"
    with pytest.raises(TypeError):
        Refused("no")  # type: ignore[call-arg]


class Refusal(Exception):
    """A database's error, as drivers make it."""

    sqlstate, status_code = "23505", 409


def test_of_other_peoples_errors_the_kind_is_said() -> None:
    """With what the system, HTTP and the database call it, and never with its text."""
    refused = ConnectionRefusedError(111, "marked-word", "marked-word")
    outer = ValueError("marked-word")
    outer.__cause__ = refused
    assert kind(refused) == "ConnectionRefusedError (Connection refused)"
    assert kind(outer) == "ValueError (Connection refused)"
    assert kind(Refusal("marked-word")) == "Refusal (status 409, 23505)"
    assert kind(KeyError("marked-word")) == "KeyError"
    assert kind(OSError("marked-word")) == "OSError"
    assert kind(Transient("slack: no connection")) == "slack: no connection"


def test_of_a_connection_it_is_said_what_kept_it_from_being_made() -> None:
    """OpenSSL counts its errors by itself: the system's word for that number would lead an operator astray."""
    refused = ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] marked-word")
    refused.reason = "CERTIFICATE_VERIFY_FAILED"
    assert kind(refused) == "SSLCertVerificationError (CERTIFICATE_VERIFY_FAILED)"
    assert kind(ssl.SSLError(1, "marked-word")) == "SSLError (TLS)"
    outer = ValueError("marked-word")
    outer.__cause__ = socket.gaierror(-2, "marked-word")
    assert kind(outer) == "ValueError (host name not found)"
    hidden = ValueError(ConnectionRefusedError(111, "marked-word"))  # as httpcore makes its own, from None
    assert kind(hidden) == "ValueError (Connection refused)"


def test_of_redis_the_code_is_said() -> None:
    """It stands at the beginning; what follows may repeat a command."""
    assert kind(ResponseError("OOM command not allowed: marked-word")) == "ResponseError (OOM)"
    assert kind(ResponseError("unknown command 'marked-word'")) == "ResponseError"
    assert kind(AuthenticationError("WRONGPASS marked-word")) == "AuthenticationError (WRONGPASS)"


@pytest.mark.parametrize(("said", "shown"), [("overloaded_error", "overloaded_error"), ("req_011CS-x", "req_011CS-x")])
def test_a_name_from_elsewhere_may_be_repeated(said: object, shown: str) -> None:
    """What an error or a request is called."""
    assert word(said) == shown


@pytest.mark.parametrize("said", [None, 7, "", "two words", "a" * 65, "1x", "a\n", "é", ["x"]])
def test_a_text_from_elsewhere_may_not(said: object) -> None:
    """It may be anybody's."""
    assert word(said) == "?"


def test_a_chain_ends() -> None:
    """Even one that goes round; a cause that was put away stays so."""
    first, second = ValueError("1"), KeyError("2")
    first.__cause__, second.__cause__ = second, first
    assert list(chain(first)) == [first, second]
    hidden = ValueError("3")
    hidden.__context__ = first
    assert list(chain(hidden)) == [hidden, first, second]
    hidden.__suppress_context__ = True
    assert list(chain(hidden)) == [hidden]
