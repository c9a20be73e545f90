"""The delegation token: by what right a tool runs, from the message to the tool, for one call.

- `keys`: the keys that sign and verify, read from a file or the environment.
- `tokens`: what a token says, how it is minted, and how the door of a tool verifies it.
- `hashing`: one form of JSON, so that the same values have the same hash.

Claims and names are those of RFC 8693 and of the transaction-token draft, so that an identity provider can take the
place of our issuer (`docs/how-to/delegation.md`).
"""
