"""Taking results out: models, adapters, answers, verdicts, data and references of a study as plain files.

`selection` finds the stages that have what is wanted, `files` copies it out whole, `model_card` describes a model,
`tables` writes answers and verdicts as one Parquet file each, `steps` what was recorded of trainings, `fastchat` and
`alpaca_eval` the files that other programs of the field read. Nothing here computes a result.
"""
