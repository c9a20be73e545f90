"""The second step of an approver: a code from an authenticator app, so that a stolen Slack session is not enough.

- `codes`: whether what an approver types is their code, once, and never after five wrong ones.
- `totp`: the codes themselves (RFC 6238), and how an app is given its secret.
- `secret_box`: the keys that encrypt the secrets, so that the database alone shows none.
"""
