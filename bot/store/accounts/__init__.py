"""The local directory: its accounts, how often each was changed, and the delegation tokens that were used.

- `accounts`: how accounts are found, and how they get there.
- `changes`: what the directory changes, once for each idempotency key.
- `access`: devices that are signed in, and notices to the address on file.
- `challenges`: questions to a second factor, each answered once at most.
- `account_writes`: how often an account is changed, whichever directory holds it.
- `read_backs`: writes whose account is to be read back again.
- `used_tokens`: delegation tokens that were used.
- `outage`: takes the accounts of a running demo away.
"""
