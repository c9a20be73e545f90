"""Messages to responders, and the two linked threads of a handoff: the requester's, and the one below the card.

handoff_messages      the messages about each move, in its transaction
queue_card            the card in the queue channel; reasons: why it went to a person; removed_cards: deleted cards
handoff_facts         the facts on a card, each once; repeats: drops sentences that only repeat others
handoff_modals        forms; denials: why somebody may not act
queue_notes           notes below a card; requester_left: the note that nobody waits any more
handoff_transcript    the conversation below a card, kept up to date; transcript: builds it
linked_threads        stores messages for either thread
relay                 carries messages from one thread to the other; copies: builds them
home                  the App Home
"""
