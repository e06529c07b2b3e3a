"""Bylines to names: "By Ann Lee and Bo Chen, Staff Writers | Aug 7" is Ann Lee, Bo Chen."""

from __future__ import annotations

import re
from collections.abc import Iterable

MAX_BYLINE = 320  # characters; what is longer is a biography
MAX_NAME = 80
MAX_NAME_WORDS = 6
MAX_VISIBLE = 160  # of a line that is a byline by its look
MAX_SENTENCE_WORDS = 5
MAX_NAMES = 20
MAX_STATED_WORDS = 3  # of a name in a field that is taken as it stands

_LABEL = re.compile(
    r"""\s*(?:(?:more\s+(?:stories|articles|posts|from)\s+by\b|(?:(?:originally\s+)?(?:written|reported|posted|published|story|words|text|reporting|
    created|submitted|contributed|analysis|review|opinion|photographs?|edited)\s+)?by\b)|authors?\b|words|
    reporter\b|von\b|text|autor(?:in|es|a|:in)?\b|
    (?:verfasst|erstellt|eingestellt|geschrieben|veröffentlicht|gepostet|beitrag)\s*von\b|
    escribe\b|(?:publicado|redactado)\s+por\b|(?:scritto|pubblicato)\s+da\b|geplaatst\s+door\b|ein\s+(?:artikel|gastbeitrag|kommentar)\s+von\b|par\b|
    propos\s+recueillis\s+par\b|
    publié\s+par\b|por\b|escrito\s+por\b|di\b|a\s+cura\s+di\b|scritto\s+da\b|door\b|av\b|af\b|
    skrevet\s+av\b|
    kirjoittaja\b|autorzy\b|автор[ыа]?\b|oleh\b|penulis\b|tác\s+giả|लेखक|लेखिका|作者|文|記者|记者|撰文|글|기자|بقلم|كتب)
    \s*[:：/／|]?\s*""",
    re.I | re.X,
)
_BARE_LABEL = re.compile(
    r"\s*(?:words|text|文|글|di|av|af|par|por|von|door|reporter|authors?)\b", re.I
)
_END = re.compile(
    r"""\s*(?:[|•·▪►»\t\n]|\s[-–—]\s|\bupdated\b|\bpublished\b|\bposted\b|\baktualisiert\b|\bpublié\b|\bmis\s+à\s+jour\b|
    \bpublicado\b|\bfollow\b|\blast\s+(?:updated|modified|edited)|\b(?:written|reviewed|edited|checked)\s+by\b|
    \breviewed\b|\bfact[- ]check|\bin\s+partnership\b|
    \bread\s+more\b|\b(?:19|20)\d{2}\b|\b\d{1,2}[:.]\d{2}\b|
    \b\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|
    \b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b|
    \b(?:jan|feb|mar|apr|may|jun|jul|aug|sept?|oct|nov|dec)[a-z]*\.?\s+\d{1,2}\b|
    \b\d{1,2}\.?\s+(?:jan|feb|mar|apr|ma[iy]|jun|jul|aug|sep|o[ck]t|nov|de[cz])\w*)""",
    re.I | re.X,
)
_NOISE = re.compile(
    r"""\S+@\S+\.\w+|https?://\S+|www\.\S+|(?<!\w)@\w+|\([^()]*\)|\[[^\[\]]*\]|<[^<>]*>""", re.X
)
_SPLIT = re.compile(
    r"""\s*(?:[;,，、،/]|\s(?:&|\+|and|with|und|et|y|e|og|och|en|i|и|та|ja|ve|dan|és|és|și|als|avec|con|com|mit)\s|\band\s)\s*""",
    re.I | re.X,
)
_SPLIT_FIELD = re.compile(r"\s*(?:[;,，、،]|\s(?:&|and|und)\s)\s*", re.I)
_JOINED = re.compile(r"\s+(?:y|e|et|og|och|en|i|и|та|ja|ve|dan|és|și|con|avec|with)\s+", re.I)
_ORGANISATION = re.compile(
    r"""\b(?:news|newsroom|newspaper|times|post|press|agency|agence|agentur|agenzia|agencia|media|
    online|tv|radio|redaktion\w*|redazione|redacción|rédaction|redactie|redação|staff|team|desk|
    editors?|editorial|board|group|magazine|journal|daily|weekly|today|institute|university|
    foundation|association|society|company|studio|blog|network|inc|ltd|llc|gmbh|ag|bureau|
    service|services|wire|reuters|bloomberg|admin|contributors?|reporters?|center|centre|office|
    department|official|guest|nachrichten|zeitung|ritzau|dpa|afp|ap|tass)\b|\d""",
    re.I | re.X,
)
_CJK_NAME = re.compile(r"[\u3400-\u9fff]{2,4}|[\uac00-\ud7af]{2,4}")
_INITIAL = re.compile(r"\s[^\W\d_]\Z")
_FOOTNOTE = re.compile(r"(?<=[a-z])\d{1,2}(?:,\d{1,2})*\Z")
_LATER = re.compile(r"\b(?:by|von|par|por|door)\s+(?=[^\W\d_])", re.I)  # "Posted on 3 May by …"
_STUCK = re.compile(  # a layout parts what the text does not
    r"(?<=[a-z])(?=(?:Staff|Senior|Twitter|Facebook|Follow|Contributor|Contributing|Reporter|Editor|"
    r"Correspondent|Updated|Published|Posted)\b|\d{1,2}\.?\s+[^\W\d_]{3,12}\.?\s+\d{4}\b)"
)
_GLUED = re.compile(
    r"\A(?:By)?[Bb]y\s?(?=[A-Z][a-z]+\s+[A-Z])"
)  # at the start: "ByAnn Lee", parted by layout
_TRAILING = re.compile(r"\s+(?:on|at|in|am|le|el|em|il|op|den|the)\Z", re.I)
_ROLE = re.compile(
    r"""\b(?:reporters?|correspondents?|editors?|writers?|columnists?|contributors?|contributing|journalists?|
    producers?|photographers?|photojournalists?|analysts?|critics?|staff|bureau|chief|senior|
    deputy|assistant|associate|intern|
    fellow|professor|lecturer|researcher|director|manager|founder|ceo|president|anchor|host|
    blogger|meteorologist|
    special\s+to|for\s+the|news\s*desk|digital|\w*redakteur(?:in)?|\w*redaktion|\w*korrespondent(?:in)?|vice\s+president|
    reporterin|
    journaliste|rédact(?:eur|rice)|correspondante?|envoyée?\s+spéciale?|redactor(?:a|es)?|
    periodista|corresponsal|
    enviado|giornalista|redazione|inviato|jornalista|repórter|redacteur|verslaggever|redaktör|
    reporter|dziennikarz|
    redaktor|корреспондент|редактор|обозреватель|журналист)\b""",
    re.I | re.X,
)
_NOBODY_WORDS = (
    "staff; admin; administrator; editor; editors; newsroom; news; redaktion; redaktionen;"
    " redaktor; redazione; redacción; redacao; redação; redactie; rédaction; webmaster;"
    " anonymous; unknown; null; none; undefined; guest; user; author; authors; team; desk;"
    " online; web; webdesk; redactor; writer; reporter; root; editorial; contributor;"
    " contributors; agencies; agency; n/a; nan; nil; false; true; facebook; twitter; share;"
    " email; print; comments; default; staff writer; staff writers; staff reporter; staff"
    " reporters; staff report; news staff; web staff; editorial staff; editorial team;"
    " editorial board; the editors; web desk; online desk; news desk; la rédaction; la"
    " redacción; la redazione; de redactie; guest author; guest contributor; site admin; super"
    " user; wp admin; view all posts; more by this author; see all articles; posted by"
    "; von; by; par; por; door; di"
)
_NOBODY = frozenset(_NOBODY_WORDS.split("; "))
_PARTICLES = frozenset(  # of names
    (
        "de", "la", "las", "los", "von", "van", "der", "den", "del", "di", "da", "das", "do", "dos",
        "du", "le", "bin", "bint", "ibn", "al", "el", "y", "e", "ter", "ten", "zu", "zum", "zur",
        "af", "av", "of", "the", "for", "and", "och", "und", "et",
    )
)  # fmt: skip
_TITLE = re.compile(r"^(?:Mr|Mrs|Ms|Mx|Hon|Herr|Frau|Mme)\.?\s+(?=\S)", re.I)
_SUFFIX = re.compile(r"(?:Jr|Sr|I{2,3}|IV|M\.?D|Ph\.?\s?D|MBA|MPH|J\.?D|CFA|RN|Esq)\.?\Z", re.I)
_GENERATION = re.compile(r"(?:Jr|Sr|I{2,3}|IV)\.?\Z", re.I)
_NO_NAME = re.compile(r"://|[{}<>$%=\\^~#]|\d{3}")  # templates, addresses, numbers
_LETTER = re.compile(r"[^\W\d_]")
_CJK_ROLE = re.compile(r"\s*(?:記者|记者|기자|特派員|編集委員|編輯|编辑|报道|報導|撰文)\Z")


def names(raw: str, *, structured: bool = False) -> tuple[str, ...]:
    """The people or organisations of a byline, in order; empty where it names nobody.

    ``structured`` is a field that states one name, or names in a row: fewer words join names there,
    since "Ortega y Gasset" is one.
    """
    text = " ".join(raw[: 2 * MAX_BYLINE].split())
    if len(text) > MAX_BYLINE:
        return ()
    text = _STUCK.sub(" | ", _NOISE.sub(" ", text))
    text = _unlabelled(text)
    if _GLUED.match(text):
        text = _GLUED.sub("", text, count=1)
    end = _END.search(text)
    if end:
        text = text[: end.start()]
    if not text.strip() and (later := _LATER.search(raw[: 2 * MAX_BYLINE])):
        return names(raw[later.end() :])
    found: list[str] = []
    for piece in (_SPLIT_FIELD if structured else _SPLIT).split(text):
        _take(piece, found, structured and len(piece.split()) <= MAX_STATED_WORDS)
        if len(found) >= MAX_NAMES:
            break
    return tuple(found)


def field_names(raw: str) -> tuple[str, ...]:
    """The names in a field that states one, or names in a row: "Ann Lee og Bo Chen" is two.

    Words such as "y" join two names only where each side is a whole one: "Ortega y Gasset" is one.
    """
    pieces = [piece for piece in _JOINED.split(raw[: 2 * MAX_BYLINE]) if piece]
    if len(pieces) > 1 and all(len(piece.split()) > 1 for piece in pieces):
        return merged(names(piece, structured=True) for piece in pieces)
    return names(raw, structured=True)


def of_group(texts: Iterable[str]) -> tuple[str, ...]:
    """Names of the elements of one byline, in order; what comes after a name may be its role."""
    found: list[str] = []
    for text in texts:
        for name in names(text):
            if len(found) < MAX_NAMES and not (found and _is_role(name, True)):
                found.append(name)
    return merged([found])


def is_person(name: str) -> bool:
    """Whether a name has the shape of a person's: two words or more, none of an organisation."""
    if _ORGANISATION.search(name) or "." in name.rstrip(".")[-5:-1].strip():
        return False
    if _CJK_NAME.fullmatch(name):
        return True
    parts = [part for part in name.replace("-", " ").split() if part.casefold() not in _PARTICLES]
    return 2 <= len(parts) <= MAX_NAME_WORDS and all(
        part[0].isupper() or not (part.isascii() or part[0].islower()) for part in parts
    )


def _unlabelled(text: str) -> str:
    """Without "By", "Von", "Text:" in front, where it is a word of its own."""
    for _ in range(2):
        label = _LABEL.match(text)
        if label is None or label.end() == 0:
            break
        last = label[0][-1]
        if last.isascii() and last.isalpha() and text[label.end() : label.end() + 1].isalpha():
            break  # "Dior" is no "Di"
        if _BARE_LABEL.fullmatch(label[0].rstrip(" :：/／|")) and label.end() >= len(text.rstrip()):
            break
        text = text[label.end() :]
    return text


def _as_name(piece: str) -> str:
    """The part of a piece before words that no name has: "Ann Lee in Berlin", "5 minute read"."""
    parts = piece.split()
    if parts and parts[0][0].isdigit():
        return ""
    if len(parts) < 2 or not parts[0][0].isupper():
        return piece
    for index, part in enumerate(parts[1:], 1):
        small = part.isascii() and part[0].islower() and part.isalpha()
        if (small and part not in _PARTICLES) or part[0].isdigit():
            return " ".join(parts[:index]) if index > 1 else ""
    return piece


def _take(piece: str, found: list[str], is_stated: bool) -> None:
    """Add the name in a piece of a byline, or what the piece says of the name before it."""
    piece = piece.strip() if is_stated else _as_name(piece.strip())
    bare = piece.strip(" \t.,:;-–—|\"'“”*•")
    if _INITIAL.search(bare) and piece.rstrip().endswith("."):
        bare += "."
    name = _CJK_ROLE.sub("", _FOOTNOTE.sub("", bare)).strip()
    name = _without_role(_TRAILING.sub("", _TITLE.sub("", name)))
    if not name or len(name) > MAX_NAME or not _LETTER.search(name):
        return
    if found and _SUFFIX.fullmatch(name):
        if _GENERATION.fullmatch(name):
            found[-1] = f"{found[-1]}, {name}" if name[-1:] != "." else f"{found[-1]} {name}"
        return
    if name.casefold() in _NOBODY or _NO_NAME.search(name):
        return
    if _is_role(name, bool(found)):
        return
    if found and " " in found[-1] and " " not in name and name.isascii():
        return  # "Ann Lee, Chicago"
    if len(name.split()) > 8:
        return
    if name.casefold() not in (other.casefold() for other in found):
        found.append(name)


def _without_role(name: str) -> str:
    """The name without what its bearer is, as in "Ann Lee Chefredakteurin"."""
    parts = name.split()
    while len(parts) > 2 and _ROLE.fullmatch(parts[-1]):
        parts.pop()
    return " ".join(parts)


def _is_role(name: str, after_name: bool) -> bool:
    """Whether a piece is "Senior Reporter" and no name; after a name, any role word tells."""
    roles = _ROLE.findall(name)
    if not roles:
        return False
    words = name.split()
    return after_name or len(roles) >= len(words) or name.islower()


def is_byline(text: str) -> bool:
    """Whether a short visible line is a byline that says so: "By Ann Lee"."""
    if len(text) > MAX_VISIBLE or _VISIBLE.match(text) is None:
        return False
    if text[-1] in ".!?。" and len(text.split()) > MAX_SENTENCE_WORDS:
        return False  # "By Tuesday the boats were back."
    found = names(text)
    return bool(found) and all(len(name.split()) <= MAX_NAME_WORDS for name in found)


_VISIBLE = re.compile(
    r"""\s*(?:(?:by|written\s+by|story\s+by|reported\s+by|posted\s+by|von|par|por|door|di|av|af|oleh)\b|
    (?:автор|text|autor(?:in)?|بقلم|लेखक|लेखिका)\s*:|作者[:：]?|文[/／:：]|[記记]者[:：/]?|
    (?=[\uac00-\ud7af]{2,4}\s?기자\s*\Z))
    \s*(?-i:(?=[A-ZÀ-ÞА-ЯŁŚŻČŠŽ\u0590-\u06ff\u0900-\u097f\u3040-\u9fff\uac00-\ud7af]))""",
    re.I | re.X,
)


def merged(lists: Iterable[Iterable[str]]) -> tuple[str, ...]:
    """Names of several bylines in order, each once; one that only continues another is dropped."""
    seen: dict[str, str] = {}
    for group in lists:
        for name in group:
            seen.setdefault(name.casefold(), name)
    kept = [n for k, n in seen.items() if not any(_continues(k, o) for o in seen if o != k)]
    return tuple(kept)[:MAX_NAMES]


def _continues(name: str, other: str) -> bool:
    """Whether a name is another and more: "Ann LeeTwitter", "Ann Lee More"."""
    return " " in other and name.startswith(other)
