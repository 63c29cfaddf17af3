"""What could not be understood, and the people who deal with it."""
