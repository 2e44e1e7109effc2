# The unit tests of ngx_module/jwt/, relative to this folder.
set(JWT_TESTS
  base64url_test.cpp)
