"""What an agent can do: one decorated function per tool, with its arguments, effect and scope."""
