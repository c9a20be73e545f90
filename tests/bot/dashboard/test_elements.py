"""HTML and SVG are built of elements, and nothing gets around them: `bot.dashboard.elements`."""

import pytest

from bot.dashboard.elements import document, element


def test_text_and_values_are_escaped() -> None:
    """What people write cannot end an element or an attribute."""
    shown = str(element("p", "<b>&\"'", title="\"><script>'"))
    assert shown == '<p title="&quot;&gt;&lt;script&gt;&#x27;">&lt;b&gt;&amp;&quot;&#x27;</p>'


def test_children_are_flattened_in_order() -> None:
    """Lists, generators and numbers are children; None is none, and neither is an attribute that is not set."""
    shown = element(
        "ul", None, [element("li", 1), (element("li", word) for word in ("a", "b"))], hidden=False, class_=None
    )
    assert str(shown) == "<ul><li>1</li><li>a</li><li>b</li></ul>"
    assert str(element("meta", charset="utf-8", hidden=True)) == '<meta charset="utf-8" hidden>'
    assert str(element("rect", x=1.25, y=2.0, stroke_width=3)) == '<rect x="1.25" y="2" stroke-width="3"></rect>'


@pytest.mark.parametrize("name", ["script", "style", "iframe", "img", "base", "foreignObject", "p onclick", "a>"])
def test_elements_that_could_run_or_load_something_are_refused(name: str) -> None:
    """A page cannot even be built with one."""
    with pytest.raises(ValueError, match="has no element"):
        element(name)


@pytest.mark.parametrize("name", ["onclick", "onload", "style", "srcdoc", "x y"])
def test_attributes_that_could_run_something_are_refused(name: str) -> None:
    """Handlers of events and inline styles have no place."""
    with pytest.raises(ValueError, match="has no attribute"):
        element("p", **{name: "alert(1)"})


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "data:text/html,x",
        "",
        "/a b",
    ],
)
def test_no_address_leaves_this_site(address: str) -> None:
    """A link or a form leads to a path, a query or a fragment of ours."""
    for name in ("href", "src", "action", "formaction"):
        with pytest.raises(ValueError, match="does not lead to"):
            element("a", **{name: address})


@pytest.mark.parametrize("address", ["/dashboard?agent=access&since=2026-11-01", "?since=2026-11-01", "#main", "/"])
def test_addresses_of_ours_are_kept(address: str) -> None:
    """With their ampersands escaped."""
    assert str(element("a", href=address)) == f'<a href="{address.replace("&", "&amp;")}"></a>'


def test_what_is_not_seen_is_marked() -> None:
    """Characters that turn the direction of text, control a terminal or cannot be sent leave a visible trace."""
    assert str(element("p", "a\u202eb\x1bc\ud800d\x00\x85")) == "<p>a\ufffdb\ufffdc\ufffdd\ufffd\ufffd</p>"
    assert str(element("p", "two\nlines\tand more")) == "<p>two\nlines\tand more</p>"


def test_something_else_is_no_child() -> None:
    """A value of another type is an error of ours, and never shown as Python writes it."""
    with pytest.raises(TypeError, match="cannot show a object"):
        element("p", object())


def test_a_document_has_its_type_and_language() -> None:
    """Without the type a browser falls back to old rules."""
    assert document(element("body")) == '<!doctype html>\n<html lang="en"><body></body></html>\n'
