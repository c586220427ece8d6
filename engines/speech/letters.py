"""Letters to sounds by rule, for words outside the dictionary and for languages without one.

The rules give the broad class of each sound as an ARPAbet phone: enough to place lips and tongue, not to speak.
Scripts other than Latin are transliterated first. Rules of a language come before the general ones; longer spellings
come before shorter ones.
"""

from __future__ import annotations

import unicodedata
from typing import Final

_GENERAL: Final = (
    "a AA,b B,c K,d D,e EH,f F,g G,h HH,i IY,j JH,k K,l L,m M,n N,o OW,p P,q K,r R,s S,t T,u UW,v V,w W,x K S,y Y,z Z,"
    "ch CH,sh SH,zh ZH,th T,ph F,kh HH,gh G,ng NG,ts T S,dz D Z,ck K,qu K W,bb B,cc K,dd D,ff F,gg G,kk K,ll L,mm M,"
    "nn N,pp P,rr R,ss S,tt T,zz T S,ai AY,ei EY,au AW,ou OW,oi OY"
)
_LANGUAGES: Final = {
    "en": "th TH,oo UW,ee IY,ea IY,ou AW,ow OW,igh AY,ay EY,ai EY,a AE,i IH,o AA,u AH,y IY,ce S EH,ci S IH,ge JH EH,"
    "tion SH AH N,sion ZH AH N,kn N,wr R,wh W,au AO,aw AO,oa OW,ew Y UW,er ER,ir ER,ur ER,zz Z,oi OY,oy OY,x K S,gh ,"
    "ss S,dge JH,tch CH",
    "es": "ll Y,ñ N Y,j HH,z S,ce S EH,ci S IY,ge HH EH,gi HH IY,gue G EH,gui G IY,que K EH,qui K IY,v B,h ,rr R,y IY,"
    "ch CH,x K S,ü W",
    "pt": "lh L Y,nh N Y,ç S,ce S EH,ci S IY,ge ZH EH,gi ZH IY,j ZH,ch SH,x SH,que K EH,qui K IY,h ,ão AW N,õe OY N,"
    "rr HH,z Z",
    "fr": "ch SH,j ZH,ge ZH AH,gi ZH IY,ou UW,u UW,eu ER,œu ER,eau OW,au OW,ai EH,ei EH,oi W AA,gn N Y,qu K,ç S,"
    "ce S AH,ci S IY,é EY,è EH,ê EH,e AH,h ,on OW N,an AA N,en AA N,in AE N,un AH N,ph F,z Z,ll L,r HH,th T,"
    "tion S Y OW N",
    "it": "ch K,gh G,ce CH EH,ci CH IY,cia CH AA,cio CH OW,ciu CH UW,ge JH EH,gi JH IY,gia JH AA,gio JH OW,giu JH UW,"
    "gli L Y,gn N Y,sce SH EH,sci SH IY,z T S,qu K W,h ,cch K,zz T S",
    "de": "sch SH,ch HH,ck K,ei AY,ie IY,eu OY,äu OY,au AW,ü Y,ö ER,ä EH,z T S,w V,v F,s Z,ss S,ß S,st SH T,sp SH P,"
    "j Y,qu K V,pf P F,tz T S,h HH,ph F,y UW,th T,ah AA,eh EY,oh OW,uh UW,ih IY",
    "nl": "sch S HH,ch HH,g HH,ij EY,ei EY,ui AW,oe UW,eu ER,ie IY,aa AA,ee EY,oo OW,uu UW,w V,v F,j Y,u ER",
    "pl": "sz SH,cz CH,rz ZH,ż ZH,ź ZH,ś SH,ć CH,ń N Y,ł W,w V,c T S,ch HH,ą OW N,ę EH N,ó UW,j Y,y IH,dz D Z,dż JH,"
    "si SH,ci CH,zi ZH",
    "tr": "ş SH,ç CH,c JH,ğ ,ı IH,ö ER,ü UW,j ZH,y Y,h HH",
    "zh": "x SH,q CH,zh JH,j JH,z T S,c T S,ch CH,sh SH,r ZH,h HH,ao AW,ou OW,uo W AO,ui W EY,iu Y OW,ian Y EH N,e AH,"
    "ong UW NG,ang AA NG,eng AH NG,ing IY NG,er ER,y Y,w W",
    "ja": "j JH,y Y,f F,ts T S",
    "cs": "š SH,č CH,ž ZH,ř R,c T S,ch HH,j Y,ň N Y,ě Y EH,w V,ů UW",
    "hu": "s SH,sz S,cs CH,zs ZH,gy D Y,ny N Y,ly Y,c T S,j Y,ö ER,ő ER,ü UW,ű UW,a AO,á AA",
    "sv": "sj SH,sk S K,å OW,ä EH,ö ER,j Y,y IY,o UW,u UW,g G",
}


def _table(text: str) -> dict[str, tuple[str, ...]]:
    entries = (entry.partition(" ") for entry in text.split(","))
    return {spelling: tuple(sounds.split()) for spelling, _, sounds in entries}


_RULES: Final = {code: {**_table(_GENERAL), **_table(text)} for code, text in _LANGUAGES.items()}
_FALLBACK: Final = _table(_GENERAL)


def phones(word: str, language: str) -> tuple[str, ...]:
    """ARPAbet phones of one word; empty if it holds no letter that has a sound.

    Parameters
    ----------
    language : two-letter code; an unknown one uses the general rules
    """
    rules = _RULES.get(language[:2].lower(), _FALLBACK)
    spelling = _latin(unicodedata.normalize("NFC", word.lower()), rules)
    result: list[str] = []
    position = 0
    while position < len(spelling):
        for length in range(min(4, len(spelling) - position), 0, -1):
            sounds = rules.get(spelling[position : position + length])
            if sounds is not None:
                result.extend(sounds)
                position += length
                break
        else:
            position += 1
    if language[:2].lower() == "en" and len(spelling) > 3 and spelling.endswith("e") and result[-1:] == ["EH"]:
        result.pop()
    return tuple(p for i, p in enumerate(result) if i == 0 or p != result[i - 1])


def _latin(word: str, rules: dict[str, tuple[str, ...]]) -> str:
    """The word in letters the rules know: accents they do not mention are dropped, other scripts transliterated."""
    from anyascii import anyascii

    return "".join(c if c in rules or not c.isalpha() else anyascii(c).lower() for c in word)
