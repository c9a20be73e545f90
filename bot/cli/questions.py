"""Asks for one value after another on the terminal, or takes them from options and the environment in a script."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import click

from bot.errors import ConfigError, DeskhandError

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class SetupQuestion:
    """What is asked for, and what is known of it already."""

    words: str
    source: str
    "The option or variable that gives the answer in a script; messages name it."
    given: str = ""
    "What that option says; it is not asked for then."
    current: str = ""
    "What is set up already, which Enter keeps."
    shown: str = ""
    "How that is shown to people; by default as it is."
    secret: bool = False
    "Whether neither the answer nor what is set up is shown."
    optional: bool = False
    "Whether there may be no answer."


@dataclass(frozen=True, slots=True)
class Interviewer:
    """Where answers come from."""

    asks: bool
    "Whether somebody sits at the terminal; otherwise a value that is not given is an error."

    def ask(self, question: SetupQuestion, check: Callable[[str], Answer]) -> Answer:
        """Return a checked answer; on a terminal, a wrong one is asked for again.

        Args:
            question: what is asked for.
            check: turns a text into the answer, and refuses a wrong one.

        Raises:
            ConfigError: the given value is wrong, or there is none and no terminal to ask on.
            click.Abort: somebody has pressed Ctrl-C.
        """
        asks, source = self.asks and not question.given, question.source
        while True:
            text = _typed(question) if asks else question.given or question.current
            if not text and not question.optional:
                how = "as an option" if source.startswith("--") else "in the environment or .env"
                raise ConfigError(f"{source} is missing: {question.words}. Give it {how}, or answer on a terminal")
            try:
                return check(text)
            except DeskhandError as error:
                said = f"{source}: {_without(source, str(error))}"
                if not asks:
                    raise ConfigError(said) from error
                click.echo(f"  {said}", err=True)


def listed(check: Callable[[str], Answer]) -> Callable[[str], tuple[Answer, ...]]:
    """Return a check of several values with commas between them; what is named twice counts once."""

    def checked(text: str) -> tuple[Answer, ...]:
        found = tuple(dict.fromkeys(check(one.strip()) for one in text.split(",") if one.strip()))
        if not found:
            raise ConfigError("expected one at least, with commas between several; found none")
        return found

    return checked


@contextmanager
def answered(so_far: str, *, instead: str) -> Iterator[None]:
    """Hold a question of click, which says no more than "Aborted!" when its input ends without an answer.

    Args:
        so_far: what was not done, in a sentence.
        instead: how to go on, in a sentence.

    Raises:
        click.ClickException: the input has ended.
        click.Abort: somebody has pressed Ctrl-C, or said no.
    """
    try:
        yield
    except click.Abort as ended:
        if not isinstance(ended.__context__, EOFError):
            raise
        click.echo(err=True)  # the line of the question
        raise click.ClickException(f"The input ended without an answer. {so_far} {instead}") from ended


def _typed(question: SetupQuestion) -> str:
    known = "it is set; Enter keeps it" if question.secret else question.shown or question.current
    words = f"{question.words} [{known}]" if question.current else question.words
    default = question.current or ("" if question.optional else None)
    text = click.prompt(words, default=default, show_default=False, hide_input=question.secret, err=True)
    return str(text).strip()


def _without(source: str, said: str) -> str:
    """Return a message without the source that it begins with: `environment: REDIS_URL cannot be read`."""
    return said.removeprefix("environment: ").removeprefix(source).removeprefix(":").strip()
