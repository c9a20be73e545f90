"""What is served now, by what right, and how one gets back to what was served before.

pairs         the release and the suite of each agent as its folder is now
registry      stores a release and a suite with their files
differences   what changed between two releases, in words
card_text     a card with what decides behaviour as in another one
rollback      the files of a release that passed are put back
waiving       an owner answers for a release that did not pass
"""
