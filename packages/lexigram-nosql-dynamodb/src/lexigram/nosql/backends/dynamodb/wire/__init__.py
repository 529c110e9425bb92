"""Requests and answers on the wire: the SDK's credentials, signatures, endpoints, connections and retries; our JSON.

botocore's parser walks the service's model over every value of an answer, and most of the time of a request is spent
there. Here a body is read once, by ``json.loads``, and never walked.
"""
