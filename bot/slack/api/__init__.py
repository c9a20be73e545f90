"""Single calls of the Web API.

client              one call, with its errors translated; async_client: for modals
connections         to Slack, kept and used again; socket_client: that of Socket Mode
access, status      what our token may do and hear; the status of the agent in a thread
token_check         is the bot token of the workspace that the database serves?
membership          who people are; roles: is a person with a role a member?
names               names of people and channels
queue_channels      who reads a queue channel
response_urls       answers to slash commands
lost_events         the message to owners when Slack drops events
"""
