"""How a command line runs: kinds of tasks, the table of stages, the executor with lock, journal, plan and consent."""
