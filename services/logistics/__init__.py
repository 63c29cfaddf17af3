"""The context of goods under way."""
