"""What happened: the words (catalogue), the log (store) and the post (broker and relay)."""
