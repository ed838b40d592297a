"""Taking results out: models, adapters, answers, verdicts, data and references of a study as plain files.

`selection` finds the stages that have what is wanted, `files` copies it out whole, `model_card` describes a model,
`tables` writes answers and verdicts as one Parquet file each, `steps` what was recorded of trainings. Nothing here
computes a result.
"""
