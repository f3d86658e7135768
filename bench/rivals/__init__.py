"""What a user would take instead of us: the same transfers on the same PostgreSQL server, by each in turn.

``python -m bench.rivals`` measures.  Every rival is a program of its own in its own environment: it reads
jobs, a line of JSON each, from its standard input, and answers each with a line.

    {"open": 3}                        make three accounts with 100,000,000 fen each; answers true
    {"single": [[from, to, fen], …]}   move each in a transaction of its own; answers the seconds
    {"batch": [[from, to, fen], …]}    move all of them in one transaction; answers the seconds
    {"balances": null}                 answers the balance in fen of each account

Accounts are called by their place, from 0.
"""
