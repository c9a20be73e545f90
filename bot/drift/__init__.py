"""Drift: an agent's release is compared with its own past. Pure; `jobs.drift` reads the turns and tells the owners."""
