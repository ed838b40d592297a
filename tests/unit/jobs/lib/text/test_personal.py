"""Personal data by kind: what has check digits is checked, what belongs to nobody is left out."""

import json
from pathlib import Path

import pytest

from jobs.lib.text.personal import RULES, personal_data
from tests.kit.data_ingests import bactrian, card_of, ingest_bytes, json_lines

# Numbers made for tests and documentation; none is anybody's.
CASES: list[tuple[str, str, dict[str, int]]] = [
    ("EN", "Write to jane.doe+list@mail.uni-x.de, or john@work.co.uk.", {"email": 2}),
    ("EN", "Write to jane@example.com, root@localhost or x@host.example; scp a@b: is none.", {}),
    ("EN", "Call (650) 253-0000 today.", {"phone": 1}),
    ("DE", "Rufen Sie 030 / 34 99 91 56 an, oder +44 20 8366 1177.", {"phone": 2}),
    ("FR", "Appelez le 01 42 68 53 00.", {"phone": 1}),
    ("IT", "Chiamate il 06 3600 4654.", {"phone": 1}),
    ("ES", "Llame al 912 34 56 78.", {"phone": 1}),
    ("DE", "0.3333333333, 08653060378972 und 2147483648 sind keine, 06/2013 auch nicht.", {}),
    ("PT", "Ligue para +351 21 342 4700.", {"phone": 1}),
    ("DE", "IBAN: DE89 3704 0044 0532 0130 00.", {"iban": 1}),
    ("DE", "IBAN: DE89 3704 0044 0532 0130 01.", {}),
    ("FR", "FR1420041010050500013M02606", {"iban": 1}),
    ("EN", "Card 4111 1111 1111 1111, or 378282246310005.", {"payment-card": 2}),
    ("EN", "Card 4111 1111 1111 1112.", {}),
    ("EN", "Hosts 203.0.114.7 and 2a01:4f8:0:1::5.", {"ip-address": 2}),
    ("EN", "Hosts 192.168.1.10, 10.0.0.1, 203.0.113.9, ::1, 2001:db8::1; section 6.3.6.2; 300.1.1.1.", {}),
    ("EN", "It has 00:10:dc:27:6c:15; not ff:ff:ff:ff:ff:ff, 00:00:00:00:00:00.", {"mac-address": 1}),
    ("EN", "SSN 536-90-4399.", {"national-id": 1}),
    ("DE", "Steuer-IdNr. 36 574 261 809", {"national-id": 1}),
    ("DE", "Steuer-IdNr. 36 574 261 808", {}),
    ("FR", "Numéro 2 95 10 99 126 111 93", {"national-id": 1}),
    ("IT", "Codice RCCMNL83S18D969H", {"national-id": 1}),
    ("ES", "DNI 54362315K, NIE X-2482300W", {"national-id": 2}),
    ("EN", "-----BEGIN RSA PRIVATE KEY-----\nsmb://user:password@server/", {"credential": 2}),
    ("EN", "An ordinary sentence about 12 apples and 1,000 pears.", {}),
]


@pytest.mark.parametrize(("language", "text", "expected"), CASES)
def test_kinds_are_counted(language: str, text: str, expected: dict[str, int]) -> None:
    assert personal_data(text, language) == expected


def test_every_kind_has_a_case_and_a_rule() -> None:
    assert {kind for _, _, found in CASES for kind in found} == set(RULES)


def test_the_card_counts_and_places_them_and_never_quotes_them(tmp_path: Path) -> None:
    rows = [bactrian(1, output="Ask jane@uni-x.de or joe@uni-x.de."), bactrian(2)]
    card = card_of(ingest_bytes(tmp_path / "job", {"EN": [("e.jsonl", json_lines(rows))]}))
    assert card["languages"]["EN"]["personal"] == {"email": {"count": 2, "where": ["a-1:2"]}}
    assert "jane" not in json.dumps(card)
