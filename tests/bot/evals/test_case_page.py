"""The page on writing a case (docs/how-to/write-a-case.md): what it shows is what happens."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from bot.agent import card
from bot.evals import cases
from bot.evals.case_models import Case, CaseMessage, Expect
from bot.evals.case_text import BrokenFiles
from bot.evals.scorers import score
from bot.evals.stage import play_case
from tests.support.eval_runtimes import RuntimesOf, without_probes
from tests.support.paths import CONFIG, ROOT

PAGE = (ROOT / "docs/how-to/write-a-case.md").read_text(encoding="utf-8")
GOOD, BAD = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
AGENT = without_probes(card.load(CONFIG / "agents/access"))


def loaded(folder: Path, file: str) -> Case:
    """Return the one case of a file."""
    (folder / "evals").mkdir(parents=True)
    (folder / "evals/password.yaml").write_text(file, encoding="utf-8")
    (folder / "evals/coverage.yaml").write_text("password: 1\n", encoding="utf-8")
    [case] = cases.load(replace(AGENT, folder=folder)).cases
    return case


def test_the_good_case_passes_and_the_bad_one_fails_an_agent_that_does_its_job(
    tmp_path: Path, runtimes_of: RuntimesOf
) -> None:
    """The bad one fails because it forgets to expect the link, as the page says."""
    runtime_for = runtimes_of(AGENT)
    good, bad = loaded(tmp_path / "good", GOOD), loaded(tmp_path / "bad", BAD)
    assert score(good, play_case(good, runtime_for)) == ()
    assert score(bad, play_case(bad, runtime_for)) == (
        "expected nothing to be written on kim, saw send_password_reset",
    )


def test_the_line_of_an_error_is_the_one_on_the_page(tmp_path: Path) -> None:
    """A case that expects a write on an account that it does not have is refused with that line."""
    [line] = re.findall(r"```text\n(config/.*?)\n```", PAGE)
    with pytest.raises(BrokenFiles) as caught:
        loaded(tmp_path, GOOD.replace("writes: {kim", "writes: {eve"))
    assert str(caught.value).replace(f"{tmp_path}", "config/agents/access") == line


def test_the_page_explains_every_field() -> None:
    """Each field of a case, of a message's form and of an ending has its row."""
    rows = re.findall(r"^\| (`.*?)\|", PAGE, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert {*Case.model_fields, *Expect.model_fields} - named - {"slice"} == set()
    assert all(f"{name}:" in PAGE for name in CaseMessage.model_fields)
