"""The words by which pages label what is no prose: credits, "see also", newsletters, cookies.

Phrases of the trade in the languages that news is written in; no name of a site, person or story.
"""

from __future__ import annotations

import re


def lowered(text: str) -> str:
    """In lower case and as long as it was: the dotted capital I alone would become two."""
    return text.replace("İ", "i").lower()


_PHOTO = (
    "photos?|pictures?|photograph(?:s|er|ed)?|photo credit|image(?: credit| source| courtesy)?|"
    "images|img|pic|"
    "credits?|illustration|graphic|video|screenshot|courtesy|file photo|"
    "fotos?|bilder?|bildquelle|bildnachweis|bildrechte|foto-?credit|grafik|illustrasjon|"
    "crédits?(?: photo)?|crédito|"
    "photographie|fotograf(?:ía|ia|i|ie|ie)?|imagen|imágenes|imagem|immagine|immagini|beeld|"
    "bild|kuva|kuvat|"
    "zdjęci[ea]|fot|fotó|kép|foto:?|φωτο(?:γραφία)?|фото|снимок|фотография|fotoğraf|görsel|"
    "gambar|ảnh|"
    "फोटो|तस्वीर|चित्र|图片?|圖片?|图源|图片来源|圖片來源|摄影|攝影|写真|画像|사진|صورة|تصوير"
)
_SOURCE = (
    "source|sources|via|quelle|quellen|fuente|fuentes|fonte|fonti|bron|kilde|källa|lähde|"
    "źródło|zdroj|forrás|"
    "sursa|источник|джерело|kaynak|sumber|nguồn|来源|來源|출처|المصدر|πηγή"
)
_BY = r"(?:\s+(?:by|von|par|por|di|door|av|af|oleh|courtesy\s+of|credit|:))?"

_LABEL = (
    rf"^\s*(?:(?:{_PHOTO}|{_SOURCE})\s*(?:{_BY}\s*[:：/／]|\s(?:by|von|par|por|di|door|av|af|"
    rf"courtesy\s+of)\s)|(?:©|\(c\)|copyright\b)\s*:?|(?:{_PHOTO})\s*©)\s*"
)
CREDIT_LABEL = re.compile(_LABEL, re.I)
CREDIT_LABEL_LOWER = re.compile(_LABEL)  # of a text in lower case, in a third of the time
"""In front of a credit: "Photo:", "Foto: ", "Source: ", "Photo by ", "©"."""

CREDIT_IN_BRACKETS = re.compile(
    rf"\s*[(\[（【]\s*((?:(?:{_PHOTO}|{_SOURCE})\s*{_BY}\s*[:：/／]|(?:{_PHOTO})\s+(?:by|von|par|"
    rf"por|di|courtesy)\b|©|\(c\)|copyright\b|(?:AP|AFP|EPA|Reuters|Getty|dpa|ANSA|EFE|TASS|"
    rf"Xinhua)\b)[^()\[\]（）【】]{{0,160}}|[^()\[\]（）]{{1,60}}(?:photo|images|/(?:ap|afp|reuters|"
    rf"getty[^()]*|dpa|epa|shutterstock|twitter|unsplash|pool)))\s*[)\]）】]\s*\.?\s*$",
    re.I,
)
"""At the end of a caption: "(Source: somebody)", "(AP Photo/Ann Lee)"."""

CREDIT_AT_END = re.compile(
    rf"(?:^|(?<=[.!?。”\"»)|])\s*|\s+[|/–—-]\s+|\s(?-i:(?=[A-ZÀ-Þ©])))((?:(?:{_PHOTO}|{_SOURCE}){_BY}\s*[:：]|"
    rf"(?:photo|photograph|image|picture|foto|illustration)s?\s+(?:by|von|par|por|di|"
    rf"courtesy\s+of)\s|©|\(c\)\s)[^.!?\n]{{1,120}}(?:\.[^.!?\n\s][^.!?\n]{{0,40}})?)\s*\.?\s*$",
    re.I,
)
"""After a caption's sentence: "… in March. Photo: somebody"."""
CREDIT_CUES = (":", "：", "©", "(c)", "photo", "image", "picture", "foto", "illustration")
"""One of these, in lower case, is in every caption that ends so."""

PHOTO_IN_BRACKETS = re.compile(
    rf"[(\[（【]\s*(?:(?:{_PHOTO})\s*{_BY}\s*[:：/／]|(?:{_PHOTO})\s+(?:by|courtesy)\b|©|"
    rf"AP Photo)[^()\[\]]{{1,160}}[)\]）】]\s*\.?\s*$",
    re.I,
)
SOURCE_IN_BRACKETS = re.compile(
    rf"[(\[（【]\s*(?:{_SOURCE})\s*[:：][^()\[\]]{{1,160}}[)\]）】]\s*\.?\s*$", re.I
)

_SEE_ALSO = (
    r"see\s+also|read\s+also|also\s+read|read\s+more(?:\s+(?:about|on)\s+this)?|read\s+next|"
    r"read\s+this|more\s+on\s+this(?:\s+story)?|"
    r"more\s+(?:stories|news|coverage|from\s+\w+)|related(?:\s+(?:articles?|stor(?:y|ies)|"
    r"links?|content|news|reading|coverage|posts?|topics?|video))?|"
    r"recommended(?:\s+(?:reading|for\s+you|stories))?|you\s+(?:may|might)\s+also\s+(?:like|"
    r"be\s+interested\s+in)|don['’]?t\s+miss|must\s+read|"
    r"watch(?:\s+(?:also|more|now|next))?|further\s+reading|in\s+case\s+you\s+missed\s+it|"
    r"learn\s+more|up\s+next|explore\s+more|"
    r"lesen\s+sie\s+(?:auch|hier|dazu|mehr)(?:\s+dazu)?|lies\s+auch|mehr\s+(?:zum\s+thema|dazu|"
    r"lesen)|siehe\s+auch|weiterlesen|passend\s+dazu|das\s+könnte\s+sie\s+auch\s+interessieren|"
    r"(?:à\s+)?lire\s+(?:aussi|également)|à\s+lire|voir\s+aussi|sur\s+le\s+même\s+sujet|à\s+voir|"
    r"(?:lea|lee|leer|vea|ver|mira|mire)\s+(?:también|además|más)|te\s+puede\s+interesar|"
    r"le\s+puede\s+interesar|más\s+(?:información|noticias)|noticias\s+relacionadas|"
    r"relacionad[oa]s?|"
    r"leggi\s+anche|guarda\s+anche|per\s+approfondire|vedi\s+anche|approfondimenti|"
    r"lei?a\s+(?:também|mais)|veja\s+(?:também|mais)|saiba\s+mais|"
    r"lees\s+(?:ook|meer|verder)|bekijk\s+ook|zie\s+ook|läs\s+(?:också|även|mer)|se\s+även|"
    r"les\s+(?:også|mer)|læs\s+(?:også|mere)|se\s+også|lue\s+(?:myös|lisää)|katso\s+myös|"
    r"(?:czytaj|zobacz|przeczytaj|sprawdź)\s+(?:także|też|również|więcej)|(?:přečtěte|"
    r"čtěte)\s+(?:si\s+)?(?:také|i|více)|čítajte\s+aj|"
    r"olvassa\s+(?:el\s+)?(?:még|is)|citește\s+și|citeste\s+si|прочети\s+още|вижте\s+още|"
    r"читайте\s+(?:также|ещё|еще)|читать\s+также|смотрите\s+также|см\.?\s+также|"
    r"материалы\s+по\s+теме|по\s+теме|читайте\s+також|"
    r"διαβάστε\s+(?:επίσης|ακόμα|ακόμη)|δείτε\s+(?:επίσης|ακόμα)|ilgili\s+haber(?:ler)?|"
    r"ayrıca\s+(?:okuyun|bakınız)|"
    r"baca\s+juga|lihat\s+juga|xem\s+thêm|đọc\s+thêm|อ่านเพิ่มเติม|"
    r"相关(?:阅读|报道|新闻|文章)|延伸阅读|延伸閱讀|相關(?:新聞|報導|文章)|推荐阅读|更多阅读|另见|関連(?:記事|リンク|ニュース)|あわせて読みたい|合わせて読みたい|"
    r"관련\s*(?:기사|뉴스)|함께\s*볼\s*만한|اقرأ\s+(?:أيضا|أيضًا|أيضاً|المزيد)|شاهد\s+أيضا|"
    r"यह\s+भी\s+पढ़ें|ये\s+भी\s+पढ़ें"
)
SEE_ALSO = re.compile(
    rf"\A[\s\[(>»▶►•*|–—-]*+(?:{_SEE_ALSO})\s*(?P<mark>[:：|>»›→–—-]|\]|\)\s*[:：]?)?\s*"
)
"""A "see also" label at the start of a block, in lower case; ``mark`` is the sign that ends it."""

SEE_ALSO_FIRM = re.compile(
    rf"\A[\s\[(>»▶►•*|–—-]*+(?:{_SEE_ALSO})\s*(?:[:：|»›→]|\s[–—-]\s|\]\s*[:：]?)\s*(?=\S)"
)
"""The same in plain text, where only its mark tells it from a sentence."""

BOILERPLATE = re.compile(
    r"""\A\s*+(?:
    (?:copyright\s*)?(?:©|\(c\)|&copy;)\s*(?:copyright\s*)?(?:\d{4}|[a-z]).{0,160}$ |
     copyright\s+(?:\d{4}|by|of)\b.{0,160}$ |
    (?:sign\s+up|subscribe|register)\s+(?:to|for|now|today|here)\b.{0,140}\b(?:newsletters?|
    inbox|e-?mails?|updates|alerts|briefing|digest)\b.{0,80}$ |
    get\s+(?:the|our|all|more)\b.{0,100}\b(?:in|to)\s+your\s+inbox\b.{0,60}$ |
    (?:newsletter|subscribe|sign\s+up|log\s+in|sign\s+in|subscribe\s+now|abonnieren|
    s['’]abonner|suscríbete|iscriviti|jetzt\s+abonnieren)\s*[.!]?$ |
    (?:share|tweet|email|e-mail|print|comments?|facebook|twitter|whatsapp|linkedin|pinterest|
    reddit|telegram|copy\s+link|link\s+copied.?|teilen|drucken|partager|imprimer|compartir|
    imprimir|condividi|stampa|compartilhar|delen|dela|del|поделиться|分享|공유)(?:\s*[|
    ,/·]?\s*(?:share|tweet|email|e-mail|print|facebook|twitter|whatsapp|linkedin|pinterest|
    reddit|telegram|copy\s+link|comments?|x))*\s*$ |
    (?:share|teilen|partager|compartir|condividi|compartilhar)\s+(?:this|on|via|with|auf|per|
    sur|en|su|no)\b.{0,60}$ |
    (?:follow|like)\s+us\s+(?:on|at)\b.{0,120}$ |
    (?:\d+\s+)?comments?\s*(?:\(\d+\)|closed|are\s+closed)?\.?$ | (?:leave|post|write|add|show|
    view|load|join)\s+(?:a|your|all|the|more)?\s*(?:comments?|reply|conversation|
    discussion)\b.{0,40}$ |
    (?:we|this\s+(?:web)?site|our\s+(?:web)?site)\s+(?:use|uses)\s+cookies\b.{0,300}$ |
     (?:accept|reject|manage)\s+(?:all\s+)?cookies.{0,40}$ | by\s+(?:continuing|
     using)\b.{0,80}\bcookies\b.{0,160}$ |
    (?:diese\s+(?:web)?seite|wir)\s+verwende[nt]\s+cookies.{0,300}$ | (?:ce\s+site|
    nous)\s+utilis(?:e|ons)\s+des\s+cookies.{0,300}$ |
    (?:\W*)(?:advertisement|advertising|sponsored|sponsored\s+content|anzeige|werbung|publicité|
    publicidad|pubblicità|publicidade|advertentie|annons|annonse|annonce|mainos|reklama|реклама|
    広告|광고|广告|廣告|إعلان|إعلانات|विज्ञापन|reklam|διαφήμιση|quảng\s+cáo|iklan)(?:\W*)$ |
    (?:article|story|content)\s+continues\s+(?:below|after)\b.{0,60}$ | (?:continue\s+reading|
    scroll\s+to\s+continue|loading\.{0,3}|skip\s+to\s+(?:main\s+)?content|back\s+to\s+top|
    read\s+more|click\s+here\s+to\s+subscribe|play\s+video)\W*$
    )""",
    re.X,
)
"""A whole line of furniture, in lower case: footers, newsletter and share prompts, cookie notes, ad
marks. (To fold case within the pattern takes three times as long: each branch must be entered.)"""
FURNITURE_WITHIN = re.compile(
    r"""\A\s*+(?: .{0,80}\ball\s+rights\s+reserved\b.{0,160}$ |
    .{0,60}\b(?:alle\s+rechte\s+vorbehalten|tous\s+droits\s+réservés|
    todos\s+los\s+derechos\s+reservados|todos\s+os\s+direitos\s+reservados|
    tutti\s+i\s+diritti\s+riservati|все\s+права\s+защищены|版权所有|版權所有|無断転載|무단\s*전재|جميع\s+الحقوق\s+محفوظة|सर्वाधिकार\s+सुरक्षित|
    tüm\s+hakları\s+saklıdır|wszelkie\s+prawa\s+zastrzeżone|με\s+επιφύλαξη).{0,120}$ |
    .{0,60}\bdelivered\s+(?:straight\s+|directly\s+)?(?:to|in)\s+your\s+(?:inbox|
    e-?mail)\b.{0,60}$ )""",
    re.X,
)
"""The same by words that do not begin the line; one of them is always among these."""
WITHIN_CUES = (
    *("reserv", "rechte", "riservati", "права", "版权", "版權", "転載", "전재", "حقوق", "धिकार"),
    *("droits", "saklıdır", "prawa", "επιφύλαξη", "delivered"),
)
MAX_BOILERPLATE = 320

ERROR_TITLE = re.compile(
    r"""^\W*(?:(?:error\s*)?(?:404|403|410|500|502|503)\b|(?:page|file|article|story)\s+(?:not\s+found|cannot\s+be\s+found|unavailable)|not\s+found|access\s+denied|forbidden|
    server\s+error|service\s+unavailable|bad\s+gateway|just\s+a\s+moment|attention\s+required|
    are\s+you\s+(?:a\s+robot|human)|robot\s+check|security\s+check|one\s+more\s+step|
    seite\s+nicht\s+gefunden|page\s+(?:introuvable|non\s+trouvée)|página\s+no\s+encontrada|
    página\s+não\s+encontrada|pagina\s+non\s+trovata|pagina\s+niet\s+gevonden|
    страница\s+не\s+найдена|
    sidan\s+hittades\s+inte|siden\s+(?:blev\s+)?ikke\s+fun(?:net|det)|页面不存在|找不到|ページが見つかりません|
    before\s+you\s+continue|consent|your\s+privacy|we\s+value\s+your\s+privacy|
    datenschutz-?einstellungen)
    | (?:page\s+not\s+found|404\s+(?:error|not\s+found)|error\s+404)""",
    re.I | re.X,
)
WALL = re.compile(
    r"""cookies?\b.{0,200}\b(?:accept|agree|consent|reject|manage|preferences|zustimmen|accepter|aceptar|accetta)|(?:enable|activate)\s+(?:javascript|cookies)|
    (?:verify|verifying)\s+(?:that\s+)?you\s+are\s+(?:a\s+|not\s+a\s+)?(?:human|robot)|
    checking\s+your\s+browser|unusual\s+traffic|the\s+page\s+(?:you\s+(?:are\s+looking\s+for|
    requested)|you['’]re\s+looking\s+for)|
    (?:couldn['’]t|could\s+not|can['’]t|cannot)\s+find\s+(?:the|that)\s+page|
    page\s+(?:has\s+been\s+moved|no\s+longer\s+exists|does\s+not\s+exist)""",
    re.I | re.X | re.S,
)
