"""The lexicon of the built-in data: 48 nouns of four kinds in five languages, with their articles, and small numbers.

Promises: within a language no two nouns are spelt alike; a noun's place in the table (0 to 47) is its meaning, shared
by the languages; nouns 12k to 12k+11 are of kind k. All nouns are countable, and no German one is of the weak
declension, so that only articles change with case.
"""

from collections.abc import Mapping
from dataclasses import dataclass

LANGUAGES = ("EN", "DE", "FR", "IT", "ES")
PER_KIND = 12

# English | German | French | Italian | Spanish, each with its gender. The kinds follow each other: animals, food,
# objects, people.
_TABLE = """
dog      | Hund m      | chien m      | cane m       | perro m
cat      | Katze f     | chat m       | gatto m      | gato m
horse    | Pferd n     | cheval m     | cavallo m    | caballo m
cow      | Kuh f       | vache f      | mucca f      | vaca f
wolf     | Wolf m      | loup m       | lupo m       | lobo m
mouse    | Maus f      | souris f     | topo m       | ratón m
bird     | Vogel m     | oiseau m     | uccello m    | pájaro m
fish     | Fisch m     | poisson m    | pesce m      | pez m
sheep    | Schaf n     | mouton m     | pecora f     | oveja f
goat     | Ziege f     | chèvre f     | capra f      | cabra f
duck     | Ente f      | canard m     | anatra f     | pato m
bee      | Biene f     | abeille f    | ape f        | abeja f

apple    | Apfel m     | pomme f      | mela f       | manzana f
egg      | Ei n        | œuf m        | uovo m       | huevo m
cake     | Kuchen m    | gâteau m     | torta f      | pastel m
carrot   | Karotte f   | carotte f    | carota f     | zanahoria f
onion    | Zwiebel f   | oignon m     | cipolla f    | cebolla f
lemon    | Zitrone f   | citron m     | limone m     | limón m
cherry   | Kirsche f   | cerise f     | ciliegia f   | cereza f
nut      | Nuss f      | noix f       | noce f       | nuez f
cheese   | Käse m      | fromage m    | formaggio m  | queso m
soup     | Suppe f     | soupe f      | zuppa f      | sopa f
peach    | Pfirsich m  | pêche f      | pesca f      | melocotón m
strawberry | Erdbeere f | fraise f    | fragola f    | fresa f

table    | Tisch m     | table f      | tavolo m     | mesa f
chair    | Stuhl m     | chaise f     | sedia f      | silla f
bed      | Bett n      | lit m        | letto m      | cama f
lamp     | Lampe f     | lampe f      | lampada f    | lámpara f
key      | Schlüssel m | clé f        | chiave f     | llave f
door     | Tür f       | porte f      | porta f      | puerta f
window   | Fenster n   | fenêtre f    | finestra f   | ventana f
knife    | Messer n    | couteau m    | coltello m   | cuchillo m
spoon    | Löffel m    | cuillère f   | cucchiaio m  | cuchara f
bottle   | Flasche f   | bouteille f  | bottiglia f  | botella f
shoe     | Schuh m     | chaussure f  | scarpa f     | zapato m
hat      | Hut m       | chapeau m    | cappello m   | sombrero m

king     | König m     | roi m        | re m         | rey m
queen    | Königin f   | reine f      | regina f     | reina f
child    | Kind n      | enfant m     | bambino m    | niño m
doctor   | Arzt m      | médecin m    | medico m     | médico m
judge    | Richter m   | juge m       | giudice m    | juez m
baker    | Bäcker m    | boulanger m  | fornaio m    | panadero m
sailor   | Seemann m   | marin m      | marinaio m   | marinero m
teacher  | Lehrer m    | professeur m | professore m | profesor m
cook     | Koch m      | cuisinier m  | cuoco m      | cocinero m
gardener | Gärtner m   | jardinier m  | giardiniere m | jardinero m
painter  | Maler m     | peintre m    | pittore m    | pintor m
woman    | Frau f      | femme f      | donna f      | mujer f
"""

KINDS: Mapping[str, tuple[str, ...]] = {  # what a noun is, with its article; the order is that of the table
    "EN": ("an animal", "a food", "an object", "a person"),
    "DE": ("ein Tier", "ein Lebensmittel", "ein Gegenstand", "ein Mensch"),
    "FR": ("un animal", "un aliment", "un objet", "une personne"),
    "IT": ("un animale", "un alimento", "un oggetto", "una persona"),
    "ES": ("un animal", "un alimento", "un objeto", "una persona"),
}
NUMBERS: Mapping[str, Mapping[int, str]] = {
    "EN": {2: "two", 3: "three", 4: "four"},
    "DE": {2: "zwei", 3: "drei", 4: "vier"},
    "FR": {2: "deux", 3: "trois", 4: "quatre"},
    "IT": {2: "due", 3: "tre", 4: "quattro"},
    "ES": {2: "dos", 3: "tres", 4: "cuatro"},
}

_DEFINITE = {
    "DE": {"m": "der", "f": "die", "n": "das"},
    "FR": {"m": "le", "f": "la"},
    "ES": {"m": "el", "f": "la"},
}
_INDEFINITE = {
    "DE": {"m": "ein", "f": "eine", "n": "ein"},
    "FR": {"m": "un", "f": "une"},
    "ES": {"m": "un", "f": "una"},
}
_VOWELS = "aeiouàâéèêëîïôöœùûü"


@dataclass(frozen=True, slots=True, kw_only=True)
class Noun:
    """A noun of one language; `gender` is m, f, n or "" (English)."""

    word: str
    gender: str
    language: str

    @property
    def indefinite(self) -> str:
        """With its indefinite article: "an apple", "une pomme", "un'anatra"."""
        if self.language == "EN":
            return f"{'an' if self._vowel else 'a'} {self.word}"
        if self.language == "IT":
            if self.gender == "f":
                return f"un'{self.word}" if self._vowel else f"una {self.word}"
            return f"{'uno' if self._heavy else 'un'} {self.word}"
        return f"{_INDEFINITE[self.language][self.gender]} {self.word}"

    @property
    def definite(self) -> str:
        """With its definite article in the nominative: "the apple", "l'œuf", "lo specchio"."""
        if self.language == "EN":
            return f"the {self.word}"
        if self.language in ("FR", "IT") and self._vowel:
            return f"l'{self.word}"
        if self.language == "IT":
            return f"{'la' if self.gender == 'f' else 'lo' if self._heavy else 'il'} {self.word}"
        return f"{_DEFINITE[self.language][self.gender]} {self.word}"

    @property
    def addressed(self) -> str:
        """As the one to whom a greeting goes: German accusative, Spanish with its personal "a"."""
        if self.language == "DE" and self.gender == "m":
            return f"den {self.word}"
        if self.language == "ES":
            return f"al {self.word}" if self.gender == "m" else f"a la {self.word}"
        return self.definite

    @property
    def accusative(self) -> str:
        """After a preposition such as "for": German accusative, else as `definite`."""
        return self.addressed if self.language == "DE" else self.definite

    @property
    def _vowel(self) -> bool:
        return self.word[0].lower() in _VOWELS

    @property
    def _heavy(self) -> bool:
        """Italian "lo" and "uno" stand before z and before s with a consonant."""
        return self.word[0] == "z" or (self.word[0] == "s" and self.word[1] not in _VOWELS)


def _read() -> dict[str, tuple[Noun, ...]]:
    rows = [[cell.split() for cell in line.split("|")] for line in _TABLE.splitlines() if line.strip()]
    return {
        language: tuple(
            Noun(word=cells[column][0], gender=(cells[column] + [""])[1], language=language) for cells in rows
        )
        for column, language in enumerate(LANGUAGES)
    }


NOUNS: Mapping[str, tuple[Noun, ...]] = _read()
COUNT = len(NOUNS["EN"])


def kind_of(noun: int) -> int:
    """Which of the four kinds a noun is of."""
    return noun // PER_KIND
