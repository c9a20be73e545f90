"""Approvals: a person's permission for one call of a tool, and the proofs of who asks for it.

approvals   the moves of an approval; approval_moves: how each is made; proofs: those of its proofs
waiting     what is due, and what waits for people
account_watches   accounts that are watched after a reset of second factors
approvers   who has enrolled an authenticator app, which codes were used, and who is locked
"""
