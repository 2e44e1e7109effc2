# The sidecar's unit tests, relative to this folder. They link herald_sidecar_parts.
set(SIDECAR_TESTS
  backoff_test.cpp
  config_test.cpp
  control_server_test.cpp
  event_test.cpp
  feed_test.cpp
  json_scan_test.cpp
  log_test.cpp
  publisher_test.cpp
  redis_session_test.cpp
  redis_source_test.cpp
  redis_url_test.cpp
  rejects_test.cpp
  state_directory_test.cpp)
