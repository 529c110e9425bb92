"""The change feed of a collection, on DynamoDB Streams."""
