"""What belongs to an installation as a whole.

agents            agents as principals: their ids, suspensions and reviews
heartbeats        when each kind of process last reported that it is alive
marks             which installation or demo a database belongs to
revisions         the schema's revision, and migrating to the newest
scratch_database  a database in memory for one evaluation case
"""
