"""Libraries that can't be imported beside ours, as one of them has our name: their installation, process and ways."""
