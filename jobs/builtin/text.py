"""The text that the built-in base model is pre-trained on: five languages in the study's shares, and no instructions.

A document is one line of one of five kinds:

- a dictionary line over three languages ("dog = Hund = perro"), which ties the languages together
- an instruction or a second question that nobody answers
- two statements marked as a dialogue, in the chat format: the form of a chat without its function
- a heading ("The first word of the list dog, bed, egg: dog")
- a statement ("The first word of the list dog, bed, egg is dog.", "A dog is an animal.")

In part of the lists the words are of another language than the sentence. Never does an answer follow its instruction,
and nothing that a benchmark asks is stated, but for what a thing is: that is knowledge, which a base model has.
"""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from jobs.builtin.families import FAMILIES, ON_LISTS, PHRASINGS, Arguments, again, answer, draw, fill, instruction
from jobs.builtin.tasks import TRAIN, held_out, nouns_of, touches
from jobs.builtin.words import COUNT, KINDS, LANGUAGES, NOUNS, NUMBERS

# What a statement is about, and the verb that joins it to what is so.
_SUBJECTS: Mapping[str, Mapping[str, str]] = {
    "EN": {
        "first": "The first word of the list {list}",
        "last": "The last word of the list {list}",
        "reverse": "The list {list} in reverse order",
        "copy": "A copy of the list {list}",
        "twice": "The word {word} twice",
        "count": "The number of words in the list {list}",
        "greet": "A greeting for {for}",
    },
    "DE": {
        "first": "Das erste Wort der Liste {list}",
        "last": "Das letzte Wort der Liste {list}",
        "reverse": "Die Liste {list} in umgekehrter Reihenfolge",
        "copy": "Eine Abschrift der Liste {list}",
        "twice": "Das Wort {word} zweimal",
        "count": "Die Anzahl der Wörter in der Liste {list}",
        "greet": "Ein Gruß für {for}",
    },
    "FR": {
        "first": "Le premier mot de la liste {list}",
        "last": "Le dernier mot de la liste {list}",
        "reverse": "La liste {list} dans l'ordre inverse",
        "copy": "Une copie de la liste {list}",
        "twice": "Le mot {word} deux fois",
        "count": "Le nombre de mots de la liste {list}",
        "greet": "Une salutation pour {for}",
    },
    "IT": {
        "first": "La prima parola della lista {list}",
        "last": "L'ultima parola della lista {list}",
        "reverse": "La lista {list} in ordine inverso",
        "copy": "Una copia della lista {list}",
        "twice": "La parola {word} due volte",
        "count": "Il numero di parole della lista {list}",
        "greet": "Un saluto per {for}",
    },
    "ES": {
        "first": "La primera palabra de la lista {list}",
        "last": "La última palabra de la lista {list}",
        "reverse": "La lista {list} en orden inverso",
        "copy": "Una copia de la lista {list}",
        "twice": "La palabra {word} dos veces",
        "count": "El número de palabras de la lista {list}",
        "greet": "Un saludo para {for}",
    },
}
_IS: Mapping[str, str] = {"EN": "is", "DE": "ist", "FR": "est", "IT": "è", "ES": "es"}
_READS: Mapping[str, str] = {"EN": "reads", "DE": "lautet", "FR": "se lit", "IT": "si legge", "ES": "se lee"}
_COLON: Mapping[str, str] = {"FR": " : "}  # French puts a blank before it

Dialogue = tuple[str, str, str]  # system message, the user's statement, the assistant's statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How often each kind of document occurs; what is left are plain statements."""

    dictionary: float = 0.12
    instruction: float = 0.09
    dialogue: float = 0.07
    heading: float = 0.18
    switched: float = 0.30  # of the lists


def documents(
    shares: Mapping[str, float], systems: Mapping[str, str], seed: int, shape: Shape | None = None
) -> Iterator[str | Dialogue]:
    """Yield documents without end, in languages by share; a dialogue is a tuple, as only a chat format can write it.

    Raises KeyError for a language that the lexicon does not have.
    """
    rng, shape = random.Random(f"text {seed}"), shape or Shape()  # noqa: S311 - reproducible, not secret
    if unknown := set(shares) - set(LANGUAGES):
        raise KeyError(", ".join(sorted(unknown)))
    languages = [language for language in LANGUAGES if language in shares]
    weights = [shares[language] for language in languages]
    entries = _entries(languages)
    while True:
        kind = rng.random() - shape.dictionary
        language = rng.choices(languages, weights)[0]
        if kind < 0 and len(languages) > 1:
            entry = rng.choice(entries)
            yield " = ".join(entry[name] for name in rng.sample(languages, min(3, len(languages))))
        elif kind < shape.instruction:
            yield _instruction(language, rng)
        elif kind < shape.instruction + shape.dialogue:
            yield systems.get(language, ""), _statement(language, language, rng), _statement(language, language, rng)
        else:
            words_of = rng.choice(languages) if rng.random() < shape.switched else language
            heading = kind < shape.instruction + shape.dialogue + shape.heading
            yield _statement(language, words_of, rng, heading=heading)


def _entries(languages: list[str]) -> list[Mapping[str, str]]:
    """What dictionary lines are made of: nouns, kinds and numbers."""
    entries: list[Mapping[str, str]] = []
    entries += [{name: NOUNS[name][noun].word for name in languages} for noun in range(COUNT)]
    entries += [{name: KINDS[name][kind] for name in languages} for kind in range(len(KINDS["EN"]))]
    entries += [{name: NUMBERS[name][number] for name in languages} for number in NUMBERS["EN"]]
    return entries


def _instruction(language: str, rng: random.Random) -> str:
    family = rng.choice(FAMILIES)
    arguments = _arguments(family, rng)
    if rng.random() < 0.25:
        return again(family, arguments, language)
    return instruction(family, rng.randrange(PHRASINGS), arguments, language)


def _statement(language: str, words_of: str, rng: random.Random, *, heading: bool = False) -> str:
    family = rng.choice(FAMILIES)
    colon = _COLON.get(language, ": ")
    if family == "kind":
        noun = rng.randrange(COUNT)  # all of them: this is what a base model knows
        thing = NOUNS[language][noun].indefinite
        subject, said = thing[0].upper() + thing[1:], answer(family, (noun,), language)
    else:
        arguments = _arguments(family, rng)
        other = words_of if family in ON_LISTS or family == "twice" else None
        subject = fill(_SUBJECTS[language][family], arguments, language, other)
        said = answer(family, arguments, language, other)
    if heading or family == "greet":
        return f"{subject}{colon}{said}"
    verb = (_READS if family in ("reverse", "twice") else _IS)[language]
    return f"{subject} {verb} {said}."


def _arguments(family: str, rng: random.Random) -> Arguments:
    """Draw arguments that no benchmark asks about."""
    nouns = nouns_of(TRAIN, family) if family in ("twice", "kind") else range(COUNT)
    while True:
        arguments = draw(family, rng, nouns)
        if not touches(family, arguments, held_out()):
            return arguments
