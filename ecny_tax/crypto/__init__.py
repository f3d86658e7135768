"""Keys, signatures and sealed boxes: the only room that imports ``cryptography``."""
