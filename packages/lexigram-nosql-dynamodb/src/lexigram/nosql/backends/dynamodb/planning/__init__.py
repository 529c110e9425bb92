"""How a request reaches DynamoDB: which key or index, what its expressions say, and what is left for the engine.

Pure functions: nothing here makes a call, and nothing here is changed once it is made.
"""
