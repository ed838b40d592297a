"""Rows into token ids, many at a time: columns instead of objects, so that the tokenizer itself is what takes the time."""
