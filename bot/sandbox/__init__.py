"""A local Slack workspace and a stand-in for the model, for the demo and the end-to-end tests.

The workspace
    workspace             the app with its routes; serve: as a process; guard: who may speak to it
    api                   the door of the Web API; methods: what is behind it; limits, faults: what it may refuse
    people, acts          what a person does; inputs: in elements; sight: what they see; feed: as it happens
    control               the test bench; journal: what it can look back on
    blocks, elements, tables    Slack's rules for what is shown
    surfaces              modals and the Home tab
    files                 the bytes of files
    world                 all of it as one value; state, changes, saving: what it remembers
    seed                  who lives there (`people.yaml`), and what the app may do
The way to the bot
    delivery, links       over HTTP or the Socket Mode link
    events, payloads      in Slack's shapes; ids: as Slack writes them
    answers, permits      what the bot says back, and what it was handed for a moment
The demo
    demo, tour            for a visitor, or played by itself; scenes: what is played
    sitting               all that is started; plot: the folder that it lives in
    processes, leash      children that do not outlive the demo; parts: which of them are ours
    standin               the model's
"""
