"""What responders read, and the two threads that are linked while a person has a ticket.

handoff_messages      what is said of each move, in its transaction
queue_card            the card in the queue channel; reasons: why it went to a person; removed_cards
handoff_facts         what a card tells, each fact once; repeats: what was said already
handoff_modals        forms; denials: why somebody may not act
queue_notes           notes below a card
handoff_transcript    the conversation below a card, kept as it is now; transcript: how it is built
linked_threads        the places where something is said
relay                 what is said in one thread and belongs in the other; copies: how it is built
home                  the App Home
"""
