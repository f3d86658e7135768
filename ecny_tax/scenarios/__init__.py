"""Seeded stories that the command line, the web and the testing kit share."""
