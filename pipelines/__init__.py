"""Joins the generator and the networks: the only code that reads, writes, trains and evaluates."""
