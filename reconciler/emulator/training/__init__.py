"""Trainings of models: what they make of two manifests, as far as datasets show it. No model is trained."""
