"""Human sheets: translations or answers drawn and blinded for people, and what they say read back.

Of translations `sample` draws and blinds, `page` writes CSV and HTML, `ratings` reads what came back. Of answers that
is `answers`, `answers_page` with the `words` of each language, and `votes`, with `others` and `fastchat` for files of
other tools; `power` says what so many votes can show. `store` keeps keys and what raters said. Nothing here computes a
statistic of what they said: that is the stages' `agree` and `reliability`.
"""
