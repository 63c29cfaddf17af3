"""With which key the network signs what it states about its log."""
