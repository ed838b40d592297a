"""The eight task families, which are the benchmark's categories: how each is asked, asked again, and answered.

A task is a family, a phrasing and arguments (nouns by number); text exists only in a language. Every answer follows
from the arguments by rule. `list` families work on the words of a list, in whatever order they stand there.

| family | asks for | arguments | answer (EN) |
| --- | --- | --- | --- |
| first, last | the first or last word of a list | 3 nouns | dog |
| reverse, copy | the list backwards, or as it is | 3 nouns | dog, key, egg |
| twice | a word two times | 1 noun | dog dog |
| count | the number of words of a list | 2 to 4 nouns | three |
| kind | what a thing is | 1 noun | an animal |
| greet | a greeting for two | 2 animals or people | Hello, king and cat! |
"""

import random
from collections.abc import Mapping, Sequence

from jobs.builtin.words import COUNT, KINDS, NOUNS, NUMBERS, PER_KIND, kind_of

Arguments = tuple[int, ...]

FAMILIES = ("first", "last", "reverse", "copy", "twice", "count", "kind", "greet")
ON_LISTS = frozenset({"first", "last", "reverse", "copy", "count"})
PHRASINGS = 3
GREETED = (*range(PER_KIND), *range(COUNT - PER_KIND, COUNT))  # animals and people

AND: Mapping[str, str] = {"EN": "and", "DE": "und", "FR": "et", "IT": "e", "ES": "y"}
HELLO: Mapping[str, str] = {
    "EN": "Hello, {}!",
    "DE": "Hallo, {}!",
    "FR": "Bonjour, {} !",
    "IT": "Ciao, {}!",
    "ES": "¡Hola, {}!",
}

# The three phrasings of each family. {list} is "dog, key, egg", {word} "dog", {a} "a dog", {pair} "the king and the
# cat" as an object, {for} the same after a preposition.
ASKED: Mapping[str, Mapping[str, tuple[str, str, str]]] = {
    "EN": {
        "first": (
            "Give me the first word of the list {list}.",
            "Tell me the first word of the list {list}.",
            "What is the first word of the list {list}?",
        ),
        "last": (
            "Give me the last word of the list {list}.",
            "Tell me the last word of the list {list}.",
            "What is the last word of the list {list}?",
        ),
        "reverse": (
            "Give me the list {list} in reverse order.",
            "Tell me the list {list} in reverse order.",
            "Write the list {list} in reverse order.",
        ),
        "copy": (
            "Give me a copy of the list {list}.",
            "Make a copy of the list {list}.",
            "Write a copy of the list {list}.",
        ),
        "twice": ("Give me the word {word} twice.", "Say the word {word} twice.", "Write the word {word} twice."),
        "count": (
            "Give me the number of words in the list {list}.",
            "Tell me the number of words in the list {list}.",
            "What is the number of words in the list {list}?",
        ),
        "kind": ("Say what {a} is.", "Tell me what {a} is.", "What is {a}?"),
        "greet": ("Greet {pair}.", "Please greet {pair}.", "Write a greeting for {for}."),
    },
    "DE": {
        "first": (
            "Gib mir das erste Wort der Liste {list}.",
            "Nenne mir das erste Wort der Liste {list}.",
            "Wie lautet das erste Wort der Liste {list}?",
        ),
        "last": (
            "Gib mir das letzte Wort der Liste {list}.",
            "Nenne mir das letzte Wort der Liste {list}.",
            "Wie lautet das letzte Wort der Liste {list}?",
        ),
        "reverse": (
            "Gib mir die Liste {list} in umgekehrter Reihenfolge.",
            "Nenne mir die Liste {list} in umgekehrter Reihenfolge.",
            "Schreibe die Liste {list} in umgekehrter Reihenfolge.",
        ),
        "copy": (
            "Gib mir eine Abschrift der Liste {list}.",
            "Mache eine Abschrift der Liste {list}.",
            "Schreibe eine Abschrift der Liste {list}.",
        ),
        "twice": (
            "Gib mir das Wort {word} zweimal.",
            "Sage das Wort {word} zweimal.",
            "Schreibe das Wort {word} zweimal.",
        ),
        "count": (
            "Gib mir die Anzahl der Wörter in der Liste {list}.",
            "Nenne mir die Anzahl der Wörter in der Liste {list}.",
            "Wie groß ist die Anzahl der Wörter in der Liste {list}?",
        ),
        "kind": ("Sage, was {a} ist.", "Sage mir, was {a} ist.", "Was ist {a}?"),
        "greet": ("Begrüße {pair}.", "Begrüße bitte {pair}.", "Schreibe einen Gruß für {for}."),
    },
    "FR": {
        "first": (
            "Donne-moi le premier mot de la liste {list}.",
            "Dis-moi le premier mot de la liste {list}.",
            "Quel est le premier mot de la liste {list} ?",
        ),
        "last": (
            "Donne-moi le dernier mot de la liste {list}.",
            "Dis-moi le dernier mot de la liste {list}.",
            "Quel est le dernier mot de la liste {list} ?",
        ),
        "reverse": (
            "Donne-moi la liste {list} dans l'ordre inverse.",
            "Dis-moi la liste {list} dans l'ordre inverse.",
            "Écris la liste {list} dans l'ordre inverse.",
        ),
        "copy": (
            "Donne-moi une copie de la liste {list}.",
            "Fais une copie de la liste {list}.",
            "Écris une copie de la liste {list}.",
        ),
        "twice": (
            "Donne-moi le mot {word} deux fois.",
            "Dis le mot {word} deux fois.",
            "Écris le mot {word} deux fois.",
        ),
        "count": (
            "Donne-moi le nombre de mots de la liste {list}.",
            "Dis-moi le nombre de mots de la liste {list}.",
            "Quel est le nombre de mots de la liste {list} ?",
        ),
        "kind": ("Dis ce qu'est {a}.", "Dis-moi ce qu'est {a}.", "Qu'est-ce qu'{a} ?"),
        "greet": ("Salue {pair}.", "Salue {pair}, s'il te plaît.", "Écris une salutation pour {for}."),
    },
    "IT": {
        "first": (
            "Dammi la prima parola della lista {list}.",
            "Dimmi la prima parola della lista {list}.",
            "Qual è la prima parola della lista {list}?",
        ),
        "last": (
            "Dammi l'ultima parola della lista {list}.",
            "Dimmi l'ultima parola della lista {list}.",
            "Qual è l'ultima parola della lista {list}?",
        ),
        "reverse": (
            "Dammi la lista {list} in ordine inverso.",
            "Dimmi la lista {list} in ordine inverso.",
            "Scrivi la lista {list} in ordine inverso.",
        ),
        "copy": (
            "Dammi una copia della lista {list}.",
            "Fai una copia della lista {list}.",
            "Scrivi una copia della lista {list}.",
        ),
        "twice": (
            "Dammi la parola {word} due volte.",
            "Di' la parola {word} due volte.",
            "Scrivi la parola {word} due volte.",
        ),
        "count": (
            "Dammi il numero di parole della lista {list}.",
            "Dimmi il numero di parole della lista {list}.",
            "Qual è il numero di parole della lista {list}?",
        ),
        "kind": ("Di' che cos'è {a}.", "Dimmi che cos'è {a}.", "Che cos'è {a}?"),
        "greet": ("Saluta {pair}.", "Saluta {pair}, per favore.", "Scrivi un saluto per {for}."),
    },
    "ES": {
        "first": (
            "Dame la primera palabra de la lista {list}.",
            "Dime la primera palabra de la lista {list}.",
            "¿Cuál es la primera palabra de la lista {list}?",
        ),
        "last": (
            "Dame la última palabra de la lista {list}.",
            "Dime la última palabra de la lista {list}.",
            "¿Cuál es la última palabra de la lista {list}?",
        ),
        "reverse": (
            "Dame la lista {list} en orden inverso.",
            "Dime la lista {list} en orden inverso.",
            "Escribe la lista {list} en orden inverso.",
        ),
        "copy": (
            "Dame una copia de la lista {list}.",
            "Haz una copia de la lista {list}.",
            "Escribe una copia de la lista {list}.",
        ),
        "twice": (
            "Dame la palabra {word} dos veces.",
            "Di la palabra {word} dos veces.",
            "Escribe la palabra {word} dos veces.",
        ),
        "count": (
            "Dame el número de palabras de la lista {list}.",
            "Dime el número de palabras de la lista {list}.",
            "¿Cuál es el número de palabras de la lista {list}?",
        ),
        "kind": ("Di qué es {a}.", "Dime qué es {a}.", "¿Qué es {a}?"),
        "greet": ("Saluda {pair}.", "Saluda {pair}, por favor.", "Escribe un saludo para {for}."),
    },
}

# How a second turn asks the same of something else: of a list, a word, a thing, two to be greeted.
AGAIN: Mapping[str, tuple[str, str, str, str]] = {
    "EN": ("And the list {list}?", "And the word {word}?", "And {a}?", "And {pair}?"),
    "DE": ("Und die Liste {list}?", "Und das Wort {word}?", "Und {a}?", "Und {pair}?"),
    "FR": ("Et la liste {list} ?", "Et le mot {word} ?", "Et {a} ?", "Et {pair} ?"),
    "IT": ("E la lista {list}?", "E la parola {word}?", "E {a}?", "E {pair}?"),
    "ES": ("¿Y la lista {list}?", "¿Y la palabra {word}?", "¿Y {a}?", "¿Y {pair}?"),
}


def fill(template: str, arguments: Sequence[int], language: str, words_of: str | None = None) -> str:
    """Put arguments into a template. `words_of`: take the nouns of a list or a word from another language."""
    nouns = [NOUNS[language][number] for number in arguments]
    words = [NOUNS[words_of or language][number].word for number in arguments]
    joint = f" {AND[language]} "
    return (
        template.replace("{list}", ", ".join(words))
        .replace("{word}", words[0])
        .replace("{a}", nouns[0].indefinite)
        .replace("{pair}", joint.join(noun.addressed for noun in nouns))
        .replace("{for}", joint.join(noun.accusative for noun in nouns))
    )


def instruction(family: str, phrasing: int, arguments: Arguments, language: str, words_of: str | None = None) -> str:
    """The first turn of a task."""
    return fill(ASKED[language][family][phrasing], arguments, language, words_of)


def again(family: str, arguments: Arguments, language: str, words_of: str | None = None) -> str:
    """A later turn, which asks the same of other arguments."""
    place = 0 if family in ON_LISTS else ("twice", "kind", "greet").index(family) + 1
    return fill(AGAIN[language][place], arguments, language, words_of)


def answer(family: str, arguments: Arguments, language: str, words_of: str | None = None) -> str:
    """What is right."""
    words = [NOUNS[words_of or language][number].word for number in arguments]
    if family == "greet":
        return HELLO[language].format(f" {AND[language]} ".join(words))
    if family == "kind":
        return KINDS[language][kind_of(arguments[0])]
    if family == "count":
        return NUMBERS[language][len(arguments)]
    if family == "twice":
        return f"{words[0]} {words[0]}"
    chosen = {"first": words[:1], "last": words[-1:], "reverse": words[::-1], "copy": words}[family]
    return ", ".join(chosen)


def draw(family: str, rng: random.Random, nouns: Sequence[int] = range(COUNT)) -> Arguments:
    """Draw arguments of a family among some nouns."""
    if family in ("twice", "kind"):
        return (rng.choice(nouns),)
    if family == "greet":
        first, second = rng.sample(GREETED, 2)
        return (first, second)
    return tuple(rng.sample(range(COUNT), rng.choice((2, 3, 4)) if family == "count" else 3))
