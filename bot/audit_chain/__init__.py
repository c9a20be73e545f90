"""The chain of the audit log, as pure functions: what is hashed, and how each record is bound to the one before it.

- `canonical`: a record as bytes, its digest, and the hash that puts it at its position of the chain.
- `tampering`: what can be done to a log, and one record as a verification sees it.
- `verification`: is a log whole, and what of that was proved; `diagnosis` says what was done to one that is not.
- `proofs`: checkpoints and seals, which are signed and kept elsewhere.
- `export_file`: a log as a file that is verified by itself; `other_formats` has it as OCSF and DSSE.

Nothing here knows a database, so that a log can be verified wherever a copy of it is.
"""
