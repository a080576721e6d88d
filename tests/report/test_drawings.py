"""SVG goes into the page without ids that collide, scripts, or references out of the page."""

from xml.etree import ElementTree

import pytest

from leadline.report.drawings import inline_svg
from leadline.studies.pictures import picture

WILD = """<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="72pt" height="36pt"
 viewBox="0 0 72 36" onload="steal()"><script>steal()</script><style>*{display:none}</style><metadata>x</metadata>
 <defs><clipPath id="c"><rect width="1" height="1"/></clipPath><path id="m" d="M0 0"/></defs>
 <a xlink:href="https://example.org/"><rect clip-path="url(#c)" style="fill: url(https://example.org/f)"/></a>
 <use xlink:href="#m" style="fill: var(--series-1)"/><image href="data:image/svg+xml,steal"/>
 <a href="data:image/png;base64,AA"/><image href="https://example.org/i.png"/></svg>"""


def drawn(svg: str, prefix: str = "p-") -> ElementTree.Element:
    markup = inline_svg(svg, prefix=prefix, label='a "label" & more')
    assert markup is not None
    return ElementTree.fromstring(markup)


def test_only_drawing_is_left() -> None:
    root = drawn(WILD)
    tags = {element.tag for element in root.iter()}
    assert tags == {"svg", "defs", "clipPath", "rect", "path", "a", "use", "image"}
    values = [value for element in root.iter() for value in element.attrib.values()]
    assert not [value for value in values if "example.org" in value or "steal" in value or value.startswith("data:")]


def test_ids_and_references_get_the_prefix() -> None:
    root = drawn(WILD)
    assert {element.get("id") for element in root.iter()} - {None} == {"p-c", "p-m"}
    assert root.findall(".//use")[0].get("href") == "#p-m"
    assert root.findall(".//a/rect")[0].get("clip-path") == "url(#p-c)"


def test_size_and_label() -> None:
    root = drawn(WILD)
    assert (root.get("width"), root.get("height"), root.get("viewBox")) == (None, None, "0 0 72 36")
    assert root.get("style") == "--width:96px"
    assert root.get("aria-label") == 'a "label" & more'


@pytest.mark.parametrize("text", ["", "<svg", "<p/>", "not markup & all"])
def test_what_is_no_drawing_is_none(text: str) -> None:
    assert inline_svg(text, prefix="p-", label="") is None


def test_a_picture_of_pixels_keeps_them() -> None:
    figure = picture("pixels", lambda ax: ax.imshow([[0.0, 1.0], [1.0, 0.0]]))
    (image,) = drawn(figure.svg).iter("image")
    assert image.get("href", "").startswith("data:image/png;base64,")


def test_a_real_figure_keeps_its_colours_and_parts() -> None:
    figure = picture("a", lambda ax: ax.plot([0, 1], marker="o", label="seen"))
    root = drawn(figure.svg)
    assert "var(--series-1)" in ElementTree.tostring(root, encoding="unicode")
    references = {element.get("href", "")[1:] for element in root.iter("use")}
    assert references
    assert references <= {element.get("id") for element in root.iter()}
