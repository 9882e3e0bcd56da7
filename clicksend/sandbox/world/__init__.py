"""The made-up world: its rows, what happens in it, and the clock by which it happens."""
