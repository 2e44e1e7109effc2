// Where tokens stand in a request's text, and what masking leaves of it.
#include "token_scan.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace herald {
namespace {

constexpr std::string_view kNames[] = {"token", "access_token"};
constexpr std::string_view kHeaders[] = {"authorization", "cookie", "x-api-key"};

// What was found, or which kind of nothing.
template <class Look>
std::string found(Look look) {
    std::string_view value;
    switch (look(value)) {
        case Scan::None:
            return "none";
        case Scan::Several:
            return "several";
        case Scan::Malformed:
            return "malformed";
        case Scan::One:
            break;
    }
    return "one " + std::string(value);
}

// -- Authorization

std::string bearer(std::string_view header) {
    return found([&](std::string_view& token) { return scan_bearer(header, token); });
}

TEST(Bearer, IsWhatFollowsTheScheme) {
    EXPECT_EQ(bearer("Bearer mF_9.B5f-4.1JqM"), "one mF_9.B5f-4.1JqM");  // RFC 6750, section 2.1
}

TEST(Bearer, HasASchemeInAnyCase) {
    for (const char* header : {"bearer t", "BEARER t", "bEaReR t"})
        EXPECT_EQ(bearer(header), "one t") << header;
}

TEST(Bearer, MayHaveBlanksAround) {
    for (const char* header : {"Bearer  t", "Bearer \tt", " Bearer t "})
        EXPECT_EQ(bearer(header), "one t") << header;
}

TEST(Bearer, IsNoOtherScheme) {
    for (const char* header :
         {"", "Basic dXNlcg==", "Bearert", "Bear", "Digest a", "Bearer,t", "bearer=t", "t"})
        EXPECT_EQ(bearer(header), "none") << header;
}

TEST(Bearer, NeedsOneTokenOfVisibleAscii) {
    for (std::string_view header :
         {"Bearer", "Bearer ", "Bearer a b", "Bearer a, Bearer b", "Bearer a\tb", "Bearer a\x7f",
          "Bearer \xc3\xa9", "Bearer a\x01"}) {
        EXPECT_EQ(bearer(header), "malformed") << header;
    }
    EXPECT_EQ(bearer(std::string_view("Bearer a\0b", 10)), "malformed");
}

TEST(Bearer, NeedsThatAtEveryPlaceOfALongToken) {
    for (size_t place = 0; place < 19; ++place) {
        for (unsigned c = 0; c < 256; ++c) {
            std::string token(20, 'x');
            token[place] = static_cast<char>(c);
            const bool blank_in_front = place == 0 && (c == ' ' || c == '\t');
            const bool fine = (c > 0x20 && c < 0x7f) || blank_in_front;
            EXPECT_EQ(bearer("Bearer " + token).starts_with("one "), fine)
                << place << ", byte " << c;
        }
    }
}

TEST(Bearer, TakesWhateverOpaqueTokensAreMadeOf) {
    EXPECT_EQ(bearer("Bearer a+/=:!\"~"), "one a+/=:!\"~");
}

// -- cookies

std::string cookie(std::string_view header, std::string_view name = "sid") {
    return found([&](std::string_view& value) { return scan_cookie(header, name, value); });
}

TEST(Cookie, IsFoundAmongOthers) {
    for (const char* header : {"sid=v", "a=1; sid=v", "sid=v; b=2", "a=1;sid=v;b=2", "a; sid=v",
                               "; ;sid=v;", "\tsid=v ; b=2"})
        EXPECT_EQ(cookie(header), "one v") << header;
}

TEST(Cookie, HasItsExactName) {
    for (const char* header :
         {"", "SID=v", "xsid=v", "sidx=v", "sid", "a=sid=v", "si=v", "=v", "a=\"; sid2=v"})
        EXPECT_EQ(cookie(header), "none") << header;
}

TEST(Cookie, MayStandInQuotes) {
    EXPECT_EQ(cookie("sid=\"v\""), "one v");
    EXPECT_EQ(cookie("sid=\"\""), "none");
    EXPECT_EQ(cookie("sid=\"v"), "malformed");
    EXPECT_EQ(cookie("sid=\""), "malformed");
}

TEST(Cookie, IsNotThereWhenItIsEmpty) {
    EXPECT_EQ(cookie("sid="), "none");
    EXPECT_EQ(cookie("sid=; sid=v"), "one v");
}

TEST(Cookie, IsAmbiguousWithTwoValues) {
    EXPECT_EQ(cookie("sid=v; sid=w"), "several");
    EXPECT_EQ(cookie("sid=v; a=1; sid=v"), "one v");
    EXPECT_EQ(cookie("sid=v; sid=\"v\""), "one v");
}

TEST(Cookie, GoesOnFromAnEarlierHeader) {
    std::string_view value = "v";
    EXPECT_EQ(scan_cookie("a=1", "sid", value), Scan::One);
    EXPECT_EQ(value, "v");
    EXPECT_EQ(scan_cookie("sid=v", "sid", value), Scan::One);
    EXPECT_EQ(scan_cookie("sid=w", "sid", value), Scan::Several);
}

TEST(Cookie, HoldsOnlyWhatCookiesMayHold) {
    for (const char* header :
         {"sid=a b", "sid=a,b", "sid=a\\b", "sid=a\"b", "sid=\xc3\xa9", "sid=\x01"})
        EXPECT_EQ(cookie(header), "malformed") << header;
    EXPECT_EQ(cookie("sid=a=b=="), "one a=b==");
    EXPECT_EQ(cookie("other=a,b; sid=v"), "one v");
}

// -- the query

std::string query(std::string_view text) {
    return found([&](std::string_view& value) { return scan_query(text, kNames, value); });
}

TEST(Query, HoldsTheTokenAmongOtherArguments) {
    for (const char* text :
         {"token=v", "a=1&token=v", "token=v&b=2", "a&token=v&&", "&token=v", "access_token=v"})
        EXPECT_EQ(query(text), "one v") << text;
}

TEST(Query, TakesTheNameInAnyCaseAndEncoding) {
    for (const char* text : {"Token=v", "TOKEN=v", "%74oken=v", "%54%4F%4b%65%6e=v", "toke%6E=v"})
        EXPECT_EQ(query(text), "one v") << text;
}

TEST(Query, HasNoTokenUnderOtherNames) {
    for (const char* text : {"", "token", "tokens=v", "xtoken=v", "a=token=v", "a;token=v",
                             "%2574oken=v", "%7token=v", "token%3dv", "a?token=v", "to+ken=v"})
        EXPECT_EQ(query(text), "none") << text;
}

TEST(Query, CountsAnEmptyTokenAsNone) {
    EXPECT_EQ(query("token="), "none");
    EXPECT_EQ(query("token=&token=v"), "one v");
}

TEST(Query, IsAmbiguousWithTwoTokens) {
    for (const char* text :
         {"token=v&token=w", "token=v&token=v", "token=v&%74oken=w", "token=v&a=1&access_token=w"})
        EXPECT_EQ(query(text), "several") << text;
}

TEST(Query, GivesTheRawValue) {
    EXPECT_EQ(query("token=a%20b=c;d#e&x"), "one a%20b=c;d#e");
}

std::string decoded(std::string_view raw) {
    std::string out(raw.size(), '\0');
    const auto length = decode_query_token(raw, out.data());
    return length ? out.substr(0, *length) : "malformed";
}

TEST(QueryToken, IsPercentDecodedOnce) {
    EXPECT_EQ(decoded("a%2Eb%3d%3D"), "a.b==");
    EXPECT_EQ(decoded("%2541"), "%41");
    EXPECT_EQ(decoded(""), "");
}

TEST(QueryToken, KeepsAPlus) {
    EXPECT_EQ(decoded("a+b"), "a+b");
}

TEST(QueryToken, IsMalformedWithBrokenEscapesAndInvisibleBytes) {
    for (const char* raw :
         {"%", "%4", "a%4", "%4g", "%g4", "%00", "a%20b", "%0a", "%c3%a9", "a b", "\xff"})
        EXPECT_EQ(decoded(raw), "malformed") << raw;
}

// -- subprotocols

std::string offer(std::string_view header) {
    return found([&](std::string_view& encoded) { return scan_subprotocols(header, encoded); });
}

TEST(Subprotocol, IsOfferedAmongOthers) {
    for (const char* header :
         {"bearer.YWJj", "herald.raw, bearer.YWJj", "bearer.YWJj,herald.v1", " ,\tbearer.YWJj\t,"})
        EXPECT_EQ(offer(header), "one YWJj") << header;
}

TEST(Subprotocol, HasItsExactName) {
    for (const char* header : {"", "herald.v1", "Bearer.YWJj", "bearerYWJj", "xbearer.YWJj",
                               "bearer", "herald.v1 bearer.YWJj"})
        EXPECT_EQ(offer(header), "none") << header;
}

TEST(Subprotocol, IsAmbiguousTwice) {
    EXPECT_EQ(offer("bearer.YWJj, bearer.YWJj"), "several");
    EXPECT_EQ(offer("bearer., bearer."), "several");
}

std::string offered(std::string_view encoded) {
    std::string out(encoded.size(), '\0');
    const auto length = decode_subprotocol_token(encoded, out.data());
    return length ? out.substr(0, *length) : "malformed";
}

TEST(SubprotocolToken, IsBase64Url) {
    EXPECT_EQ(offered("Zg"), "f");  // RFC 4648, section 10, without the padding
    EXPECT_EQ(offered("Zm8"), "fo");
    EXPECT_EQ(offered("Zm9v"), "foo");
    EXPECT_EQ(offered("Zm9vYg"), "foob");
    EXPECT_EQ(offered("Zm9vYmE"), "fooba");
    EXPECT_EQ(offered("Zm9vYmFy"), "foobar");
    EXPECT_EQ(offered("Pz8_fn5-"), "???~~~");
}

TEST(SubprotocolToken, IsRefusedInAnyOtherSpelling) {
    for (const char* encoded :
         {"", "Z", "Zg==", "Zm9vY", "Zh", "Zm9", "Pz8/fn5+", "Zm 9v", "Zm9v=", "Zm9v\n", "Zm.9"})
        EXPECT_EQ(offered(encoded), "malformed") << encoded;
}

TEST(SubprotocolToken, HoldsVisibleAsciiAlone) {
    for (const char* encoded : {"AA", "YSBi", "w6k", "Cg", "_w"})
        EXPECT_EQ(offered(encoded), "malformed") << encoded;
}

// -- masking

template <class Mask>
std::string masked(std::string text, Mask mask) {
    const std::string before = text;
    mask(std::span<char>(text));
    EXPECT_EQ(text.size(), before.size());
    return text;
}
std::string masked_query(std::string text) {
    return masked(std::move(text), [](std::span<char> t) { mask_query(t, kNames); });
}
std::string masked_uri(std::string text) {
    return masked(std::move(text), [](std::span<char> t) { mask_uri(t, kNames); });
}
std::string masked_line(std::string text) {
    return masked(std::move(text), [](std::span<char> t) { mask_request_line(t, kNames); });
}
std::string masked_log(std::string text) {
    return masked(std::move(text), [](std::span<char> t) { mask_log_line(t, kNames, kHeaders); });
}

TEST(Masking, OverwritesValuesOfAnArgument) {
    EXPECT_EQ(masked_query("a=1&token=abc&b=2"), "a=1&token=***&b=2");
    EXPECT_EQ(masked_query("token=abc"), "token=***");
    EXPECT_EQ(masked_query("token=ab&x&token=cd"), "token=**&x&token=**");
    EXPECT_EQ(masked_query("%74oKen=abc"), "%74oKen=***");
    EXPECT_EQ(masked_query("access_token=a%20b"), "access_token=*****");
}

TEST(Masking, LeavesOtherArgumentsAlone) {
    for (const char* text :
         {"", "a=1", "tokens=1", "token", "token=", "mytoken=1", "a=token", "&&"})
        EXPECT_EQ(masked_query(text), text);
}

TEST(Masking, TakesMoreForASeparatorThanReadingDoes) {
    EXPECT_EQ(masked_query("a;token=abc"), "a;token=***");
    EXPECT_EQ(masked_query("a?token=abc"), "a?token=***");
    EXPECT_EQ(masked_query("token=a;b=c#d"), "token=*******");
}

TEST(Masking, BeginsBehindThePathOfAUri) {
    EXPECT_EQ(masked_uri("/token=abc/x?token=abc"), "/token=abc/x?token=***");
    EXPECT_EQ(masked_uri("https://h/x?a=1&token=abc#frag"), "https://h/x?a=1&token=********");
    EXPECT_EQ(masked_uri("https://h/cb#access_token=abc&x=1"), "https://h/cb#access_token=***&x=1");
    EXPECT_EQ(masked_uri("/token=abc"), "/token=abc");
}

TEST(Masking, KeepsTheEndOfARequestLine) {
    EXPECT_EQ(masked_line("GET /x?token=abc HTTP/1.1"), "GET /x?token=*** HTTP/1.1");
    EXPECT_EQ(masked_line("GET http://h/x?token=abc HTTP/1.1"),
              "GET http://h/x?token=*** HTTP/1.1");
    EXPECT_EQ(masked_line("GET http://h?token=abc HTTP/1.0"), "GET http://h?token=*** HTTP/1.0");
    EXPECT_EQ(masked_line("GET /x?token=abc"), "GET /x?token=***");
}

TEST(Masking, TakesARequestLineThatIsWrongOrCut) {
    EXPECT_EQ(masked_line("GET /x?token=abc def HTTP/1.1"), "GET /x?token=******* HTTP/1.1");
    EXPECT_EQ(masked_line("GET /x?a=b token=abc HTTP/1.1"), "GET /x?a=b token=*** HTTP/1.1");
    EXPECT_EQ(masked_line("GET /x?token=abc HTT"), "GET /x?token=*******");
    EXPECT_EQ(masked_line("/x?token=a\"b\x01"), "/x?token=****");
    EXPECT_EQ(masked_line("GET /x?toke"), "GET /x?toke");
    EXPECT_EQ(masked_line("\x16\x03\x01"), "\x16\x03\x01");
}

TEST(Masking, OverwritesOffersOfATokenAlone) {
    const auto mask = [](std::span<char> t) { mask_subprotocols(t); };
    EXPECT_EQ(masked("herald.raw, bearer.YWJj", mask), "herald.raw, bearer.****");
    EXPECT_EQ(masked("bearer.YWJj,herald.v1", mask), "bearer.****,herald.v1");
    EXPECT_EQ(masked("bearer.YW, bearer.Jj ,x", mask), "bearer.**, bearer.***,x");
    EXPECT_EQ(masked("Bearer.YWJj, BEARER.YWJj", mask), "Bearer.****, BEARER.****");
    EXPECT_EQ(masked("herald.v1", mask), "herald.v1");
    EXPECT_EQ(masked("bear", mask), "bear");
    EXPECT_EQ(masked("bearer.", mask), "bearer.");
}

constexpr char kStart[] = "2026/11/21 10:00:00 [info] 1#1: *3 ";

TEST(LogMasking, FindsArgumentsWhereverNginxPutsThem) {
    const std::string start = kStart;
    EXPECT_EQ(masked_log(start + "client sent invalid request while reading client request line, "
                                 "client: 127.0.0.1, server: , request: \"GET /x?token=abc\"\n"),
              start +
                  "client sent invalid request while reading client request line, "
                  "client: 127.0.0.1, server: , request: \"GET /x?token=***\"\n");
    EXPECT_EQ(
        masked_log(start + "open() \"/a\" failed, request: \"GET /x?a=1&Token=abc HTTP/1.1\", "
                           "host: \"h\", referrer: \"http://h/?%74oken=abc&b=2\"\n"),
        start +
            "open() \"/a\" failed, request: \"GET /x?a=1&Token=*** HTTP/1.1\", "
            "host: \"h\", referrer: \"http://h/?%74oken=***&b=2\"\n");
    EXPECT_EQ(masked_log("http args: \"token=abc\"\n"), "http args: \"token=***\"\n");
    EXPECT_EQ(masked_log("upstream: \"http://127.0.0.1:1/?token=abc\", host: \"h\"\n"),
              "upstream: \"http://127.0.0.1:1/?token=***\", host: \"h\"\n");
}

TEST(LogMasking, DoesNotEndAtWhatClientsWrite) {
    EXPECT_EQ(masked_log("request: \"GET /?token=a\"b c HTTP/1.1\", host: \"h\"\n"),
              "request: \"GET /?token=***** HTTP/1.1\", host: \"h\"\n");
    EXPECT_EQ(masked_log("request: \"GET /?token=abc def\", host: \"h\"\n"),
              "request: \"GET /?token=*******\", host: \"h\"\n");
    EXPECT_EQ(masked_log("request: \"GET /?token=abc"), "request: \"GET /?token=***");
}

TEST(LogMasking, LeavesOtherLinesAlone) {
    for (const char* text :
         {"", "\n", "\"", "client timed out (110: Connection timed out), client: 127.0.0.1\n",
          "token=\n", "the token is bad\n", "request: \"GET /token HTTP/1.1\"\n"})
        EXPECT_EQ(masked_log(text), text);
}

TEST(LogMasking, HidesTheValuesOfSecretHeaders) {
    EXPECT_EQ(masked_log("http header: \"Authorization: Bearer abc\"\n"),
              "http header: \"Authorization: **********\"\n");
    EXPECT_EQ(masked_log("http proxy header:\n\"GET / HTTP/1.0\r\nX-API-Key: abc\r\nA: b\r\n\"\n"),
              "http proxy header:\n\"GET / HTTP/1.0\r\nX-API-Key: ***\r\nA: b\r\n\"\n");
    EXPECT_EQ(masked_log("http header: \"Accept: */*\"\n"), "http header: \"Accept: */*\"\n");
}

TEST(LogMasking, HidesHeaderLinesWithoutAName) {
    EXPECT_EQ(masked_log("client sent invalid header line: \"X-API-Key=abc\" while reading client "
                         "request headers, client: 127.0.0.1, request: \"GET / HTTP/1.1\"\n"),
              "client sent invalid header line: \"*************\" while reading client "
              "request headers, client: 127.0.0.1, request: \"GET / HTTP/1.1\"\n");
    EXPECT_EQ(
        masked_log("client sent invalid header line: \"eyJh.eyJz.c2ln\\x0d...\", client: c\n"),
        "client sent invalid header line: \"*********************\", client: c\n");
    EXPECT_EQ(masked_log("client sent too long header line: \"abc...\", client: c\n"),
              "client sent too long header line: \"******\", client: c\n");
    EXPECT_EQ(masked_log("client sent invalid header line: \"\", client: c\n"),
              "client sent invalid header line: \"\", client: c\n");
}

TEST(LogMasking, HidesTheValuesOfHeaderLinesThatAreWrong) {
    EXPECT_EQ(masked_log("client sent invalid header line: \"X_API_KEY: abc\" while reading client "
                         "request headers, client: 127.0.0.1, server: s\n"),
              "client sent invalid header line: \"X_API_KEY: "
              "***\" while reading client request headers, client: 127.0.0.1, server: s\n");
    EXPECT_EQ(
        masked_log(
            "client sent invalid header line: \"Author ization: Bearer a\\x00...\", client: c\n"),
        "client sent invalid header line: \"Author ization: ***************\", client: c\n");
    EXPECT_EQ(masked_log("client sent duplicate header line: \"Authorization: Bearer a\", previous "
                         "value: \"Authorization: Bearer b\", client: c\n"),
              "client sent duplicate header line: \"Authorization: ********\", previous "
              "value: \"Authorization: ********\", client: c\n");
    EXPECT_EQ(
        masked_log(
            "client sent header \"authorization\" with invalid value: \"Bearer a\", client: c\n"),
        "client sent header \"authorization\" with invalid value: \"********\", client: c\n");
    EXPECT_EQ(masked_log("client sent invalid header: \"a_b\", client: 127.0.0.1\n"),
              "client sent invalid header: \"a_b\", client: 127.0.0.1\n");
    EXPECT_EQ(masked_log("client sent invalid header: \"a: b\", client: 127.0.0.1\n"),
              "client sent invalid header: \"a: *\", client: 127.0.0.1\n");
}

}  // namespace
}  // namespace herald
