"""How rows become contacts: parse a row, find its contact, plan the change, write it."""
