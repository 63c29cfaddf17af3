"""The context of master data: who and what there is."""
