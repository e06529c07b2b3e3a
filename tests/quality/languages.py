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
)
