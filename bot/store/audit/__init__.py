"""The audit log: who did what, for whom, in answer to which message. Rows are only ever added, and chained.

- `gaps`: finds what was done and is not on record, and what is on record and was not done.
- `records`: adds a record in the transaction of the act that it records, and reads those of a ticket or a person.
- `things`: finds what somebody wants to have explained.
- `strata`: the acts of the log, by what an auditor looks at.
- `people`: names people by references, puts their ids back, and forgets them.
- `chain`: reads the chain in its order, to verify it.
- `guards`: what the database itself refuses, and the rights of the application's role.
"""

from bot.store.audit.records import (
    AuditRecord,
    append,
    find,
    first_left,
    has_outcome,
    last,
    named,
    of_subject,
    of_ticket,
    of_tickets,
)

__all__ = [
    "AuditRecord",
    "append",
    "find",
    "first_left",
    "has_outcome",
    "last",
    "named",
    "of_subject",
    "of_ticket",
    "of_tickets",
]
