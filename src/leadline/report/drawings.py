"""Figures put into the page: only drawing elements, ids that belong to one figure, colours from the page."""

import re
from xml.etree import ElementTree

from markupsafe import Markup

_DROPPED = {"script", "style", "metadata", "foreignObject", "iframe", "animate", "set", "title", "desc"}
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_PIXELS = "data:image/png;base64,"  # the one kind of content that a drawing may bring along
_POINT = 4 / 3  # CSS pixels per point


def inline_svg(svg: str, *, prefix: str, label: str) -> Markup | None:
    """The SVG text as an element of the page, or None where it is not well-formed.

    Scripts, event handlers, style sheets (they would reach the whole page) and links out are dropped; ids get the
    prefix, so that two figures of one page cannot refer to each other's parts.
    """
    try:
        root = ElementTree.fromstring(svg)
    except ElementTree.ParseError:
        return None
    if _local(root.tag) != "svg":
        return None
    _clean(root, prefix)
    width = re.fullmatch(r"([\d.]+)(pt|px)?", root.attrib.pop("width", ""))
    root.attrib.pop("height", None)
    if width is not None:
        pixels = float(width[1]) * (_POINT if width[2] == "pt" else 1)
        root.set("style", f"--width:{pixels:.0f}px")
    root.attrib.update({"role": "img", "aria-label": label})
    return Markup(ElementTree.tostring(root, encoding="unicode"))  # serialised from the cleaned tree


def _clean(element: ElementTree.Element, prefix: str) -> None:
    element.tag = _local(element.tag)  # the HTML parser puts <svg> and what is inside it into SVG's namespace
    for name, value in list(element.attrib.items()):
        del element.attrib[name]
        local = _local(name)
        pixels = element.tag == "image" and value.startswith(_PIXELS)
        if local.startswith("on") or (local == "href" and not value.startswith("#") and not pixels):
            continue
        if local == "id":
            value = prefix + value  # noqa: PLW2901
        elif local == "href" and not pixels:
            value = f"#{prefix}{value[1:]}"  # noqa: PLW2901
        else:
            value = _REFERENCE.sub(rf"url(#{prefix}\1)", value)  # noqa: PLW2901
        if "url(" in value and _REFERENCE.sub("", value).count("url("):
            continue
        element.set(local, value)
    for child in list(element):
        if not isinstance(child.tag, str) or _local(child.tag) in _DROPPED:
            element.remove(child)
        else:
            _clean(child, prefix)


def _local(name: str) -> str:
    return name.rpartition("}")[2]
