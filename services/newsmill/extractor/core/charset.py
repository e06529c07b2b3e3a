"""Bytes to text: which charset a page is really in, whatever its labels say.

Evidence outranks labels: a byte order mark, then bytes that are valid UTF-8 (few texts in another
charset are), then the HTTP label, then the page's own, then statistics. Only web charsets are
decoded: a label is looked up here, never handed to Python's registry of codecs.
"""

from __future__ import annotations

import codecs
import re

from charset_normalizer import from_bytes

from newsmill.errors import BadRecord

SAMPLE_BYTES = 32_768  # enough for statistics; a whole page would cost more than its parse
LABEL_BYTES = 4_096  # where a page may label itself; browsers look at 1,024, pages are sloppier
MAX_BAD_SHARE = 0.1  # of the non-ASCII characters that may fail to decode before a label is a lie

_LABEL = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?\s*([A-Za-z0-9_.:-]{2,40})""", re.I)
_HTTP_LABEL = re.compile(r"""charset\s*=\s*["']?\s*([A-Za-z0-9_.:-]{2,40})""", re.I)
_ASCII = re.compile("[\x00-\x7f]+")
_ESCAPES = re.compile(rb"\x1b(?:\$[@B]|\([BJ])")

# https://encoding.spec.whatwg.org/#names-and-labels, as Python names the decoders
_CODECS: dict[str, str] = {
    label: codec
    for codec, labels in {
        "utf-8": "utf-8 utf8 unicode-1-1-utf-8",
        "cp1252": "windows-1252 cp1252 iso-8859-1 iso8859-1 iso_8859-1 latin1 l1 ascii us-ascii "
        "ansi ansi_x3.4-1968 x-cp1252",
        "cp1250": "windows-1250 cp1250 x-cp1250",
        "cp1251": "windows-1251 cp1251 x-cp1251 win-1251",
        "cp1253": "windows-1253 cp1253",
        "cp1254": "windows-1254 cp1254 iso-8859-9 iso8859-9 latin5",
        "cp1255": "windows-1255 cp1255",
        "cp1256": "windows-1256 cp1256",
        "cp1257": "windows-1257 cp1257",
        "cp1258": "windows-1258 cp1258",
        "cp874": "windows-874 tis-620 iso-8859-11",
        "iso8859-2": "iso-8859-2 iso8859-2 latin2",
        "iso8859-3": "iso-8859-3",
        "iso8859-4": "iso-8859-4",
        "iso8859-5": "iso-8859-5",
        "iso8859-6": "iso-8859-6",
        "iso8859-7": "iso-8859-7 greek",
        "iso8859-8": "iso-8859-8 iso-8859-8-i",
        "iso8859-10": "iso-8859-10",
        "iso8859-13": "iso-8859-13",
        "iso8859-14": "iso-8859-14",
        "iso8859-15": "iso-8859-15 latin9",
        "iso8859-16": "iso-8859-16",
        "koi8-r": "koi8-r koi8",
        "koi8-u": "koi8-u",
        "mac-roman": "macintosh x-mac-roman",
        "gb18030": "gb18030 gbk gb2312 x-gbk gb_2312-80",
        "big5hkscs": "big5 big5-hkscs x-x-big5",
        "cp932": "shift_jis shift-jis sjis x-sjis windows-31j ms_kanji",
        "euc_jp": "euc-jp x-euc-jp",
        "iso2022_jp_2": "iso-2022-jp",
        "cp949": "euc-kr ks_c_5601-1987 korean windows-949 cp949",
        "utf-16-le": "utf-16 utf-16le",
        "utf-16-be": "utf-16be",
    }.items()
    for label in labels.split()
}
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def decode(body: bytes, content_type: str | None) -> tuple[str, str]:
    """The text of a page and the charset it was read in; undecodable bytes become U+FFFD.

    Raises BadRecord (``encoding``) where no charset makes text of it.
    """
    for mark, codec in _MARKS:
        if body.startswith(mark):
            return body[len(mark) :].decode(codec, "replace"), codec
    wide = _wide(body)
    if wide:
        return body.decode(wide, "replace"), wide
    if _ESCAPES.search(body, 0, SAMPLE_BYTES) and "iso2022_jp_2" in _labels(body, content_type):
        return body.decode("iso2022_jp_2", "replace"), "iso2022_jp_2"
    try:
        return body.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        pass
    for codec in dict.fromkeys((*_labels(body, content_type), "utf-8")):
        text = _tolerable(body, codec)
        if text is not None:
            return text, codec
    return _guess(body)


def _labels(body: bytes, content_type: str | None) -> list[str]:
    """Codecs by their labels: the server's first, then the page's own."""
    names = [found[1] for found in _HTTP_LABEL.finditer(content_type or "")]
    names += [found[1].decode("ascii") for found in _LABEL.finditer(body, 0, LABEL_BYTES)]
    codec_names = (_CODECS.get(name.lower()) for name in names)
    return [codec for codec in codec_names if codec and not codec.startswith("utf-16")]


def _wide(body: bytes) -> str | None:
    """UTF-16 without a mark, seen by the NULs between the characters of its first tags."""
    head = body[:256]
    if head.count(0) * 4 < len(head) or len(head) < 4:
        return None
    return "utf-16-le" if head[1::2].count(0) >= head[::2].count(0) else "utf-16-be"


def _tolerable(body: bytes, codec: str) -> str | None:
    """The text, unless so much of it fails to decode that the label must be wrong."""
    text = body.decode(codec, "replace")
    bad = text.count("\ufffd")
    if bad and bad > MAX_BAD_SHARE * len(_ASCII.sub("", text)) + 1:
        return None
    return text


def _guess(body: bytes) -> tuple[str, str]:
    """By statistics over what is not ASCII; Windows-1252 where they are mute."""
    start = next((index for index, byte in enumerate(body) if byte > 127), 0)
    start = max(0, start - 64)
    best = from_bytes(body[start : start + SAMPLE_BYTES]).best()
    codec = best.encoding if best is not None else "cp1252"
    if best is None and sum(byte < 9 for byte in body[:SAMPLE_BYTES]) > 64:
        raise BadRecord("encoding", "neither text nor a known charset")
    return body.decode(codec, "replace"), codec
