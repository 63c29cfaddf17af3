"""The context of certificates and recalls."""
