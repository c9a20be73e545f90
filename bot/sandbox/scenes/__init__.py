"""The scenes of the tour: each plays people in the workspace and proves what came of it."""
