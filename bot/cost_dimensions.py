"""What money is counted in, kept by and broken down by. Settings, reports, commands and their help read these lists."""

from typing import Literal, get_args

NANO = 10**9
"Nano-US-dollars in a US dollar."

BudgetScope = Literal["channel", "user", "team", "agent"]
"What a budget is kept for."
SCOPES: tuple[BudgetScope, ...] = get_args(BudgetScope)

Window = Literal["day", "week", "month"]
"In which a cap counts, and which a report covers."
WINDOWS: tuple[Window, ...] = get_args(Window)

Dimension = Literal[BudgetScope, "tool", "outcome", "model"]
"What a report of cost is broken down by; `bot.store.money.spending.GROUPS` has the column of each."
DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)
