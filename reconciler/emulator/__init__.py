"""
A local stand-in for the Custom Labels dataset operations of Amazon Rekognition.

Its law: it imports nothing else of this package. What it knows of the service comes from botocore's service
model, the API reference and the developer guide, so that it cannot agree with a mistake made elsewhere.
"""
