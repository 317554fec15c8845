"""Words of every script: they tile what can be seen, and nothing else."""

import sys
import unicodedata

import pytest
import regex as re
from hypothesis import given, settings
from hypothesis import strategies as st

from distillens.data.segmentation import SegmentationError, refuse_uncut, spans, versions
from distillens.data.text import Example

# The words of scripts with spaces, before there were others.
PLAIN = re.compile(r"\w[\w\p{M}\u200c\u200d]*(?:['’]\w[\w\p{M}]*)*|([^\w\s])\1*[\p{M}\u200d]*")
WITHOUT_SPACES = {
    "Chinese": ("我喜欢这部电影，因为演员很棒。", "我 喜欢 这 部 电影 ， 因为 演员 很 棒 。"),
    "Chinese, traditional": ("這部電影很好看", "這 部 電影 很好 看"),
    "Japanese": ("私はこの映画が大好きです。", "私 は この 映画 が 大好き です 。"),
    "Katakana": ("スーパーマーケット", "スーパーマーケット"),
    "Thai": ("ภาพยนตร์เรื่องนี้ดีมาก", "ภาพยนตร์ เรื่อง นี้ ดี มาก"),
    "Lao": ("ຂ້ອຍມັກຮູບເງົານີ້", "ຂ້ອຍ ມັກ ຮູບເງົາ ນີ້"),
    "Khmer": ("ខ្ញុំចូលចិត្តភាពយន្តនេះ", "ខ្ញុំ ចូលចិត្ត ភាពយន្ត នេះ"),
    "Burmese": ("ဒီရုပ်ရှင်ကောင်းတယ်", "ဒီ ရုပ်ရှင် ကောင်း တယ်"),
    "Chinese beside Latin and digits": ("看iPhone手机第3章", "看 iPhone 手机 第 3 章"),
    "Thai digits": ("๑๒๓ปี", "๑๒๓ ปี"),
    "beyond the basic plane": ("𠮷野家𠮷", "𠮷 野家 𠮷"),
    "Korean, which has spaces": ("이 영화는 정말 좋다.", "이 영화는 정말 좋다 ."),
}  # fmt: skip
WITH_SPACES = {
    "Arabic": ("وسيكتبونها لن نذهب", ["وسيكتبونها", "لن", "نذهب"]),
    "Arabic with marks": ("مُدَرِّسَةٌ جيدة", ["مُدَرِّسَةٌ", "جيدة"]),
    "Persian, joined apart": ("می\u200cخواهم", ["می\u200cخواهم"]),
    "Hebrew with points": ("וְהָאִישׁ הלך", ["וְהָאִישׁ", "הלך"]),
    "Hindi": ("यह फ़िल्म अच्छी है।", ["यह", "फ़िल्म", "अच्छी", "है", "।"]),
    "Hindi, virama and joiner": ("क्\u200dष ज्ञान", ["क्\u200dष", "ज्ञान"]),
    "Tamil": ("படம் நன்றாக இருந்தது", ["படம்", "நன்றாக", "இருந்தது"]),
    "Bengali": ("ছবিটি খুব ভালো", ["ছবিটি", "খুব", "ভালো"]),
    "Turkish": ("İyi bir film değil", ["İyi", "bir", "film", "değil"]),
    "accents apart": ("cafe\u0301", ["cafe\u0301"]),
}
EMOJI = {
    "a family": ["👩\u200d👩\u200d👧\u200d👦"],
    "a flag that is joined": ["🏳\ufe0f\u200d🌈"],
    "a skin tone": ["👍🏽"],
    "flags": ["🇩🇪", "🇫🇷"],
    "keycaps": ["1\ufe0f\u20e3", "2\ufe0f\u20e3"],
    "a keycap of a sign": ["#\ufe0f\u20e3"],
    "tags": ["🏴\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f"],
    "a variation": ["❤\ufe0f", "☺\ufe0e"],
    "plain, then with a skin tone": ["👍", "👍🏽"],
    "a joined one twice": ["👩\u200d🚀", "👩\u200d🚀"],
    "one emoji several times": ["🙂🙂🙂"],
}
INVISIBLE = {
    "soft hyphen": "\u00ad", "zero-width space": "\u200b", "word joiner": "\u2060",
    "byte order mark": "\ufeff", "left-to-right mark": "\u200e", "right-to-left mark": "\u200f",
    "override": "\u202e", "pop": "\u202c", "isolate": "\u2066",
    "end of isolate": "\u2069", "Arabic letter mark": "\u061c", "control": "\x01",
    "escape": "\x1b", "delete": "\x7f", "Hangul filler": "\u3164", "invisible times": "\u2062",
    "Mongolian vowel separator": "\u180e", "annotation": "\ufff9",
}  # fmt: skip
CLINGING = {
    "joiner": "\u200d",
    "non-joiner": "\u200c",
    "variation selector": "\ufe0f",
    "ideographic": "\U000e0100",
}


def words(text):
    return [text[start:end] for start, end in spans(text)]


@pytest.mark.parametrize("name", WITHOUT_SPACES)
def test_scripts_without_spaces_are_cut_into_words(name):
    text, expected = WITHOUT_SPACES[name]
    assert words(text) == expected.split()


@pytest.mark.parametrize("name", WITH_SPACES)
def test_marks_and_clitics_stay_with_their_word(name):
    text, expected = WITH_SPACES[name]
    assert words(text) == expected


@pytest.mark.parametrize("name", EMOJI)
def test_an_emoji_is_one_word(name):
    assert words("".join(EMOJI[name])) == EMOJI[name]
    assert words(f"a{''.join(EMOJI[name])}b") == ["a", *EMOJI[name], "b"]


@pytest.mark.parametrize("name", INVISIBLE)
def test_what_nobody_sees_is_no_word_and_splits_none(name):
    sign = INVISIBLE[name]
    assert words(f"{sign}a{sign} dull{sign}{sign}est film{sign}!{sign}") == [
        "a",
        f"dull{sign}{sign}est",
        "film",
        "!",
    ]
    assert words(f" {sign} ") == []
    if sign != "\u200b":
        assert words(f"ภา{sign}พยนตร์ดี") == [f"ภา{sign}พยนตร์", "ดี"]


@pytest.mark.parametrize("name", CLINGING)
def test_a_joiner_or_variation_alone_is_no_word(name):
    sign = CLINGING[name]
    assert words(f"{sign} a {sign}{sign} b") == ["a", "b"]


def test_a_zero_width_space_ends_a_word_where_there_are_no_spaces():
    assert words("ขอ\u200bคน") == ["ขอ", "คน"]
    assert words("ประ\u200bเทศ") == ["ประ", "เทศ"]


def test_masking_leaves_invisible_characters_between_words():
    example = Example("1", "\ufeffA fi\u00adlm\u200e.")
    assert example.masked([True, False, True], "M") == ("\ufeffA M\u200e.",)


_COMMON = "abz019_'’-.!?#*@$ \t\n"
_ODD = [*INVISIBLE.values(), *CLINGING.values(), *"👍🏽👩🇩🇪🏴❤️1⃣", "\u0301", "\u0938", "\u094d",
        "\u064f", "\u05d0", "\u2800", "\u0600", "\ue000", "\ufffd", *"我喜欢ประเทศខ្ញុំဒီຂ້ອຍーカ々๑"]  # fmt: skip
TEXTS = st.text(
    st.one_of(st.sampled_from([*_COMMON, *_ODD]), st.characters(exclude_categories=["Cs"])), max_size=30
)


def visible(sign):
    """Said without the code's own patterns: Unicode's categories and its list of what may be ignored."""
    ignored = re.match(r"\p{Default_Ignorable_Code_Point}", sign) or sign == "\u2800"
    drawn = unicodedata.category(sign) not in ("Cc", "Cf") or re.match(
        r"\p{Prepended_Concatenation_Mark}", sign
    )
    return bool(drawn) and not ignored and not sign.isspace()


@settings(max_examples=500, deadline=None, derandomize=True, database=None)
@given(TEXTS)
def test_words_tile_every_text(text):
    try:
        found = spans(text)
    except SegmentationError as error:
        assert "no dictionary" in str(error)
        return
    covered = [place for start, end in found for place in range(start, end)]
    assert covered == sorted(set(covered)), "in order, without overlap"
    assert {n for n, sign in enumerate(text) if visible(sign)} <= set(covered)
    for start, end in found:
        assert any(map(visible, text[start:end])) and not re.match(r"\s", text[start])
    if found:
        refuse_uncut(text)
    else:
        with pytest.raises(SegmentationError, match="no character can be seen"):
            refuse_uncut(text)


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(st.text("abzÄéжыאבשلمनि्মு\u0301'’-.!?_12 \t\n…„“€%&", max_size=40))
def test_words_of_scripts_with_spaces_are_what_they_were(text):
    assert spans(text) == [match.span() for match in PLAIN.finditer(text)]


@pytest.mark.parametrize("text", ["ᦟᦱᧉ", "ᨴᩱ", "ꪼꪕ"])
def test_a_script_that_no_dictionary_covers_is_refused(text):
    for ask in (spans, refuse_uncut):
        with pytest.raises(SegmentationError, match=f"{text}.* without spaces.*no dictionary"):
            ask(text)


def test_without_the_library_a_script_is_refused_by_name(monkeypatch):
    monkeypatch.setitem(sys.modules, "icu4py.breakers", None)
    assert words("A plain film.") == ["A", "plain", "film", "."]
    for ask in (spans, refuse_uncut, lambda text: versions([text])):
        with pytest.raises(
            SegmentationError, match=r"'ภาพยนตร์' is Thai, .*pip install 'distillens\[scripts\]'"
        ):
            ask("A ภาพยนตร์")


def test_the_library_s_version_is_said_where_it_was_needed():
    assert versions(["A film", "plain"]) == {}
    assert versions(["A film", "很好"])["icu"][0].isdigit()
