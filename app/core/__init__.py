"""The studio without a face or a window: project, passes, jobs, use cases. No Qt, no torch."""
