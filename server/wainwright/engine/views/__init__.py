"""What people see of a run: values for the fronts, documents, sentences."""
