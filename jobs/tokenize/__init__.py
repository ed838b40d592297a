"""Rows into token ids, many at a time: in columns, so that the tokenizer itself is what takes the time."""
