"""Languages are named by upper-case ISO 639-1 codes: EN DE FR IT ES, and any other of the standard.

The table is written out so that a mix name can be parsed without loading a language database; a test compares it with
the registry. English names come from the registry (pycountry) when they are asked for.
"""

_TABLE = (
    "AA AB AE AF AK AM AN AR AS AV AY AZ BA BE BG BI BM BN BO BR BS CA CE CH CO CR CS CU CV CY DA DE DV",
    "DZ EE EL EN EO ES ET EU FA FF FI FJ FO FR FY GA GD GL GN GU GV HA HE HI HO HR HT HU HY HZ IA ID IE",
    "IG II IK IO IS IT IU JA JV KA KG KI KJ KK KL KM KN KO KR KS KU KV KW KY LA LB LG LI LN LO LT LU LV",
    "MG MH MI MK ML MN MR MS MT MY NA NB ND NE NG NL NN NO NR NV NY OC OJ OM OR OS PA PI PL PS PT QU RM",
    "RN RO RU RW SA SC SD SE SG SH SI SK SL SM SN SO SQ SR SS ST SU SV SW TA TE TG TH TI TK TL TN TO TR",
    "TS TT TW TY UG UK UR UZ VE VI VO WA WO XH YI YO ZA ZH ZU",
)
ISO_639_1 = frozenset(code for line in _TABLE for code in line.split())

# The order of the paper; canonical names of mixes follow it, other languages come after in the order of their codes.
PAPER_ORDER = ("EN", "DE", "FR", "IT", "ES")

# Those that are usually written from right to left.
RIGHT_TO_LEFT = frozenset(("AR", "DV", "FA", "HE", "PS", "SD", "UG", "UR", "YI"))


def is_language(code: str) -> bool:
    """True for an upper-case ISO 639-1 code."""
    return code in ISO_639_1


def language_rank(code: str) -> tuple[int, str]:
    """Sort key of the canonical order."""
    return (PAPER_ORDER.index(code) if code in PAPER_ORDER else len(PAPER_ORDER), code)


def language_name(code: str) -> str:
    """English name of a language, or the code itself when the registry has none."""
    import pycountry

    found = pycountry.languages.get(alpha_2=code.lower())
    return str(found.name) if found is not None else code
