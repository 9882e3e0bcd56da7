"""What rows are and become: typed columns, and what is written of them."""
