"""Writes XML files: UTF-8 with a declaration, one element per line, equal kits as equal bytes."""

import re
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_xml(top: ET.Element, path: Path) -> None:
    """Write a tree. Characters that XML 1.0 has no way to write become ``?``; all others are escaped where needed."""
    path.write_bytes(xml_bytes(top))


def xml_bytes(top: ET.Element) -> bytes:
    """Return a tree as a file."""
    for element in top.iter():
        element.text = None if element.text is None else _NOT_XML.sub("?", element.text)
        for name, value in element.attrib.items():
            element.set(name, _NOT_XML.sub("?", value))
    ET.indent(top)
    return ET.tostring(top, encoding="UTF-8", xml_declaration=True) + b"\n"


def add(parent: ET.Element, **texts: object) -> ET.Element:
    """Add one element per name, in this order, with a text; returns the parent."""
    for name, text in texts.items():
        ET.SubElement(parent, name).text = _written(text)
    return parent


def _written(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.6f}" if isinstance(value, float) else str(value)
