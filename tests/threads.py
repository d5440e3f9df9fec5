"""Run a function in several threads at the same time."""

import threading


def run_in_threads(function, jobs):
    """Call the function with each job, a tuple of arguments, in a thread of its own, and wait for all of them."""
    threads = [threading.Thread(target=function, args=job) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
