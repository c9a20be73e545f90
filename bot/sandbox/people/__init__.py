"""What people do in the workspace, and what they see of it.

people, acts     the door for the page, and what a person does; inputs: in elements; payloads: in Slack's shapes
answers          what the bot says back to a press
sharing          what is passed on, and what apps post
visible_state    what somebody sees; feed: as it happens
control          the test bench
"""
