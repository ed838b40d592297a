"""Quality of translations: what is measured of each turn, and what is said of all of them."""
