"""DynamoDB: documents in tables of Amazon DynamoDB."""
