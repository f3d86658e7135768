"""How fast the project is: each row compares it, in one run, with the plainest program that does the same.

``python -m bench`` measures; ``runner`` holds what every row shares, the other modules hold the rows.
"""
