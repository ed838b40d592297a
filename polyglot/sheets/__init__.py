"""Human sheets: translations drawn and blinded for people to rate, and their ratings read back.

`sample` draws and blinds, `form` writes CSV and HTML, `ratings` reads what came back, `keep` holds keys and ratings in
the store. Nothing here computes a statistic: that is the agree stage's.
"""
