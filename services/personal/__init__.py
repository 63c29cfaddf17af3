"""What belongs to a person: values that are kept outside the log, shown to them, and forgotten."""
