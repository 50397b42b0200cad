"""The store in a PostgreSQL database (psycopg 3): one writer, any number of readers on other machines."""
