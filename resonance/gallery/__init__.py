"""A session as people see it: a grid, a row, a page."""
