set(WS_TESTS ws_frame_test.cpp ws_control_test.cpp ws_server_test.cpp utf8_test.cpp)
