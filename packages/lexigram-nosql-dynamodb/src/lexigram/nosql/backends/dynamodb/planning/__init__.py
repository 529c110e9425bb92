"""How a request reaches DynamoDB: which key or index, what its expressions say, and what is left for the engine.

Pure functions: nothing here makes a call, and nothing is changed once it is made. A layout describes a collection's
table (:class:`~lexigram.nosql.backends.dynamodb.planning.shape.TableShape`), and one
:class:`~lexigram.nosql.backends.dynamodb.planning.choose.Planner` for each description plans its reads: it gives an
:class:`~lexigram.nosql.backends.dynamodb.planning.access.AccessPlan` with complete requests.

Amazon's documents say what is relied on here; what only the service itself shows stands where it is used. Two things to
know of tables that others made: an index that was added to a table with items whose attribute has another type does not
hold those items, and neither does an answer that is read from it; and a global index follows the table with a delay.
"""
