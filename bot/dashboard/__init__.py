"""What an owner sees in a browser: pages made of stored figures, without JavaScript. Pure: values in, HTML out.

The pages
    overview        the figures of agents; overview_values: what it shows, as values
    ticket_page     one ticket
Sections of the overview
    headline        what is served, and the success criterion
    volume          turns, times, tools and categories
    handovers       handoffs and their reasons, and what people thought of answers
    costs           model calls and the time of people
    samples         how good turns are by the samples that were scored
    watching        drift, the last signs of each part, the last tickets
What they are made of
    elements        builds HTML and SVG, and escapes everything; parts: frame, sections, tables
    charts          bars, lines and intervals as SVG; scales: their axes; inks: their colours and patterns
    wording         how figures are written; said_to_model: how prompts and completions are
    filters         which days and agents a viewer asks for
"""
