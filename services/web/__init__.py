"""The pages people look at: rendered on the server, in three languages, readable without JavaScript."""
