"""The context of shops and their tills."""
