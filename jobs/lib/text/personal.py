"""Personal data in texts, by kind: counted and placed, never written down, changed or removed.

What has a check digit is checked (python-stdnum), what has a numbering plan is looked up (phonenumbers), and addresses
that belong to nobody (RFC 2606 and 6761 names, private and documentation networks) do not count. A count is how often
something of that form is there: that a person stands behind it, only a person can say.
"""

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping

import phonenumbers
from stdnum import iban, luhn, mac
from stdnum.de import idnr
from stdnum.es import dni, nie
from stdnum.fr import nir
from stdnum.it import codicefiscale
from stdnum.us import ssn

# The region whose national numbers are looked for in a language; numbers that begin with + are found in any.
REGIONS: Mapping[str, str] = {"EN": "US", "DE": "DE", "FR": "FR", "IT": "IT", "ES": "ES"}

RULES: Mapping[str, str] = {  # word for word as the card shows them
    "email": "E-mail addresses, those of names that RFC 2606 and 6761 reserve (example.org, localhost) left out.",
    "phone": "Telephone numbers that phonenumbers' matcher finds valid and grouped as is usual, in the language's "
    "region (EN US, DE DE, FR FR, IT IT, ES ES) or international; without +, only in groups that spaces, hyphens or "
    "brackets (or one slash before six digits) divide.",
    "iban": "International bank account numbers with the length of their country and valid check digits.",
    "payment-card": "Digits that begin as a card network's numbers do and are as many, with a valid Luhn digit.",
    "ip-address": "IPv4 and IPv6 addresses that are globally routable; private and documentation ones left out, and "
    "four numbers of one digit each, which are sections and versions.",
    "mac-address": "Hardware addresses of six bytes, all zeros and all ones left out.",
    "national-id": "Personal numbers with valid check digits: DE Steuer-IdNr., FR NIR, IT codice fiscale, ES DNI and "
    "NIE; EN US social security numbers, which have none, written with hyphens.",
    "credential": "PEM private keys, and addresses that carry a password.",
}

_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?P<host>[\w-]+(?:\.[\w-]+)*\.[^\W\d_]{2,})(?![\w-])")
_RESERVED = re.compile(r"(?:.*\.)?(?:example(?:\.(?:com|net|org))?|test|invalid|localhost|localdomain|local)", re.I)
_DIGIT = re.compile(r"[\d:]")  # hexadecimal addresses may have letters only
_MANY_DIGITS = re.compile(r"\d(?:[^\w\n]{0,3}\d){6}")
_GROUPED = re.compile(r"^\+|[ ()\u00a0-]|/\d{6}")
_IBAN = re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?: ?[0-9A-Z]{4}){2,7}(?: ?[0-9A-Z]{1,3})?(?!\w)")
_CARD = re.compile(r"(?<![\w.,-])[2-6]\d{3}(?:[ -]?\d{2,6}){2,5}(?![\w-])")
_NETWORK = re.compile(  # how card numbers begin, and how many digits they have
    r"4(?:\d{12}|\d{15}|\d{18})|(?:5[1-5]|2[2-7])\d{14}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}"
    r"|(?:6011|64[4-9]\d|65\d\d|35[2-8]\d|62\d\d)\d{12,15}"
)
_IPV4 = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w]|\.\d)")
_IPV6 = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\w:])")
_UNICAST = ipaddress.ip_network("2000::/3")  # what IPv6 gives to the public network so far
_MAC = re.compile(r"(?<![\w:-])[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5}(?![\w:-])")
_CREDENTIAL = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----|(?<!\w)\w++://[^\s/:@]+:[^\s/@]+@[\w.-]+")

_Checked = tuple[re.Pattern[str], Callable[[str], bool]]
_NATIONAL: Mapping[str, tuple[_Checked, ...]] = {
    "EN": ((re.compile(r"(?<![\w-])\d{3}-\d{2}-\d{4}(?![\w-])"), ssn.is_valid),),
    "DE": ((re.compile(r"(?<![\w.,-])[1-9]\d(?: ?\d{3}){3}(?![\w-])"), idnr.is_valid),),
    "FR": ((re.compile(r"(?<![\w.,-])[12] ?\d{2} ?\d{2} ?\d[\dAB] ?\d{3} ?\d{3} ?\d{2}(?![\w-])"), nir.is_valid),),
    "IT": ((re.compile(r"(?<!\w)[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z](?!\w)"), codicefiscale.is_valid),),
    "ES": (
        (re.compile(r"(?<![\w.-])\d{8}[ -]?[A-Z](?!\w)"), dni.is_valid),
        (re.compile(r"(?<!\w)[XYZ][ -]?\d{7}[ -]?[A-Z](?!\w)"), nie.is_valid),
    ),
}


def personal_data(text: str, language: str) -> dict[str, int]:
    """Return how often each kind of personal data is in a text of a language; kinds that are not there are left out."""
    kinds = _FINDERS if _DIGIT.search(text) else _WITHOUT_DIGITS
    found = {kind: sum(1 for _ in finder(text, language)) for kind, finder in kinds.items()}
    return {kind: count for kind, count in found.items() if count}


def _emails(text: str, language: str) -> Iterator[str]:
    if "@" in text:
        for match in _EMAIL.finditer(text):
            if not _RESERVED.fullmatch(match["host"]):
                yield match[0]


def _phones(text: str, language: str) -> Iterator[str]:
    if _MANY_DIGITS.search(text):
        region, leniency = REGIONS.get(language), phonenumbers.Leniency.STRICT_GROUPING
        for match in phonenumbers.PhoneNumberMatcher(text, region, leniency=leniency):
            # digits in a row are mostly something else: results, sizes, hashes
            if _GROUPED.search(match.raw_string):
                yield match.raw_string


def _ibans(text: str, language: str) -> Iterator[str]:
    for match in _IBAN.finditer(text):
        if iban.is_valid(match[0]):
            yield match[0]


def _cards(text: str, language: str) -> Iterator[str]:
    if _MANY_DIGITS.search(text):
        for match in _CARD.finditer(text):
            digits = re.sub(r"\D", "", match[0])
            if _NETWORK.fullmatch(digits) and luhn.is_valid(digits):
                yield match[0]


def _ip_addresses(text: str, language: str) -> Iterator[str]:
    for sign, pattern in ((".", _IPV4), (":", _IPV6)):
        if sign not in text:
            continue
        for match in pattern.finditer(text):
            try:
                address = ipaddress.ip_address(match[0])
            except ValueError:
                continue
            section = len(match[0]) == len("6.3.6.2")
            unicast = address.version == 4 or address in _UNICAST
            if address.is_global and not address.is_multicast and unicast and not section:
                yield match[0]


def _mac_addresses(text: str, language: str) -> Iterator[str]:
    for match in _MAC.finditer(text) if ":" in text or "-" in text else ():
        if mac.is_valid(match[0]) and set(mac.compact(match[0])) not in ({"0", ":"}, {"f", ":"}):
            yield match[0]


def _national_ids(text: str, language: str) -> Iterator[str]:
    for pattern, is_valid in _NATIONAL.get(language, ()):
        for match in pattern.finditer(text):
            if is_valid(match[0]):
                yield match[0]


def _credentials(text: str, language: str) -> Iterator[str]:
    if "-----BEGIN" in text or "@" in text:
        for match in _CREDENTIAL.finditer(text):
            yield match[0]


_FINDERS: Mapping[str, Callable[[str, str], Iterator[str]]] = {
    "email": _emails,
    "phone": _phones,
    "iban": _ibans,
    "payment-card": _cards,
    "ip-address": _ip_addresses,
    "mac-address": _mac_addresses,
    "national-id": _national_ids,
    "credential": _credentials,
}
_WITHOUT_DIGITS = {kind: _FINDERS[kind] for kind in ("email", "credential")}
