"""
A local emulator of the Custom Labels dataset operations of Amazon Rekognition.

It imports nothing else of this package. It is based only on botocore's service model, the API reference and
the developer guide, so that it cannot share a mistake with the code that it tests.
"""
