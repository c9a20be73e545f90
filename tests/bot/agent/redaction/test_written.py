"""Texts that were written one by one: `bot.agent.redaction`."""

import re
import time
from pathlib import Path
from statistics import median

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bot.agent.redaction import redact

WRITTEN = yaml.safe_load((Path(__file__).parent / "written.yaml").read_text("utf-8"))
MARKED = re.compile(r"\{([^}]*)\}")
PARTS = sorted({part for text in WRITTEN["secrets"] for part in re.split(r"(\s)", text.translate({123: "", 125: ""}))})
SHAPES = (
    "password is 'password is ",
    "I log in as kim with abc123 and ",
    "abc123 doesn't work ",
    "code 482913, ticket 482913 ",
    "recovery codes 12a4-b3c4 ",
    "passphrase is a b c d ",
    "I live at 1 a b c ",
    "born 1985-03-12 ",
    "https://a:b@c/reset/?token=abc ",
    "<https://a|b> <@U1> ",
    "IBAN DE89 ",
    "1 85 05 78 006 084 91 ",
    "a: b1c2d3 / ",
    "-u a:b mysql -p ",
    "コード123456",
    "パスワードはa1",
    "東京都1",
    "e\u0301\u200b",
    "[password]",
    "\ufffc",
)


def test_what_is_marked_leaves() -> None:
    """Each text is one way in which people write a secret."""
    clean = {text: redact(MARKED.sub(r"\1", text)) for text in WRITTEN["secrets"]}
    left = {text: [secret for secret in MARKED.findall(text) if secret in clean[text]] for text in clean}
    assert {text: secrets for text, secrets in left.items() if secrets} == {}


def test_what_only_looks_like_a_secret_stays() -> None:
    """Tickets, invoices, meetings, versions, devices, and everything that is said of a password."""
    assert [(text, redact(text)) for text in WRITTEN["harmless"] if redact(text) != text] == []


@pytest.mark.parametrize(("text", "clean"), WRITTEN["kept"])
def test_no_more_than_the_secret_leaves(text: str, clean: str) -> None:
    """What the agent and a colleague need to understand the request is still there, character for character."""
    assert redact(text) == clean


@given(st.lists(st.sampled_from(PARTS), max_size=14).map("".join))
def test_redacting_twice_is_redacting_once(text: str) -> None:
    """Also where pieces of secrets meet by chance."""
    assert redact(redact(text)) == redact(text)


@given(st.text(max_size=60), st.sampled_from(WRITTEN["secrets"]), st.text(max_size=60))
def test_no_half_of_a_character_is_left(before: str, text: str, behind: str) -> None:
    """Whatever stands around a secret, the rest can be stored."""
    secret = MARKED.sub(r"\1", text)
    assert redact(f"{before} {secret} {behind}").encode()


@pytest.mark.parametrize("shape", SHAPES)
def test_twice_the_text_takes_about_twice_the_time(shape: str) -> None:
    """Ten thousand characters of a shape take less than nine times what a quarter of them does; four would be even."""
    short, long = ((shape * size)[:size] for size in (2_500, 10_000))
    assert min(_took(long) for _ in range(2)) < 9 * max(0.004, min(_took(short) for _ in range(2)))


def test_a_message_takes_no_time() -> None:
    """A message is redacted before Slack is acknowledged."""
    texts = [MARKED.sub(r"\1", text) for text in WRITTEN["secrets"][::4]]
    assert median(map(_took, texts)) < 0.005


def _took(text: str) -> float:
    began = time.process_time()
    redact(text)
    return time.process_time() - began
