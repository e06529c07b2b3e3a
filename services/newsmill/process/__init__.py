"""What stands around a worker: its loops, its process, its settings, its logs."""
