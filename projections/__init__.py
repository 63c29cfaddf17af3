"""What people look at: disposable tables folded from the log."""
