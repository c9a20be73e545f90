"""What an agent can do: one decorated function a tool, with its arguments, effect and scope."""
