"""How rows become contacts: reading a row, what is there already, what to change, and changing it."""
