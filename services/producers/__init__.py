"""The context of gathering and giving."""
