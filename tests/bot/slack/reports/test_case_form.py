"""The form of a proposed case, and its entry in App Home: `bot.slack.reports.case_form`."""

from hypothesis import given

from bot.sandbox.slack import blocks as slack
from bot.slack.mrkdwn import Block
from bot.slack.reports import case_form
from bot.slack.reports.case_form import CaseItem, CaseOptions
from bot.store.schema import CaseDraft
from tests.support.block_checks import check, shown, texts, tried
from tests.support.proposed_cases import PROPOSED_DRAFT, proposed_case

OPTIONS = CaseOptions(
    slices=("locked", "password"),
    reasons=("requested", "out_of_policy"),
    tickets=("open", "resolved", "handed_off"),
    categories=("locked", "none"),
    tools=("unlock_my_account", "hand_off"),
    assignees={"U0PRIYA": "Priya", "U0BEN": "Ben"},
)


def fields(view: Block) -> dict[str, Block]:
    """Return the elements of a form by the name of their field."""
    return {one["block_id"]: one["element"] for one in view["blocks"] if one["type"] == "input"}


def test_the_form_shows_the_draft_as_it_is() -> None:
    """Each field of a draft is a field of the form, and its button says which revision was seen."""
    view = case_form.form(proposed_case(), OPTIONS)
    assert slack.complaints(view["blocks"], slack.MODAL) == []
    assert view["private_metadata"] == "7:2"
    found = fields(view)
    named = {*case_form.TEXT_FIELDS, *case_form.CHOICES, *case_form.LIST_FIELDS}
    assert named == set(PROPOSED_DRAFT.to_json())
    assert found.keys() == named | {case_form.ASSIGNEE, case_form.DO}
    assert found["says"]["initial_value"] == "locked out"
    assert found["slice"]["initial_option"]["value"] == "locked"
    assert [one["value"] for one in found["not_ran"]["initial_options"]] == ["hand_off"]
    assert found[case_form.ASSIGNEE]["initial_option"]["value"] == "U0BEN"
    assert "initial_option" not in fields(case_form.form(proposed_case(CaseDraft()), OPTIONS))["slice"]


def test_home_has_what_is_to_be_decided() -> None:
    """With who proposed it and the first words; what does not fit is counted."""
    items = [CaseItem(proposed_case(number=number), "my <!here> account") for number in range(5)]
    blocks = list(case_form.entries(items, 12))
    check({"text": "home", "blocks": blocks}, ours=("<@U0PRIYA>",))
    assert len(blocks) == 2 + 2 * case_form.MOST_ITEMS
    said = shown({"blocks": blocks})
    assert "*Case from ticket 3* (access), proposed" in said
    assert "and 9 more" in said
    assert list(case_form.entries([], 0)) == []


@tried
@given(texts)
def test_no_text_breaks_the_form(text: str) -> None:
    """Whatever a draft holds is shown as it is, as far as a field takes it."""
    draft = CaseDraft(id=text, says=text, accounts=text * 40, more=text, why=text)
    view = case_form.form(proposed_case(draft), OPTIONS)
    assert slack.complaints(view["blocks"], slack.MODAL) == []
    check(
        {"text": "home", "blocks": list(case_form.entries([CaseItem(proposed_case(), text)], 1))}, ours=("<@U0PRIYA>",)
    )
