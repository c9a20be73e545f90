"""What the tests do not wait for is what they would get: `tests.support.shortcuts`."""

import email.parser
import http.client
import io
from http.client import HTTPMessage

import pytest

from tests.support import shortcuts


@pytest.mark.parametrize(
    "headers",
    [
        "",
        "Date: Tue, 01 Dec 2026 20:00:00 GMT\r\nContent-Length: 12\r\nX-Empty:\r\nX-Spaces: \t a : b \t\r\n",
        "Set-Cookie: a=1\r\nSet-Cookie: b=2\r\ncontent-type: text/html; charset=utf-8\r\nX: caf\xe9\r\n",
        "X-Folded: one\r\n two\r\nX-After: 3\r\n",
        "X-Alone: a\nX-Return: b\rc\r\n",
        "no colon\r\nX: 1\r\n",
        "X-Break: a\x0bb\x85c\r\n",
        "X Space: 1\r\n",
        "Content-Type: multipart/mixed; boundary=x\r\n",
    ],
)
def test_an_answers_headers_are_those_that_python_reads(headers: str) -> None:
    """Those that are one a line, and those that are left to the parser of e-mails."""
    text = f"{headers}\r\n"
    file = io.BytesIO(text.encode("iso-8859-1") + b"the body")
    read = http.client.parse_headers(file)
    wanted = email.parser.Parser(_class=HTTPMessage).parsestr(text)
    assert read.items() == wanted.items()
    assert read.get_content_type() == wanted.get_content_type()
    assert file.read() == b"the body"
    assert http.client.parse_headers.__module__ == shortcuts.__name__
