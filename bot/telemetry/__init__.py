"""What Deskhand tells Prometheus and a trace collector about itself: the names, the counting, and the serving.

Invariant: no metric and no span holds a person's words, a Slack id or an account, and none of them can delay a turn.

metrics         every metric, by name; counting in this process
metrics_server  answers GET /metrics on an address of the process's own
attributes      every name in a trace
spans           the spans of a turn
span_encoding   writes them in the collector's wire format
span_export     sends them to a collector, beside the process's work
trace_ids       the ids of a turn's trace, the same in every process
turn_record     what the turn on this thread has done so far
"""
