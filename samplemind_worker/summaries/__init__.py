"""Chooses the writer of each summary, keeps within budgets and rates, and fills in missing summaries later."""
