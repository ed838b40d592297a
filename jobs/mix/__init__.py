"""Which rows a language mix is made of, as an index over token sets, with a card."""
