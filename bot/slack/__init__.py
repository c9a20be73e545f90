"""What Deskhand says in Slack: bodies of messages built by pure functions, and the outbox that sends them."""
