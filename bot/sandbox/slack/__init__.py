"""The workspace itself.

world                       all of it as one value; state, changes, saving: what it remembers
seed                        who lives there, and what the app may do
agent_channels              the channels of agents that were copied in
blocks, elements, tables    Slack's rules for what is shown; surfaces: modals and the Home tab
richtext                    what Slack's composer adds to text
events                      in Slack's shapes; ids: as Slack writes them
delivery, links             to the bot, over HTTP or the Socket Mode link; journal: what was delivered
tokens                      what the bot was handed for a moment: triggers and response URLs
limits, faults              what it may refuse
"""
