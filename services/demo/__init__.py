"""Demonstration data: a seeded history of a simulated network, sent through the front door like anybody's reports."""
