"""Bad input, written down: what is sent, and what the service must then say and keep.

A family is a module with `CASES`. Each case is judged by what the network's rules say (facts are kept, decisions can be
refused, nothing authentic is lost), never by what the service happened to answer. Every mended fault adds one.
"""
