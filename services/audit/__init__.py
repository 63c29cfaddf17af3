"""What auditors take with them and write down."""
