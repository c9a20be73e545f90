"""The workspace itself.

world                       all of it as one object; state, changes, saving: its data
seed                        who lives there, and what the app may do
agent_channels              the channels of agents beyond the people file
blocks, elements, tables    Slack's rules for what is shown; surfaces: modals and the Home tab
richtext                    the blocks that Slack's composer adds to a text
events                      in Slack's format; ids: likewise
delivery, links             to the bot, over HTTP or the Socket Mode link; journal: what was delivered
phones                      people's devices, which others connect
tokens                      what the bot may use for a short time: triggers and response URLs
limits, faults              rate limits and switched-on failures
"""
