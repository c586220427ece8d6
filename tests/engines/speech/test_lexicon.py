from __future__ import annotations

import pytest

from engines.speech import letters, lexicon
from engines.speech.readout import PHONES


def said(text: str, language: str = "en") -> list[str]:
    return [" ".join(w.phones[0]) for w in lexicon.words(text, language)]


def test_words_come_from_the_dictionary_with_variants() -> None:
    the, cat = lexicon.words("The cat.")
    assert the.text == "The"
    assert ("DH", "IY") in the.phones
    assert cat.phones == (("K", "AE", "T"),)


@pytest.mark.parametrize(
    ("token", "spoken"),
    [
        ("7", "seven"),
        ("42", "forty two"),
        ("100", "one hundred"),
        ("1,250", "one thousand two hundred fifty"),
        ("1984", "nineteen eighty four"),
        ("1900", "nineteen hundred"),
        ("2024", "two thousand twenty four"),
        ("3.14", "three point one four"),
        ("007", "zero zero seven"),
        ("2000000", "two million"),
    ],
)
def test_numbers_are_spelt_out(token: str, spoken: str) -> None:
    assert " ".join(lexicon.spell_number(token)) == spoken


def test_stage_directions_and_signs() -> None:
    assert [w.text for w in lexicon.words("[laughs] Fifty% (music) off & more")] == [
        "Fifty", "percent", "off", "and", "more",
    ]  # fmt: skip


def test_apostrophes_possessives_and_letters() -> None:
    assert said("don’t") == ["D OW N T"]
    assert said("Zweeb's")[0].endswith("Z")
    assert said("XQZ") == ["EH K S K Y UW Z IY"]


def test_unknown_words_are_read_by_their_letters() -> None:
    (word,) = lexicon.words("blorfing")
    assert word.phones[0] == ("B", "L", "AA", "R", "F", "IH", "NG")


@pytest.mark.parametrize(
    ("language", "word", "phones"),
    [
        ("es", "montaña", "M OW N T AA N Y AA"),
        ("fr", "bateau", "B AA T OW"),
        ("de", "Schiff", "SH IH F"),
        ("it", "chiave", "K IY AA V EH"),
        ("ru", "мама", "M AA M AA"),
        ("zh", "爸爸", "B AA B AA"),
        ("xx", "bomba", "B OW M B AA"),
    ],
)
def test_other_languages_are_read_by_rule(language: str, word: str, phones: str) -> None:
    found = letters.phones(word, language)
    assert found == tuple(phones.replace("IH", "IY").split()) or found == tuple(phones.split())


def test_chinese_characters_are_words() -> None:
    assert [w.text for w in lexicon.words("妈妈，你好!", "zh")] == ["妈", "妈", "你", "好"]


def test_every_rule_gives_known_phones() -> None:
    for table in (*letters._RULES.values(), letters._FALLBACK):
        for sounds in table.values():
            assert set(sounds) <= set(PHONES)


def test_text_without_words() -> None:
    assert lexicon.words("… 12 !?", "fr") == []
    assert lexicon.words("") == []
