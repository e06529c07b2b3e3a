"""From the bytes of a feed to text that an XML or JSON parser can be given without fear.

Linear in the size of the body, whatever it holds.
"""

from __future__ import annotations

import codecs
import re
import zlib

from newsmill.errors import BadRecord

MAX_BODY = 20_000_000  # bytes, decompressed

# Every codec that feeds are written in. Python knows more names (zip, punycode, idna, utf-7): none
# of them may be chosen by a stranger.
_CODEC_NAMES = """ascii utf-8 utf-8-sig iso8859-1 iso8859-2 iso8859-3 iso8859-4 iso8859-5
iso8859-6 iso8859-7 iso8859-8 iso8859-9 iso8859-10 iso8859-11 iso8859-13 iso8859-14 iso8859-15
iso8859-16 cp037 cp437 cp720 cp737 cp775 cp850 cp852 cp855 cp857 cp858 cp860 cp861 cp862 cp863
cp864 cp865 cp866 cp869 cp874 cp932 cp949 cp950 cp1006 cp1125 cp1140 cp1250 cp1251 cp1252 cp1253
cp1254 cp1255 cp1256 cp1257 cp1258 koi8-r koi8-u koi8-t kz1048 ptcp154 mac-roman mac-cyrillic
mac-greek mac-latin2 mac-turkish mac-iceland tis-620 gb2312 gbk gb18030 hz big5 big5hkscs euc_jp
euc_kr euc_jis_2004 shift_jis shift_jis_2004 shift_jisx0213 johab iso2022_jp iso2022_jp_1
iso2022_jp_2 iso2022_jp_3 iso2022_kr"""
_CODECS = frozenset(_CODEC_NAMES.split())
_WIDER = {"iso8859-1": "cp1252", "ascii": "cp1252", "gb2312": "gb18030", "shift_jis": "cp932"}
_ALIASES = {  # labels of the web that Python does not know
    "csmacintosh": "mac-roman",
    "csutf8": "utf-8",
    "iso-8859-8-e": "iso8859-8",
    "iso-8859-8-i": "iso8859-8",
    "ks_c_5601-1987": "cp949",
    "mac": "mac-roman",
    "windows-31j": "cp932",
    "windows-874": "cp874",
    "x-euc-jp": "euc_jp",
    "x-gbk": "gbk",
    "x-mac-cyrillic": "mac-cyrillic",
    "x-mac-roman": "mac-roman",
    "x-sjis": "cp932",
}
_SEVEN_BIT = ("iso2022", "hz")  # look like ASCII until decoded
_SIGNATURES = (  # the first bytes of "<?xml" or "<rss", or a byte order mark
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (b"\x00\x00\x00<", "utf-32-be"),
    (b"<\x00\x00\x00", "utf-32-le"),
    (b"\x00<", "utf-16-be"),
    (b"<\x00", "utf-16-le"),
    (b"\x4c\x6f\xa7\x94", "cp037"),
)
_DECLARED = re.compile(rb"""\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]{1,40})["']""")
_CHARSET = re.compile(r"""charset\s*=\s*["']?([\w.:-]{1,40})""", re.I)

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_HOSTILE_REF = re.compile(  # numeric references to code points that XML has no place for
    r"""&\#(?:
      [xX](?:0++(?![0-9a-fA-F]) | 0*+(?:[1-8bBcCeEfF] | 1[0-9a-fA-F] | [dD][89a-fA-F][0-9a-fA-F]{2}
        | [fF]{3}[eEfF] | 1[1-9a-fA-F][0-9a-fA-F]{4} | [2-9a-fA-F][0-9a-fA-F]{5} | [0-9a-fA-F]{7,})
        (?![0-9a-fA-F]))
    | (?:0++(?!\d) | 0*+(?:[1-8] | 1[124-9] | 2\d | 3[01] | 55(?:29[6-9]|[3-9]\d\d) | 56\d{3}
        | 57(?:[0-2]\d\d|3[0-3]\d|34[0-3]) | 6553[45]
        | 111411[2-9] | 11141[2-9]\d | 1114[2-9]\d\d | 111[5-9]\d{3} | 11[2-9]\d{4} | 1[2-9]\d{5}
        | [2-9]\d{6} | \d{8,})(?!\d))
    );?""",
    re.X,
)


def decode(body: bytes, content_type: str | None = None) -> str:
    """The text of a feed, gzip undone, control characters and hostile references dropped.

    A byte order mark wins; then UTF-8 where the bytes are that (labels that say otherwise are wrong
    far more often than such bytes are chance); then the labels, of the transport and of the XML
    declaration; then UTF-8 with each stray byte read as windows-1252. Raises BadRecord
    (``too_large``, ``encoding``).
    """
    if body[:2] == b"\x1f\x8b":
        body = _gunzip(body)
    if len(body) > MAX_BODY:
        raise BadRecord("too_large", f"{len(body)} bytes; at most {MAX_BODY}")
    text = _to_text(body, content_type)
    if _CONTROL.search(text):
        text = _CONTROL.sub("", text)
    return _HOSTILE_REF.sub("", text) if "&#" in text else text


def _gunzip(body: bytes) -> bytes:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        plain = unpacker.decompress(body, MAX_BODY + 1)
    except zlib.error as error:
        raise BadRecord("encoding", f"gzip: {error}") from None
    if len(plain) > MAX_BODY:
        raise BadRecord("too_large", f"more than {MAX_BODY} bytes decompressed")
    if not unpacker.eof:
        raise BadRecord("truncated", "gzip: the stream ends before its end")
    return plain


def _to_text(body: bytes, content_type: str | None) -> str:
    for signature, codec in _SIGNATURES:
        if body.startswith(signature):
            return body.decode(codec, "replace").removeprefix("\ufeff")
    labels = [_codec(found[1]) for found in [_CHARSET.search(content_type or "")] if found]
    declared = _DECLARED.match(body)
    labels += [_codec(declared[1].decode())] if declared else []
    if not any(label.startswith(_SEVEN_BIT) for label in labels):
        labels.insert(0, "utf-8-sig")
    for label in labels:
        if label:
            try:
                return body.decode(label)
            except UnicodeDecodeError:
                continue
    return body.decode("utf-8", "newsmill.windows1252").removeprefix("\ufeff")


def _codec(label: str) -> str:
    """The codec of a label, or "" for one that no feed is written in."""
    try:
        name = codecs.lookup(_ALIASES.get(label.lower(), label)).name
    except LookupError:
        return ""
    if name.startswith(("utf-16", "utf-32")):
        return ""  # it would have been seen in the first bytes
    return _WIDER.get(name, name) if name in _CODECS else ""


def _windows1252(error: UnicodeError) -> tuple[str, int]:
    """Read the bytes that are no UTF-8 as windows-1252, and go on after them."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error("newsmill.windows1252", _windows1252)
