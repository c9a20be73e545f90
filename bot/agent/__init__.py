"""How an agent thinks: its card, its prompt, its model and the loop that plays them."""
