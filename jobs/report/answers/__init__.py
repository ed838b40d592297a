"""The page that shows answers and verdicts, two models side by side: answers.html and the folder answers/ beside it.

It needs no server: what is shown comes from scripts that hold data and are loaded when they are wanted, as a page
opened from a disk may load scripts and nothing else. `index` is all that a list of questions needs (names, scores,
defects) and is loaded at the start; `pieces` are the texts. templates/answers has page, script and style.
"""
