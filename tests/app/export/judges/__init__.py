"""Programs that tests run in other interpreters: they judge exported files with other people's readers."""
