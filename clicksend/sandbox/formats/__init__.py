"""Rows and answers as they are written: in the form of the live API, or in that of older documentation."""
