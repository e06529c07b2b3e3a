"""Words of dates in the languages of news: months, eras, zones, halves of the day."""

from __future__ import annotations

import unicodedata
from datetime import date, timedelta


def fold(word: str) -> str:
    """The word without case, accents and full stops: how it is looked up."""
    plain = unicodedata.normalize("NFD", word.casefold())
    return "".join(char for char in plain if not unicodedata.combining(char)).replace(".", "")


# Twelve names a form: full, in the case that dates use, and abbreviated.
_MONTH_LINES = """
january february march april may june july august september october november december
jan feb mar apr may jun jul aug sep oct nov dec
janu febr marc apri may june july augu sept octo nove dece
januar februar märz april mai juni juli august september oktober november dezember
jänner feber mrz apr mai jun jul aug sept okt nov dez
janvier février mars avril mai juin juillet août septembre octobre novembre décembre
janv févr mars avr mai juin juil août sept oct nov déc
enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre
ene feb mar abr may jun jul ago setiembre oct nov dic
janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro
jan fev mar abr mai jun jul ago set out nov dez
gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre
gen feb mar apr mag giu lug ago set ott nov dic
januari februari maart april mei juni juli augustus september oktober november december
jan feb mrt apr mei jun jul aug sep okt nov dec
januari februari mars april maj juni juli augusti september oktober november december
januar februar marts april maj juni juli august september oktober november desember
tammikuuta helmikuuta maaliskuuta huhtikuuta toukokuuta kesäkuuta heinäkuuta elokuuta syyskuuta
lokakuuta marraskuuta joulukuuta
stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia
sty lut mar kwi maj cze lip sie wrz paź lis gru
ledna února března dubna května června července srpna září října listopadu prosince
januára februára marca apríla mája júna júla augusta septembra októbra novembra decembra
január február március április május június július augusztus szeptember október november december
ianuarie februarie martie aprilie mai iunie iulie august septembrie octombrie noiembrie decembrie
января февраля марта апреля мая июня июля августа сентября октября ноября декабря
янв фев мар апр май июн июл авг сен окт ноя дек
січня лютого березня квітня травня червня липня серпня вересня жовтня листопада грудня
януари февруари март април май юни юли август септември октомври ноември декември
ocak şubat mart nisan mayıs haziran temmuz ağustos eylül ekim kasım aralık
oca şub mar nis may haz tem ağu eyl eki kas ara
ιανουαρίου φεβρουαρίου μαρτίου απριλίου μαΐου ιουνίου ιουλίου αυγούστου σεπτεμβρίου οκτωβρίου
νοεμβρίου δεκεμβρίου
januari februari maret april mei juni juli agustus september oktober november desember
gener febrer març abril maig juny juliol agost setembre octubre novembre desembre
siječnja veljače ožujka travnja svibnja lipnja srpnja kolovoza rujna listopada studenoga prosinca
января февраля марта апреля май июня июля августа сентябрь октября ноября декабря
يناير فبراير مارس أبريل مايو يونيو يوليو أغسطس سبتمبر أكتوبر نوفمبر ديسمبر
ינואר פברואר מרץ אפריל מאי יוני יולי אוגוסט ספטמבר אוקטובר נובמבר דצמבר
जनवरी फरवरी मार्च अप्रैल मई जून जुलाई अगस्त सितंबर अक्टूबर नवंबर दिसंबर
जनवरी फ़रवरी मार्च अप्रैल मई जून जुलाई अगस्त सितम्बर अक्तूबर नवम्बर दिसम्बर
জানুয়ারি ফেব্রুয়ারি মার্চ এপ্রিল মে জুন জুলাই আগস্ট সেপ্টেম্বর অক্টোবর নভেম্বর ডিসেম্বর
جنوری فروری مارچ اپریل مئی جون جولائی اگست ستمبر اکتوبر نومبر دسمبر
ژانویه فوریه مارس آوریل مه ژوئن ژوئیه اوت سپتامبر اکتبر نوامبر دسامبر
جانفي فيفري مارس أفريل ماي جوان جويلية أوت سبتمبر أكتوبر نوفمبر ديسمبر
يناير فبراير مارس ابريل مايو يونيو يوليوز غشت شتنبر أكتوبر نونبر دجنبر
มกราคม กุมภาพันธ์ มีนาคม เมษายน พฤษภาคม มิถุนายน กรกฎาคม สิงหาคม กันยายน ตุลาคม พฤศจิกายน ธันวาคม
ιανουάριος φεβρουάριος μάρτιος απρίλιος μάιος ιούνιος ιούλιος αύγουστος σεπτέμβριος οκτώβριος
νοέμβριος δεκέμβριος
ιαν φεβ μαρ απρ μαι ιουν ιουλ αυγ σεπ οκτ νοε δεκ
leden únor březen duben květen červen červenec srpen září říjen listopad prosinec
styczeń luty marzec kwiecień maj czerwiec lipiec sierpień wrzesień październik listopad grudzień
январь февраль март апрель май июнь июль август сентябрь октябрь ноябрь декабрь
tammi helmi maalis huhti touko kesä heinä elo syys loka marras joulu
"""

# Months of the Levant and Iraq.
_LEVANT = {
    "شباط": 2, "آذار": 3, "نيسان": 4, "أيار": 5, "حزيران": 6, "تموز": 7, "آب": 8, "أيلول": 9,
}  # fmt: skip

TWO_WORDS = {  # months of two words, to their other Arabic names
    "كانون الثاني": "يناير",
    "كانون الأول": "ديسمبر",
    "تشرين الأول": "أكتوبر",
    "تشرين الثاني": "نوفمبر",
}

MONTHS: dict[str, int] = {}
for _index, _name in enumerate(_MONTH_LINES.split()):
    MONTHS.setdefault(fold(_name), _index % 12 + 1)

for _name, _number in _LEVANT.items():
    MONTHS.setdefault(fold(_name), _number)

# Polish November is Croatian October: a word of two languages belongs to the line above, unless
# the page says what language it is in.
MONTHS_OF: dict[str, dict[str, int]] = {"hr": {"listopada": 10}}

_PERSIAN_NAMES = "فروردین اردیبهشت خرداد تیر مرداد شهریور مهر آبان آذر دی بهمن اسفند"
PERSIAN: dict[str, int] = {fold(n): i for i, n in enumerate(_PERSIAN_NAMES.split(), 1)}
_LEAPS = frozenset((1, 5, 9, 13, 17, 22, 26, 30))
BUDDHIST = range(2443, 2643)  # years of the Thai calendar that can be those of news
ERAS: dict[str, int] = {  # the year before an era's first
    "": 0, "令和": 2018, "平成": 1988, "昭和": 1925, "民國": 1911, "民国": 1911,
}  # fmt: skip
DIGITS = {  # of other scripts, and full-width forms, to ASCII
    zero + digit: ord("0") + digit
    for zero in (0x0660, 0x06F0, 0x0966, 0x09E6, 0x0E50, 0xFF10)
    for digit in range(10)
} | {ord("／"): "/", ord("．"): ".", ord("："): ":", ord("－"): "-", ord("，"): ","}


def gregorian(year: int, month: int, day: int) -> tuple[int, int, int]:
    """The Gregorian day of a Persian one, by the 33-year cycle that holds from 1300 to 1500 AP."""
    leaps = sum(each % 33 in _LEAPS for each in range(1300, year))
    days = 365 * (year - 1300) + leaps + 31 * (month - 1) - max(0, month - 7) + day - 1
    found = date(1921, 3, 21) + timedelta(days=days)
    return found.year, found.month, found.day


ZONES: dict[str, int] = {  # minutes east of UTC; an ambiguous name has the meaning of most news
    "z": 0, "utc": 0, "gmt": 0, "wet": 0, "west": 60, "bst": 60, "ist": 330, "cet": 60, "cest": 120,
    "mez": 60, "mesz": 120, "eet": 120, "eest": 180, "msk": 180, "trt": 180, "gst": 240, "pkt": 300,
    "wib": 420, "ict": 420, "sgt": 480, "hkt": 480, "pht": 480, "awst": 480, "jst": 540, "kst": 540,
    "acst": 570, "aest": 600, "aedt": 660, "nzst": 720, "nzdt": 780, "sast": 120, "wat": 60,
    "eat": 180,
    "est": -300, "edt": -240, "cst": -360, "cdt": -300, "mst": -420, "mdt": -360, "pst": -480,
    "pdt": -420, "akst": -540, "akdt": -480, "hst": -600, "brt": -180, "art": -180, "clt": -240,
}  # fmt: skip

SEASONAL: dict[str, int] = {
    "et": -300,
    "ct": -360,
    "mt": -420,
    "pt": -480,
}  # an hour more in summer

AFTERNOON = frozenset(("pm", "p", "下午", "晚上", "午後", "오후", "مساء"))
FORENOON = frozenset(("am", "a", "上午", "凌晨", "早上", "午前", "오전", "صباحا"))
MONTH_FIRST = frozenset(("en-us", "en-ph", "en-ca", "es-us"))  # 8/7/2020 is a day of August there
