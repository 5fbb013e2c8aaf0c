"""Replicas that share datasets by account and Region."""
