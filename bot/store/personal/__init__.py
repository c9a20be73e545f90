"""Personal data: where it is, how long it is kept, and how it is handed out and erased.

inventory        every column of every table: what of a person it holds; pure
kinds_of_data    what an entry of the inventory says; pure
stored_values    how one stored value loses what is in it, or what names a person; pure
rewriting_rows   how the columns of many rows are changed, whichever table they are in
whose            what names one person: their ids, their tickets, and what is under way for them
erasing          everything about one person goes
exporting        everything about one person as one document
retention        the words of tickets that are long at rest go, in batches; loose_rows: those of no ticket
deleted_words    what was deleted or edited in Slack goes from every copy
"""
