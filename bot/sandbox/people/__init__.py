"""What people do in the workspace, and what they see of it.

people, acts     what a person can do; inputs: with elements; payloads: in Slack's format
answers          the bot's answers to an interaction
sign_in          Sign in with Slack
phone            what a person does with their phone
sharing          forwarded messages, and what apps post
visible_state    what a person sees; feed: the same as live updates
control          what a test changes: faults, events, users
"""
