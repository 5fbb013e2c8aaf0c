from reconciler.emulator.testing import emulator, emulator_plug, rekognition, rekognition_emulator, s3

__all__ = ["emulator", "emulator_plug", "rekognition", "rekognition_emulator", "s3"]
