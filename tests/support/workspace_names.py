"""Who and what is called how in the workspace that talks to the web process."""

TEAM, BOT, HELP, QUEUE, RANDOM = "T0DESKHAND", "U0DESKHAND", "C0HELP", "C0QUEUE", "C0RANDOM"
