"""JSON-LD, read strictly once and repaired once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsmill.extractor.core import structured

NODE = '{"@type":"NewsArticle","headline":"A pier opens"}'


@pytest.mark.parametrize(
    "block",
    [
        NODE,
        f"[{NODE}]",
        '{"@graph":[{"@type":"WebSite"},' + NODE + "]}",
        f"//<![CDATA[\n{NODE}\n//]]>",
        f"<!--{NODE}-->",
        NODE.replace("}", ",}"),
        NODE + ";",
        NODE.replace("A pier", "A\n\tpier"),
        NODE.replace('"', "&quot;"),
        NODE.replace("pier", "pier\\ud800"),
        '{"@type":"WebPage","mainEntity":' + NODE + "}",
        NODE.replace("NewsArticle", "http://schema.org/NewsArticle"),
    ],
)
def test_the_article_is_found_in_every_dress(block: str) -> None:
    node = structured.article(structured.nodes([block]), ())
    assert node is not None
    assert structured.text(node["headline"]) == "A pier opens"


def test_of_several_articles_the_one_with_the_page_title_is_taken() -> None:
    other = NODE.replace("A pier opens", "Something else")
    found = structured.article(structured.nodes([other, NODE]), ("A pier opens | Post",))
    assert found is not None
    assert found["headline"] == "A pier opens"


def test_authors_are_found_by_reference() -> None:
    block = (
        '{"@graph":[{"@type":"NewsArticle","author":{"@id":"#p"}},'
        '{"@id":"#p","@type":"Person","name":"Ann Lee"}]}'
    )
    nodes = structured.nodes([block])
    node = structured.article(nodes, ())
    assert node is not None
    assert structured.people(node, nodes) == [("Ann Lee", True)]


def test_a_block_that_is_cut_is_left_out_quickly() -> None:
    cut = '{"@type":"NewsArticle","articleBody":"' + 'He said \\"yes\\". ' * 20_000
    assert structured.nodes([cut]) == []


@given(st.text(max_size=200))
def test_any_block_gives_nodes_or_nothing(block: str) -> None:
    for node in structured.nodes([block]):
        structured.types(node)
        structured.people(node, [node])
