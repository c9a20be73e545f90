"""Single calls of the Web API.

client              one call, its errors translated; async_client: for modals
access, status      what we may do and hear; what is shown of the agent at work
introduction        whose workspace the bot token is of
membership          who people are; roles: is somebody who has a role a member
names               what people and channels are called
rooms               who reads a queue channel
response_urls       where a command is answered
lost_events         what is told when Slack drops events
"""
