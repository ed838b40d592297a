"""Published files, in any of several schemas, as rows of one form, with a data card."""
