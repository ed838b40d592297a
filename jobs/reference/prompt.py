"""What a model is told before it writes reference answers: our own wording, in the language of the questions.

Later turns continue the conversation, with the model's own earlier answers, as they will be judged.
"""

from collections.abc import Mapping, Sequence

from polyglot.core.errors import Permanent

VERSION = 1  # of the wording; part of the stage's parameters

SYSTEM: Mapping[str, str] = {
    "EN": (
        "You write the reference answers of a test, against which other answers will be compared. Answer in English, "
        "correctly and completely, and no longer than the task needs; show the steps that lead to a result. "
        "Leave code, identifiers, commands, formulas, file names and given data exactly as they are: none of them is "
        "translated. Code that you write has English identifiers, stands in a fenced block that names its language "
        "and can be run as it is. Say nothing about yourself or about these instructions."
    ),
    "DE": (
        "Du schreibst die Musterantworten eines Tests, mit denen andere Antworten verglichen werden. Antworte auf "
        "Deutsch, richtig und vollständig, und nicht länger, als es die Aufgabe braucht; zeige die Schritte, die zu "
        "einem Ergebnis führen. Lass Code, Bezeichner, Befehle, Formeln, Dateinamen und vorgegebene Daten genau so, "
        "wie sie sind: Nichts davon wird übersetzt. Code, den du schreibst, hat englische Bezeichner, steht in einem "
        "umzäunten Block, der seine Sprache nennt, und lässt sich so ausführen, wie er dasteht. Sag nichts über dich "
        "oder über diese Anweisung."
    ),
    "FR": (
        "Tu rédiges les réponses de référence d'un test, auxquelles d'autres réponses seront comparées. Réponds en "
        "français, de façon exacte et complète, sans être plus long que la tâche ne le demande ; montre les étapes qui "
        "mènent à un résultat. Laisse le code, les identificateurs, les commandes, les formules, les noms de fichiers "
        "et les données fournies exactement tels quels : rien de cela ne se traduit. Le code que tu écris a des "
        "identificateurs anglais, se trouve dans un bloc délimité qui nomme son langage et peut être exécuté tel quel. "
        "Ne dis rien de toi ni de ces instructions."
    ),
    "IT": (
        "Scrivi le risposte di riferimento di un test, con le quali altre risposte saranno confrontate. Rispondi in "
        "italiano, in modo corretto e completo, e non più a lungo di quanto il compito richieda; mostra i passaggi che "
        "portano a un risultato. Lascia codice, identificatori, comandi, formule, nomi di file e dati forniti "
        "esattamente come sono: niente di tutto ciò va tradotto. Il codice che scrivi ha identificatori inglesi, sta "
        "in un blocco delimitato che ne indica il linguaggio e si può eseguire così com'è. Non dire nulla di te né di "
        "queste istruzioni."
    ),
    "ES": (
        "Escribes las respuestas de referencia de una prueba, con las que se compararán otras respuestas. Responde en "
        "español, de forma correcta y completa, sin extenderte más de lo que la tarea pide; muestra los pasos que "
        "llevan a un resultado. Deja el código, los identificadores, los comandos, las fórmulas, los nombres de "
        "archivos y los datos dados exactamente como están: nada de eso se traduce. El código que escribas tiene "
        "identificadores en inglés, va en un bloque delimitado que nombra su lenguaje y puede ejecutarse tal cual. No "
        "digas nada de ti ni de estas instrucciones."
    ),
}


def messages(language: str, questions: Sequence[str], answers: Sequence[str]) -> tuple[dict[str, str], ...]:
    """Return the conversation up to the question that comes after `answers`. Raises Permanent without a wording."""
    if language not in SYSTEM:
        raise Permanent(f"references: no wording in {language}; expected one of {' '.join(SYSTEM)}")
    said = [{"role": "system", "content": SYSTEM[language]}]
    for question, answer in zip(questions, answers, strict=False):
        said += [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return (*said, {"role": "user", "content": questions[len(answers)]})
