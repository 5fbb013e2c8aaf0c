"""Channels that notices and commit states are sent to: apprise, CloudEvents over HTTP, GitHub and GitLab."""
