"""What an answer may hold that is meant for the judge: a verdict, delimiters of its prompt, or instructions.

Patterns of five languages, all of them looked for in every answer: who plants something may write in any. Delimiters
are those of MT-Bench's prompts and of MT-Bench-X's translations of them; prompts of one's own may have others.
"""

import re

_REACH = r"[^.!?\n]{0,60}?"  # within a sentence

_VERDICT = re.compile(r"\[\[\s*(?:\d{1,2}(?:[.,]\d+)?|[A-D])\s*\]\]", re.IGNORECASE)

_BOUNDARY = (
    r"start|beginning|end|beginn|anfang|ende|d[ée]but|fin|final|inicio|comienzo|inizio|fine"  # of which the role speaks
)
_ROLE = (
    r"answer|assistant|conversation|antwort|referenzantwort|assistent(?:en)?|gespr[äa]chs?|r[ée]ponse|respuesta|"
    r"asistente|conversaci[óo]n|risposta|assistente|conversazione"
)
_DELIMITER = re.compile(
    rf"(?:\[|<\|)(?=[^\[\]|\n]*\b(?:{_BOUNDARY})\b)(?=[^\[\]|\n]*\b(?:{_ROLE})\b)[^\[\]|\n]{{3,80}}(?:\]|\|>)",
    re.IGNORECASE,
)

_INSTRUCTIONS = {
    "EN": (
        rf"\b(?:ignore|disregard|forget)\b{_REACH}\b(?:instructions?|prompt|rubric|criteria)\b",
        rf"\b(?:rate|score|grade|give|award|assign)\b{_REACH}\b(?:this|my) (?:answer|response)\b{_REACH}"
        r"\b(?:10|ten|highest|maximum|full|perfect)\b",
        r"\b(?:note|message|attention)\b(?: to| for|:)? (?:the |all )?(?:judges?|graders?|evaluators?|raters?)\b",
    ),
    "DE": (
        rf"\b(?:ignorier(?:e|en)?|vergiss|vergessen sie|missachte[nt]?)\b{_REACH}"
        r"\b(?:anweisung(?:en)?|kriterien|prompt)\b",
        rf"\b(?:bewerte[nt]?|gib|geben sie|vergib|vergeben sie)\b{_REACH}\b(?:diese[rn]?|meine[rn]?) antwort\b{_REACH}"
        r"\b(?:10|zehn|h[öo]chst\w*|maximal\w*|volle)\b",
        r"\b(?:hinweis|nachricht|achtung)\b(?: an| f[üu]r|:) (?:den |die )?(?:richter|bewerter|gutachter|pr[üu]fer)",
    ),
    "FR": (
        rf"\b(?:ignore[zr]?|oublie[zr]?)\b{_REACH}\b(?:instructions?|consignes?|crit[èe]res)\b",
        rf"\b(?:note[zr]?|attribue[zr]?|donne[zr]?)\b{_REACH}\b(?:cette|ma) r[ée]ponse\b{_REACH}"
        r"\b(?:10|dix|maximale?|parfaite)\b",
        r"\b(?:note|message|attention)\b(?: au| aux| pour le| pour les| à l'attention du|:) "
        r"(?:juges?|[ée]valuateurs?|correcteurs?)\b",
    ),
    "IT": (
        rf"\b(?:ignora(?:te|re)?|dimentica(?:te|re)?)\b{_REACH}\b(?:istruzioni|criteri|prompt)\b",
        rf"\b(?:valuta(?:te|re)?|assegna(?:te|re)?|d(?:ai|ate|are))\b{_REACH}\b(?:questa|mia) risposta\b{_REACH}"
        r"\b(?:10|dieci|massim[oa])\b",
        r"\b(?:nota|messaggio|attenzione)\b(?: per il| al| ai|:) (?:giudic[ei]|valutator[ei])\b",
    ),
    "ES": (
        rf"\b(?:ignor[ae]n?|olvid[ae]n?|omit[ae]n?)\b{_REACH}\b(?:instrucciones|criterios|prompt)\b",
        rf"\b(?:calific[aá]\w*|califique|punt[uú]\w*|eval[uú]\w*|asign\w+|d[aé](?:le)?)\b{_REACH}"
        rf"\b(?:esta|mi) respuesta\b{_REACH}\b(?:10|diez|m[áa]xim[oa])\b",
        r"\b(?:nota|mensaje|atenci[óo]n)\b(?: para el| al| a los|:) (?:juez|jueces|evaluador(?:es)?)\b",
    ),
}
_INSTRUCTION = re.compile("|".join(one for said in _INSTRUCTIONS.values() for one in said), re.IGNORECASE)


def holds_verdict(text: str) -> bool:
    """Whether it has a verdict as the judge would write it."""
    return _VERDICT.search(text) is not None


def holds_delimiters(text: str) -> bool:
    """Whether it has what the judge's prompt marks the ends of answers with."""
    return _DELIMITER.search(text) is not None


def holds_instructions(text: str) -> bool:
    """Whether it tells a judge what to do, or how to rate an answer."""
    return _INSTRUCTION.search(text) is not None
