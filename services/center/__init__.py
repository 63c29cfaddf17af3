"""The context of advice, buyers, orders."""
