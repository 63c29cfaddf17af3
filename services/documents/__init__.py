"""Papers and files of others that the network takes in."""
