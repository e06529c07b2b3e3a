"""What only a reader's eye tells, in several languages: nothing is lost and nothing is added."""

from __future__ import annotations

import pytest

from newsmill import urls
from newsmill.extractor.core import extract
from newsmill.records import Image, Page
from quality.languages import STORIES, Story

URL = "https://mill-news.example/story"


@pytest.mark.parametrize("story", STORIES, ids=[story.language for story in STORIES])
def test_a_story_comes_out_whole_in_every_language(story: Story) -> None:
    found = extract(
        story.html(),
        Page(page_id=urls.identity(URL), url=URL, content_type="text/html; charset=utf-8"),
    )
    assert found.text.split("\n") == list(story.paragraphs)
    assert found.title == story.title
    assert found.authors == story.authors
    assert found.published == story.published
    assert found.declared_language == story.language
    assert found.images == (
        Image(url="https://mill-news.example/p.jpg", caption=story.caption, credit=story.credit),
    )
    assert [link.title for link in found.related] == [story.related]
