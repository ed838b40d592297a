"""The field's files: answers, judgments and votes as FastChat (MT-Bench), AlpacaEval and others write them.

`rows` says what a line is, `read` reads a file and names every fault, repeat and failure in it, `two_orders` knows a
schema with both orders in a line, `write` writes, `choose` takes what is of one model or pair, `summary` is what files
come to when they are counted. Nothing here knows a study, a stage or a store.
"""
