"""The context of pooling, making, packing."""
