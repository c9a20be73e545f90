"""Stories: what happened, and why, in words for people, and as facts for programs.

- `ticket_story`: everything that happened to one ticket, in order, for the terminal and the page of the ticket.
- `explanation`: the page that explains one thing, as text and as JSON.
- `explaining`: what that page says: who asked, what was decided, done and said, and what it cost.
- `tool_calls`: what it says of one tool call.
- `reading`: reads what is known of a thing, and makes its page.
- `plain_words`: the words for what rows and classes name.
- `naming`: how a thing can be named.
- `audit_sample`: acts drawn at random for an auditor.
"""
