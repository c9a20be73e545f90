"""A local Slack workspace and a stand-in for the model, for the demo and the end-to-end tests."""
