"""Drawings as inline SVG: sizes in per cent of the box's width, so that lines shrink on a phone and letters do not.

Colours are classes that the page's style sheet fills, for light and dark alike; each drawing has a title that says in
words what it shows.
"""
