"""The language: every event of the network, as frozen and strict classes."""
