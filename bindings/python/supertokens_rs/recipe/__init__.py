"""The recipes: session, jwt and openid; of all others, the names."""
