// What a server that is well tells Prometheus, for the tests.
export const WELL = `hailwhale_engine_up 1
hailwhale_lag_seconds 2
hailwhale_backlog_events 30
hailwhale_backlog_ratio 0.01
hailwhale_dead_events 0
hailwhale_engine_memory_bytes 2097152
hailwhale_engine_memory_limit_bytes 1073741824
hailwhale_engine_keys 1234
hailwhale_names 40
hailwhale_names_fullest_shard 3
hailwhale_names_limit 100
hailwhale_requests_total{path="/totals",status="200"} 100
hailwhale_requests_total{path="/totals",status="404"} 3
hailwhale_requests_total{path="/count",status="503"} 1
hailwhale_request_seconds_bucket{path="/totals",le="0.1"} 90
hailwhale_request_seconds_bucket{path="/totals",le="2.5"} 100
hailwhale_request_seconds_bucket{path="/totals",le="+Inf"} 100
hailwhale_streams 2
hailwhale_events_total{way="get"} 1000
hailwhale_refused_events_total{reason="invalid_path"} 2
hailwhale_drained_events_total 970
hailwhale_drained_events_per_second 12.5
`;
