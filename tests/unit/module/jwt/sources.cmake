# The unit tests of ngx_module/jwt/, relative to this folder.
set(JWT_TESTS
  bad_tokens_test.cpp
  base64url_test.cpp
  keys_test.cpp
  plain_json_test.cpp
  rfc_test.cpp
  verify_test.cpp)
