"""Short stories of our own in several languages, each with the furniture of its language."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Story:
    """What a page must give: text, names, time, and links and credit without their labels."""

    language: str
    title: str
    byline: str
    authors: tuple[str, ...]
    when: str
    published: str
    paragraphs: tuple[str, ...]
    caption: str
    credit: str
    credit_label: str
    see_also: str
    related: str
    furniture: tuple[str, ...]

    def html(self) -> bytes:
        """A page without JSON-LD or classes that help: only what a reader sees."""
        first, *rest = self.paragraphs
        credited = f"{self.caption} ({self.credit_label} {self.credit})"
        return (
            f'<!DOCTYPE html><html lang="{self.language}"><head><meta '
            f'charset="utf-8"><title>{self.title}'
            f"</title></head><body><nav><a href='/'>1</a><a "
            f"href='/2'>2</a></nav><article><h1>{self.title}"
            f"</h1><p class='byline'>{self.byline}</p><p class='date'>{self.when}</p><p>{first}</p>"
            f"<figure><img src='/p.jpg'><figcaption>{credited}</figcaption></figure>"
            f"<p>{self.see_also} <a href='/r'>{self.related}</a></p>"
            + "".join(f"<p>{text}</p>" for text in rest)
            + f"<p>{first}</p>"
            + "".join(f"<p>{text}</p>" for text in self.furniture)
            + "</article></body></html>"
        ).encode()


STORIES = (
    Story(
        language="de",
        title="Alte Mühle am Ehrenbach mahlt wieder",
        byline="Von Karla Wiesner und Jost Ahlers",
        authors=("Karla Wiesner", "Jost Ahlers"),
        when="12. März 2023, 18:05 Uhr",
        published="2023-03-12T18:05:00+00:00",
        paragraphs=(
            "Nach elf Jahren Stillstand dreht sich am Ehrenbach wieder ein Mühlrad. Der Verein der "
            "Mühlenfreunde hat das Werk in eigener Arbeit erneuert.",
            "„Das Wasser kam zuerst von der falschen Seite“, sagte der Vorsitzende Emil Harms. "
            "Drei "
            "Wochen lang wurde deshalb am Graben gebaut.",
            "Gemahlen wird an jedem zweiten Sonntag. Das Mehl geht an zwei Bäcker im Ort.",
        ),
        caption="Das neue Rad aus Lärchenholz",
        credit="Karla Wiesner",
        credit_label="Foto:",
        see_also="Lesen Sie auch:",
        related="Warum so viele Bäche wieder Kurven haben dürfen",
        furniture=("Anzeige", "© 2023 Ehrenbacher Bote. Alle Rechte vorbehalten."),
    ),
    Story(
        language="fr",
        title="Le moulin du Vieux-Pont tourne de nouveau",
        byline="Par Odile Marchand",
        authors=("Odile Marchand",),
        when="Publié le 12 mars 2023 à 18h05",
        published="2023-03-12T18:05:00+00:00",
        paragraphs=(
            "Onze ans après la crue, la roue du moulin du Vieux-Pont s'est remise à tourner "
            "dimanche "
            "devant une centaine d'habitants.",
            "« Nous avons cru dix fois que c'était fini », raconte le meunier, qui a scié "
            "lui-même les "
            "douze pales dans un mélèze de la commune.",
        ),
        caption="La nouvelle roue du moulin",
        credit="Odile Marchand",
        credit_label="Crédit photo :",
        see_also="Lire aussi :",
        related="Les rivières retrouvent leurs méandres dans la vallée",
        furniture=("Publicité", "Partager", "Tous droits réservés"),
    ),
    Story(
        language="ru",
        title="Старая мельница снова мелет зерно",
        byline="Автор: Анна Лескова",
        authors=("Анна Лескова",),
        when="12 марта 2023, 18:05",
        published="2023-03-12T18:05:00+00:00",
        paragraphs=(
            "Одиннадцать лет мельница на окраине посёлка стояла без дела, а в воскресенье её "
            "колесо "
            "снова повернулось под крики детей.",
            "«Вода сначала пошла не туда», — рассказал мельник и показал новый жёлоб, который "
            "жители "
            "строили три недели.",
        ),
        caption="Новое колесо из лиственницы",
        credit="Анна Лескова",
        credit_label="Фото:",
        see_also="Читайте также:",
        related="Почему рекам возвращают старые русла",
        furniture=("Реклама", "Все права защищены"),
    ),
    Story(
        language="ja",
        title="古い水車小屋が十一年ぶりに動き出す",
        byline="文：佐伯 春香",
        authors=("佐伯 春香",),
        when="2023年3月12日 18:05",
        published="2023-03-12T18:05:00+00:00",
        paragraphs=(
            "谷間の集落にある古い水車小屋で、十一年ぶりに水車が回り始めた。住民およそ百人が橋の上から見守った。",
            "「最初は水が反対側から来てしまって」と粉ひきの男性は笑った。用水路の工事には三週間かかったという。",
        ),
        caption="唐松で作られた新しい水車",
        credit="佐伯 春香",
        credit_label="写真：",
        see_also="関連記事：",
        related="曲がりくねった川を取り戻す村の取り組み",
        furniture=("広告", "無断転載を禁じます"),
    ),
    Story(
        language="es",
        title="El molino del Arroyo Seco vuelve a moler",
        byline="Por Inés Arriaga",
        authors=("Inés Arriaga",),
        when="12 de marzo de 2023, 18:05",
        published="2023-03-12T18:05:00+00:00",
        paragraphs=(
            "Once años después de la riada, la rueda del molino del Arroyo Seco giró de nuevo el "
            "domingo ante un centenar de vecinos.",
            "«El agua entró primero por el lado contrario», contó el molinero, que cortó las doce "
            "palas con madera de alerce del propio pueblo.",
        ),
        caption="La rueda nueva del molino",
        credit="Inés Arriaga",
        credit_label="Foto:",
        see_also="Lea también:",
        related="Por qué los ríos recuperan sus curvas en el valle",
        furniture=("Publicidad", "Compartir", "Todos los derechos reservados"),
    ),
    Story(
        language="it",
        title="Il mulino del Rio Freddo torna a macinare",
        byline="di Carla Bonfanti",
        authors=("Carla Bonfanti",),
        when="12 marzo 2023, 18:05",
        published="2023-03-12T18:05:00+00:00",
        paragraphs=(
            "Undici anni dopo la piena, la ruota del mulino del Rio Freddo ha ripreso a girare "
            "domenica davanti a un centinaio di abitanti.",
            "«L'acqua all'inizio arrivava dalla parte sbagliata», ha raccontato il mugnaio, che ha "
            "segato le dodici pale da un larice del paese.",
        ),
        caption="La ruota nuova del mulino",
        credit="Carla Bonfanti",
        credit_label="Foto:",
        see_also="Leggi anche:",
        related="Perché i torrenti tornano a fare le curve nella valle",
        furniture=("Pubblicità", "Condividi", "Tutti i diritti riservati"),
    ),
    Story(
        language="ar",
        title="طاحونة الوادي القديمة تدور من جديد",
        byline="بقلم: سلمى الحداد",
        authors=("سلمى الحداد",),
        when="12 مارس 2023، 18:05",
        published="2023-03-12T18:05:00+00:00",
        paragraphs=(
            "بعد أحد عشر عاما من الفيضان عادت عجلة طاحونة الوادي إلى الدوران يوم الأحد أمام نحو مئة "
            "من سكان القرية.",
            "وقال الطحان إن الماء جاء في البداية من الجهة الخطأ، وإن حفر القناة الجديدة استغرق ثلاثة "
            "أسابيع كاملة.",
        ),
        caption="العجلة الجديدة المصنوعة من خشب الأرز",
        credit="سلمى الحداد",
        credit_label="تصوير:",
        see_also="اقرأ أيضا:",
        related="لماذا تستعيد الأنهار مجاريها القديمة في الوادي",
        furniture=("إعلان", "جميع الحقوق محفوظة"),
    ),
    Story(
        language="hi",
        title="नदी किनारे की पुरानी पनचक्की फिर चल पड़ी",
        byline="लेखक: मीरा जोशी",
        authors=("मीरा जोशी",),
        when="12 मार्च 2023, 18:05",
        published="2023-03-12T18:05:00+00:00",
        paragraphs=(
            "बाढ़ के ग्यारह साल बाद रविवार को गाँव की पनचक्की का पहिया करीब सौ लोगों के सामने फिर से "
            "घूमने लगा।",
            "चक्कीवाले ने बताया कि पानी पहले उलटी दिशा से आया और नई नाली बनाने में पूरे तीन हफ़्ते लग गए।",
        ),
        caption="देवदार की लकड़ी से बना नया पहिया",
        credit="मीरा जोशी",
        credit_label="फोटो:",
        see_also="यह भी पढ़ें:",
        related="नदियों को उनके पुराने मोड़ क्यों लौटाए जा रहे हैं",
        furniture=("विज्ञापन", "सर्वाधिकार सुरक्षित"),
    ),
    Story(
        language="zh",
        title="河谷老水磨时隔十一年重新转动",
        byline="记者：林晓禾",
        authors=("林晓禾",),
        when="2023年3月12日 18:05",
        published="2023-03-12T18:05:00+00:00",
        paragraphs=(
            "洪水过去十一年后，河谷里那座老水磨的水轮在星期天又转了起来，约有一百名村民站在桥上观看。",
            "磨坊主说，水一开始是从相反的方向流过来的，为此大家花了整整三个星期重新挖水渠。",
        ),
        caption="用落叶松木做成的新水轮",
        credit="林晓禾",
        credit_label="摄影：",
        see_also="相关阅读：",
        related="村庄为什么要让小河重新弯曲",
        furniture=("广告", "版权所有"),
    ),
    Story(
        language="ko",
        title="골짜기의 오래된 물레방아가 다시 돈다",
        byline="정하린 기자",
        authors=("정하린",),
        when="2023년 3월 12일 18:05",
        published="2023-03-12T18:05:00+00:00",
        paragraphs=(
            "홍수가 지나간 지 열한 해 만에 골짜기의 오래된 물레방아가 일요일에 다시 돌기 시작했고, 주민 백여 "
            "명이 다리 위에서 지켜보았다.",
            "방앗간 주인은 물이 처음에는 반대쪽에서 들어왔다며, 물길을 새로 내는 데 꼬박 세 주가 걸렸다고 "
            "말했다.",
        ),
        caption="낙엽송으로 만든 새 물레바퀴",
        credit="정하린",
        credit_label="사진:",
        see_also="관련기사:",
        related="마을이 굽은 개울을 되찾으려는 까닭",
        furniture=("광고", "무단 전재 및 재배포 금지"),
    ),
)
