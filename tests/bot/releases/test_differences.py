"""What changed between two releases, in words: `bot.releases.differences`."""

import pytest

from bot.releases.differences import StoredRelease, in_words, of_this_code


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ({"model": "a"}, {"model": "b"}, ["model: a, then b"]),
        ({"prompt": "1"}, {"prompt": "2"}, ["the prompt changed"]),
        ({"tools": "1"}, {"tools": "2"}, ["the schemas of the tools changed"]),
        ({"scope": {"tools": ["a", "b"]}}, {"scope": {"tools": ["b", "c"]}}, ["scope.tools: without a and with c"]),
        ({"scope": {"tools": ["a", "b"]}}, {"scope": {"tools": ["b", "a"]}}, ["scope.tools: another order"]),
        ({}, {"endpoint": "vendor"}, ["the address of the model: not set, then vendor"]),
        ({"sdk": "1", "deskhand": "1"}, {"sdk": "2", "deskhand": "1"}, ["the version of the model's SDK: 1, then 2"]),
        (
            {"code": {"a.py": "1", "b.py": "1", "c.py": "1"}},
            {"code": {"a.py": "2", "c.py": "1", "d.py": "1"}},
            ["code changed: a.py", "code new: d.py", "code gone: b.py"],
        ),
        ({"model": "a"}, {"model": "a"}, []),
    ],
)
def test_each_change_is_a_sentence(before: dict[str, object], after: dict[str, object], words: list[str]) -> None:
    """What did not change is not named."""
    assert list(in_words(StoredRelease("a@1", before, {}), StoredRelease("a@2", after, {}))) == words


def test_only_code_and_versions_cannot_be_put_back_by_files() -> None:
    """Another prompt is no obstacle."""
    assert of_this_code({"prompt": "1", "code": {"a.py": "1"}}, {"prompt": "2", "code": {"a.py": "1"}}) == ()
    assert of_this_code({"code": {"a.py": "2"}}, {"code": {"a.py": "1"}}) == ("code changed: a.py",)
