"""The geometry and the cost of incremental occlusion, which frameworks share: boxes of changed positions, and saved work."""
