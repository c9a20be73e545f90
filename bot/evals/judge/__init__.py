"""The judge: a model that says whether an answer has the right tone and is grounded in what the agent saw.

Outcome and state come first, and code checks them (`bot.evals.scorers`): the judge never makes a failed play good. It
is off unless the card names it, and it counts only as far as people's labels say that it can be trusted.

question      what the judge is asked, and how its answer is read
instructions  what it is told, from the agent's folder
judge         one judgement, paid for like any other model call
labels        answers that people have judged
calibration   how often the judge agrees with people
judging       the judged plays of a run, and what they add to its verdict
rogan_gladen  the true share of good answers, by the judge's share and its errors
"""
