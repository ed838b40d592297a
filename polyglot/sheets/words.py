"""What a sheet of answers says to its raters, in their language where it is one of the five, else in English."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Guidelines and labels. `{n}` stands for a number."""

    title: str
    guide: tuple[str, ...]
    guide_pairs: tuple[str, ...]
    guide_single: tuple[str, ...]
    keys_pairs: str
    keys_single: str
    name: str
    level: str
    native: str
    fluent: str
    other: str
    begin: str
    a: str
    b: str
    tie: str
    bad: str
    score: str
    comment: str
    back: str
    on: str
    save: str
    question: str
    answer: str
    rated: str
    name_first: str
    level_first: str
    nothing: str
    kept_nowhere: str
    saved: str


WORDS = {
    "EN": Words(
        title="Answers to rate",
        guide=(
            "Read the whole conversation before you decide: both questions, and every answer to them.",
            "Judge what helps the person who asked: is it right, does it answer the question, does it do what was "
            "asked for, is it clear? A longer answer is not a better one for its length.",
            "Language counts: an answer in another language than was asked for, or in a broken one, is a worse one.",
            "Decide by yourself, without other tools or people. You do not know who wrote what, and need not guess.",
            "What you mark stays in this browser until you save it; nothing is sent anywhere.",
        ),
        guide_pairs=(
            "Choose the better side. Choose a tie where you would be as content with one as with the other, and "
            "both bad where neither is of use.",
        ),
        guide_single=(
            "Give 1 to 10: 1 is of no use at all, 5 is half of what was wanted, 10 leaves nothing to wish for.",
        ),
        keys_pairs="Keys: A, B, T for a tie, X for both bad; arrows go back and on.",
        keys_single="Keys: 1 to 9, and 0 for 10; arrows go back and on.",
        name="Pseudonym",
        level="How well do you know the language of the answers?",
        native="It is a native language of mine",
        fluent="I am fluent in it",
        other="Less than that",
        begin="Begin",
        a="A is better",
        b="B is better",
        tie="Tie",
        bad="Both bad",
        score="Score from 1 to 10",
        comment="Comment, if you like",
        back="Back",
        on="Next",
        save="Save",
        question="Question",
        answer="Answer",
        rated="{n} of {m} rated",
        name_first="Choose a pseudonym first",
        level_first="Say how well you know the language first",
        nothing="Nothing is rated yet",
        kept_nowhere="this browser keeps nothing, so save before you leave",
        saved="Saved as a file; send it to who asked you",
    ),
    "DE": Words(
        title="Antworten bewerten",
        guide=(
            "Lesen Sie das ganze Gespräch, bevor Sie sich entscheiden: beide Fragen und jede Antwort darauf.",
            "Beurteilen Sie, was der fragenden Person hilft: Stimmt es, beantwortet es die Frage, tut es, worum "
            "gebeten wurde, ist es verständlich? Länge allein macht eine Antwort nicht besser.",
            "Die Sprache zählt: Eine Antwort in einer anderen Sprache als verlangt oder in fehlerhafter Sprache ist "
            "schlechter.",
            "Entscheiden Sie allein, ohne andere Hilfsmittel oder Personen. Wer was geschrieben hat, ist unbekannt "
            "und nicht zu erraten.",
            "Ihre Angaben bleiben in diesem Browser, bis Sie sie speichern; nichts wird versendet.",
        ),
        guide_pairs=(
            "Wählen Sie die bessere Seite. Wählen Sie Gleichstand, wenn Ihnen beide gleich recht wären, und beide "
            "schlecht, wenn keine brauchbar ist.",
        ),
        guide_single=(
            "Geben Sie 1 bis 10: 1 ist völlig unbrauchbar, 5 ist die Hälfte des Gewünschten, 10 lässt nichts offen.",
        ),
        keys_pairs="Tasten: A, B, T für Gleichstand, X für beide schlecht; Pfeile gehen zurück und weiter.",
        keys_single="Tasten: 1 bis 9 und 0 für 10; Pfeile gehen zurück und weiter.",
        name="Pseudonym",
        level="Wie gut beherrschen Sie die Sprache der Antworten?",
        native="Sie ist eine Muttersprache von mir",
        fluent="Ich spreche sie fließend",
        other="Weniger gut",
        begin="Beginnen",
        a="A ist besser",
        b="B ist besser",
        tie="Gleichstand",
        bad="Beide schlecht",
        score="Note von 1 bis 10",
        comment="Anmerkung, wenn Sie mögen",
        back="Zurück",
        on="Weiter",
        save="Speichern",
        question="Frage",
        answer="Antwort",
        rated="{n} von {m} bewertet",
        name_first="Wählen Sie zuerst ein Pseudonym",
        level_first="Sagen Sie zuerst, wie gut Sie die Sprache beherrschen",
        nothing="Noch ist nichts bewertet",
        kept_nowhere="dieser Browser merkt sich nichts; speichern Sie, bevor Sie gehen",
        saved="Als Datei gespeichert; senden Sie sie an die Person, die Sie gefragt hat",
    ),
    "FR": Words(
        title="Réponses à évaluer",
        guide=(
            "Lisez toute la conversation avant de décider : les deux questions et chacune des réponses.",
            "Jugez ce qui aide la personne qui demande : est-ce juste, est-ce une réponse à la question, fait-on ce "
            "qui est demandé, est-ce clair ? Une réponse plus longue n'est pas meilleure pour autant.",
            "La langue compte : une réponse dans une autre langue que celle demandée, ou dans une langue fautive, est "
            "moins bonne.",
            "Décidez sans autre outil et sans autre personne. Qui a écrit quoi est inconnu, et n'est pas à deviner.",
            "Vos choix restent dans ce navigateur jusqu'à l'enregistrement ; rien n'est envoyé.",
        ),
        guide_pairs=(
            "Choisissez le meilleur côté. Choisissez égalité si l'un vous conviendrait autant que l'autre, et les "
            "deux mauvais si aucun n'est utile.",
        ),
        guide_single=(
            "Donnez de 1 à 10 : 1 ne sert à rien, 5 est la moitié de ce qui était voulu, 10 ne laisse rien à désirer.",
        ),
        keys_pairs="Touches : A, B, T pour égalité, X pour les deux mauvais ; les flèches reculent et avancent.",
        keys_single="Touches : 1 à 9, et 0 pour 10 ; les flèches reculent et avancent.",
        name="Pseudonyme",
        level="Quel est votre niveau dans la langue des réponses ?",
        native="C'est une de mes langues maternelles",
        fluent="Je la parle couramment",
        other="Moins que cela",
        begin="Commencer",
        a="A est meilleur",
        b="B est meilleur",
        tie="Égalité",
        bad="Les deux mauvais",
        score="Note de 1 à 10",
        comment="Commentaire, si vous voulez",
        back="Retour",
        on="Suivant",
        save="Enregistrer",
        question="Question",
        answer="Réponse",
        rated="{n} sur {m} évalués",
        name_first="Choisissez d'abord un pseudonyme",
        level_first="Dites d'abord votre niveau dans la langue",
        nothing="Rien n'est encore évalué",
        kept_nowhere="ce navigateur ne garde rien ; enregistrez avant de partir",
        saved="Enregistré dans un fichier ; envoyez-le à qui vous a sollicité",
    ),
    "IT": Words(
        title="Risposte da valutare",
        guide=(
            "Legga tutta la conversazione prima di decidere: le due domande e ogni risposta.",
            "Giudichi ciò che aiuta chi domanda: è corretto, risponde alla domanda, fa ciò che è chiesto, è chiaro? "
            "Una risposta più lunga non è per questo migliore.",
            "La lingua conta: una risposta in una lingua diversa da quella richiesta, o piena di errori, è peggiore.",
            "Decida da sé, senza altri strumenti o persone. Chi ha scritto che cosa non si sa, e non va indovinato.",
            "Le Sue scelte restano in questo browser finché non le salva; nulla viene inviato.",
        ),
        guide_pairs=(
            "Scelga il lato migliore. Scelga parità se l'uno Le andrebbe bene quanto l'altro, ed entrambi scarsi se "
            "nessuno è utile.",
        ),
        guide_single=(
            "Dia da 1 a 10: 1 non serve a nulla, 5 è la metà di ciò che si voleva, 10 non lascia nulla a desiderare.",
        ),
        keys_pairs="Tasti: A, B, T per parità, X per entrambi scarsi; le frecce vanno indietro e avanti.",
        keys_single="Tasti: da 1 a 9, e 0 per 10; le frecce vanno indietro e avanti.",
        name="Pseudonimo",
        level="Quanto bene conosce la lingua delle risposte?",
        native="È una delle mie lingue madri",
        fluent="La parlo correntemente",
        other="Meno di così",
        begin="Iniziare",
        a="A è migliore",
        b="B è migliore",
        tie="Parità",
        bad="Entrambi scarsi",
        score="Voto da 1 a 10",
        comment="Commento, se vuole",
        back="Indietro",
        on="Avanti",
        save="Salvare",
        question="Domanda",
        answer="Risposta",
        rated="{n} di {m} valutati",
        name_first="Scelga prima uno pseudonimo",
        level_first="Dica prima quanto bene conosce la lingua",
        nothing="Non è ancora valutato nulla",
        kept_nowhere="questo browser non conserva nulla; salvi prima di uscire",
        saved="Salvato in un file; lo invii a chi gliel'ha chiesto",
    ),
    "ES": Words(
        title="Respuestas por valorar",
        guide=(
            "Lea toda la conversación antes de decidir: las dos preguntas y cada respuesta.",
            "Juzgue lo que ayuda a quien pregunta: ¿es correcto, responde a la pregunta, hace lo que se pide, es "
            "claro? Una respuesta más larga no es mejor por ello.",
            "El idioma cuenta: una respuesta en otro idioma que el pedido, o llena de errores, es peor.",
            "Decida por su cuenta, sin otras herramientas ni personas. No se sabe quién escribió qué, ni hay que "
            "adivinarlo.",
            "Lo que marque queda en este navegador hasta que lo guarde; nada se envía.",
        ),
        guide_pairs=(
            "Elija el lado mejor. Elija empate si uno le valdría tanto como el otro, y ambos malos si ninguno sirve.",
        ),
        guide_single=(
            "Dé de 1 a 10: 1 no sirve de nada, 5 es la mitad de lo que se quería, 10 no deja nada que desear.",
        ),
        keys_pairs="Teclas: A, B, T para empate, X para ambos malos; las flechas van atrás y adelante.",
        keys_single="Teclas: de 1 a 9, y 0 para 10; las flechas van atrás y adelante.",
        name="Seudónimo",
        level="¿Qué tan bien conoce el idioma de las respuestas?",
        native="Es una de mis lenguas maternas",
        fluent="Lo hablo con fluidez",
        other="Menos que eso",
        begin="Empezar",
        a="A es mejor",
        b="B es mejor",
        tie="Empate",
        bad="Ambos malos",
        score="Nota de 1 a 10",
        comment="Comentario, si quiere",
        back="Atrás",
        on="Siguiente",
        save="Guardar",
        question="Pregunta",
        answer="Respuesta",
        rated="{n} de {m} valorados",
        name_first="Elija primero un seudónimo",
        level_first="Diga primero qué tan bien conoce el idioma",
        nothing="Aún no hay nada valorado",
        kept_nowhere="este navegador no guarda nada; guarde antes de salir",
        saved="Guardado en un archivo; envíelo a quien se lo pidió",
    ),
}


def words_of(language: str) -> Words:
    """The words of a language, else English ones."""
    return WORDS.get(language, WORDS["EN"])
