"""Small pages around the dashboard: who a link is for, what went wrong, where to go on. No page needs JavaScript.

Every text that is put into a page is escaped here, in one place.
"""

from collections.abc import Sequence
from html import escape

from starlette.responses import HTMLResponse

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · Deskhand</title>
<link rel="stylesheet" href="/dashboard/notice.css">
</head>
<body>
<main>
<h1>{title}</h1>
{content}
</main>
</body>
</html>
"""


def notice(title: str, *sentences: str, status: int = 200, more: Sequence[str] = ()) -> HTMLResponse:
    """Return a page with a title and a paragraph for each sentence.

    Args:
        title: plain text.
        sentences: plain text.
        status: the HTTP status.
        more: HTML of the functions below, after the paragraphs.
    """
    paragraphs = [f"<p>{escape(sentence)}</p>" for sentence in sentences]
    page = _PAGE.format(title=escape(title), content="\n".join([*paragraphs, *more]))
    return HTMLResponse(page, status_code=status)


def link(text: str, address: str) -> str:
    """Return the HTML of a link on a line of its own."""
    return f'<p><a href="{escape(address)}">{escape(text)}</a></p>'


def button(text: str, address: str, **fields: str) -> str:
    """Return the HTML of a form with hidden fields and one button, which sends a POST."""
    hidden = "".join(f'<input type="hidden" name="{escape(n)}" value="{escape(v)}">' for n, v in fields.items())
    return f'<form method="post" action="{escape(address)}">{hidden}<button>{escape(text)}</button></form>'
