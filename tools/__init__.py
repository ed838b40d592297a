"""What people run beside the product: its images, the generated files of the repository, a test cluster."""
