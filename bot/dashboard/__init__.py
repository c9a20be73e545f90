"""What an owner sees in a browser: pages made of what is stored. Pure.

ticket_story  what happened to one ticket, for its page and for the terminal
"""
