"""Do the turns of people go as well as the evaluated ones? A sample of them is scored again, beside the baseline.

draw        which turns of a week are drawn: a rule that anybody can compute again
flags       why a turn is kept for certain
invariants  what must be true of every turn, by what is stored of it
estimate    the share of turns that is good, with an interval that knows how they were drawn
quality     what is known of a release by its samples, read from rows
quality_words  the same in words and as JSON
"""
