"""Parses the XML of feeds and names its elements by what they mean, whatever their prefix."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from newsmill.errors import BadRecord

# Namespace → the prefix that the readers know it by; "" is the vocabulary of RSS and Atom itself.
_KNOWN = {
    "http://www.w3.org/2005/atom": "atom",
    "http://purl.org/atom/ns#": "atom",
    "http://purl.org/rss/1.0/": "",
    "http://my.netscape.com/rdf/simple/0.9/": "",
    "http://channel.netscape.com/rdf/simple/0.9/": "",
    "http://backend.userland.com/rss": "",
    "http://backend.userland.com/rss2": "",
    "http://blogs.law.harvard.edu/tech/rss": "",
    "http://purl.org/rss/1.0/modules/rss091#": "",
    "http://purl.org/dc/elements/1.1/": "dc",
    "http://purl.org/dc/terms/": "dcterms",
    "http://purl.org/rss/1.0/modules/content/": "content",
    "http://purl.org/rss/1.0/modules/syndication/": "sy",
    "http://search.yahoo.com/mrss/": "media",
    "http://search.yahoo.com/mrss": "media",
    "http://www.itunes.com/dtds/podcast-1.0.dtd": "itunes",
    "http://rssnamespace.org/feedburner/ext/1.0": "feedburner",
    "http://www.google.com/schemas/sitemap-news/0.9": "news",
    "http://www.google.com/schemas/sitemap-image/1.1": "image",
    "http://www.w3.org/1999/xhtml": "xhtml",
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#": "rdf",
}
_PREFIXES = frozenset(_KNOWN.values()) - {""}
XML = "{http://www.w3.org/XML/1998/namespace}"


def tree_of(text: str, url: str) -> tuple[etree._Element, bool]:
    """The root of a repaired document, and whether the parser had to recover from broken markup.

    ``huge_tree`` lifts libxml2's limit on one text node, past which it would drop the rest of the
    document without a word; the size, the nodes and the entities were bounded before. Raises
    BadRecord (``unparsable``).
    """
    parser = etree.XMLParser(
        encoding="utf-8",
        recover=True,
        huge_tree=True,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
        collect_ids=False,
    )
    try:
        root = etree.fromstring(text.encode("utf-8", "replace"), parser, base_url=url)
    except etree.XMLSyntaxError as error:
        raise BadRecord("unparsable", f"XML: {error}") from None
    if root is None:
        raise BadRecord("unparsable", "XML: no element in it")
    return root, len(parser.error_log) > 0


class Names:
    """The names of a document's elements: ``title``, ``dc:creator``, ``atom:link``, in lower case.

    The vocabulary of the root itself has no prefix, so an Atom feed's ``title`` is ``title``. An
    undeclared or unknown namespace is known by its prefix.
    """

    def __init__(self, root: etree._Element) -> None:
        self._names: dict[tuple[str, str | None], str] = {}
        self._own = _split(root.tag)[0]

    def of(self, element: etree._Element) -> str:
        """The element's name; "" for what is no element."""
        tag = element.tag
        if not isinstance(tag, str):
            return ""
        prefix = element.prefix
        name = self._names.get((tag, prefix))
        if name is None:
            name = self._names[tag, prefix] = self._name(tag, prefix)
        return name

    def _name(self, tag: str, prefix: str | None) -> str:
        namespace, local = _split(tag)
        local = local.lower()
        if ":" in local:  # an undeclared prefix, kept in the name by the parser
            given, _, local = local.partition(":")
            return f"{given}:{local}" if given in _PREFIXES else f"?:{local}"
        known = _KNOWN.get(namespace.lower())
        if namespace == self._own or not namespace or known == "" or (known is None and not prefix):
            return local
        known = known or (prefix or "").lower()
        return f"{known}:{local}" if known in _PREFIXES else f"?:{local}"

    def children(self, element: etree._Element) -> Iterator[tuple[str, etree._Element]]:
        """The child elements with their names."""
        for child in element:
            if name := self.of(child):
                yield name, child


def _split(tag: str) -> tuple[str, str]:
    namespace, brace, local = tag.rpartition("}")
    return (namespace[1:], local) if brace else ("", tag)


def inner_text(element: etree._Element, limit: int) -> str:
    """All text within an element, cut near ``limit`` characters."""
    if not len(element):
        return (element.text or "")[:limit]
    pieces: list[str] = []
    size = 0
    for piece in element.itertext():
        pieces.append(str(piece))
        size += len(piece)
        if size >= limit:
            break
    return "".join(pieces)[:limit]


def attribute(element: etree._Element, name: str) -> str | None:
    """An attribute by its name in lower case, whatever its spelling and namespace."""
    found = element.get(name)
    if found is None and len(element.attrib) <= 64:  # lxml lists attributes in quadratic time
        for key, value in element.items():
            if _split(str(key))[1].lower() == name:
                return str(value)
    return found
