"""What the service is compared with: services that others would have built on the same tables, and a limit.

Each finds the database by the PG… variables of the environment and the key of the tokens in SECRET_KEY, and answers
the same paths. Courses go by their plain UUIDs.
"""
