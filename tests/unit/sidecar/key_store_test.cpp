// Key sets by their sources: what changes, what stays through an outage, what is remembered and
// what is forgotten.
#include "sidecar/key_store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "run_until.hpp"
#include "sidecar/files.hpp"
#include "sidecar/log.hpp"
#include "sidecar/loop.hpp"
#include "temporary_directory.hpp"
#include "tls_server.hpp"

namespace herald::sidecar {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::string kOne = R"({"keys":[{"kid":"one","kty":"RSA"}]})";
const std::string kTwo = R"({"keys":[{"kid":"two","kty":"RSA"}]})";

class KeyStoreTest : public testing::Test {
  protected:
    KeyStoreTest() {
        setenv("no_proxy", "*", 1);
        options_.directory = directory_ / "state/jwks";
        options_.fetch.ca_file = directory_ / "ca.pem";
        options_.fetch_times = {
            .refresh_ms = 20, .refetch_ms = 0, .first_retry_ms = 10, .longest_retry_ms = 10};
        options_.watch_times = {10, 3600'000};
        log::start();
        open();
    }
    ~KeyStoreTest() override { store_.reset(); }

    void open() {
        store_.reset();
        store_ = std::make_unique<KeyStore>(loop_.get(), options_,
                                            [this](const std::string&) { ++changes_; });
    }
    void wait_for(const std::string& source, const std::string& keys) {
        run_until(loop_.get(), [&] {
            const std::string* have = store_->keys_of(source);
            return have != nullptr && *have == keys;
        });
    }
    void wait_for_hits(int count) {
        const int until = server_.hits() + count;
        run_until(loop_.get(), [&] { return server_.hits() >= until; });
    }
    std::string keys_of(const std::string& source) const {
        const std::string* keys = store_->keys_of(source);
        return keys == nullptr ? "none" : *keys;
    }
    std::string url(const std::string& path = "/") const { return "url:" + server_.url(path); }
    std::string saved() const {
        std::string content;
        if (std::filesystem::exists(options_.directory)) {
            for (const auto& file : std::filesystem::directory_iterator(options_.directory)) {
                if (file.path().extension() == ".json")
                    content += read_file(file.path());
            }
        }
        return content;
    }

    TemporaryDirectory directory_{};
    TlsServer server_{directory_ / "ca.pem"};
    Loop loop_{};
    KeyStoreOptions options_{};
    int changes_ = 0;
    std::unique_ptr<KeyStore> store_{};
};

TEST_F(KeyStoreTest, HasWhatAUrlSays) {
    server_.answer_json("/", kOne);
    EXPECT_TRUE(store_->watch(url()));
    wait_for(url(), kOne);
    wait_for_hits(3);
    EXPECT_EQ(changes_, 1) << "the same set is no change";
    server_.answer_json("/", kTwo);
    wait_for(url(), kTwo);
    EXPECT_EQ(changes_, 2);
}

TEST_F(KeyStoreTest, HasWhatAFileSays) {
    const std::string source = "file:" + (directory_ / "jwks.json");
    std::ofstream(directory_ / "jwks.json") << kOne;
    EXPECT_TRUE(store_->watch(source));
    wait_for(source, kOne);
    std::ofstream(directory_ / "jwks.json") << kTwo;
    wait_for(source, kTwo);
    std::filesystem::remove(directory_ / "jwks.json");
    std::ofstream(directory_ / "jwks.json") << kOne;
    wait_for(source, kOne);
}

TEST_F(KeyStoreTest, KeepsTheLastGoodSetThroughAnOutage) {
    server_.answer_json("/", kOne);
    store_->watch(url());
    wait_for(url(), kOne);
    for (const std::string& bad :
         {std::string("<html>Down for maintenance</html>"), std::string(), kOne.substr(0, 20),
          std::string(100'000, 'x'), std::string(R"({"error":"no"})")}) {
        server_.answer_json("/", bad);
        wait_for_hits(2);
        EXPECT_EQ(keys_of(url()), kOne) << bad.substr(0, 50);
    }
    server_.answer("/", "HTTP/1.1 500 Oops\r\nConnection: close\r\n\r\n");
    wait_for_hits(2);
    server_.stop();
    EXPECT_EQ(keys_of(url()), kOne);
    server_.answer_json("/", kTwo);
    server_.listen();
    wait_for(url(), kTwo);
}

TEST_F(KeyStoreTest, HasTheKeysOfAnEarlierRunWhileTheEndpointIsAway) {
    server_.answer_json("/", kOne);
    store_->watch(url());
    wait_for(url(), kOne);
    run_until(loop_.get(), [&] { return saved() == kOne; });
    server_.stop();
    open();
    EXPECT_EQ(keys_of(url()), "none");
    store_->watch(url());
    wait_for(url(), kOne);
    server_.answer_json("/", kTwo);
    server_.listen();
    wait_for(url(), kTwo);
    run_until(loop_.get(), [&] { return saved() == kTwo; });
}

TEST_F(KeyStoreTest, PassesOverASavedSetThatIsNone) {
    server_.answer_json("/", kOne);
    store_->watch(url());
    run_until(loop_.get(), [&] { return saved() == kOne; });
    for (const auto& file : std::filesystem::directory_iterator(options_.directory))
        std::ofstream(file.path()) << "{\"keys\":";
    open();
    store_->watch(url());
    wait_for(url(), kOne);
}

TEST_F(KeyStoreTest, ForwardsNothingSecret) {
    testing::internal::CaptureStdout();
    log::start();
    server_.answer_json(
        "/", R"({"keys":[{"kty":"oct","k":"hush"},{"kty":"RSA","d":"hush"},{"kty":"EC"}]})");
    store_->watch(url());
    wait_for(url(), R"({"keys":[{"kty":"EC"}]})");
    run_until(loop_.get(), [&] { return !saved().empty(); });
    EXPECT_THAT(saved(), Not(HasSubstr("hush")));
    log::flush();
    const std::string said = testing::internal::GetCapturedStdout();
    EXPECT_THAT(said, HasSubstr("private or symmetric keys"));
    EXPECT_THAT(said, HasSubstr("count=2"));
    EXPECT_THAT(said, Not(HasSubstr("hush")));
}

TEST_F(KeyStoreTest, FetchesNothingButHttps) {
    testing::internal::CaptureStdout();
    log::start();
    const std::string source = "url:http://u:hush@127.0.0.1:" + std::to_string(server_.port());
    EXPECT_TRUE(store_->watch(source));
    uv_run(loop_.get(), UV_RUN_NOWAIT);
    EXPECT_EQ(keys_of(source), "none");
    store_->refetch(source);
    log::flush();
    const std::string said = testing::internal::GetCapturedStdout();
    EXPECT_THAT(said, HasSubstr("only https"));
    EXPECT_THAT(said, Not(HasSubstr("hush")));
}

TEST_F(KeyStoreTest, TellsEachFailureOnceAndNoSecret) {
    testing::internal::CaptureStdout();
    log::start();
    const std::string source = url("/?token=hush");
    server_.answer_json("/?token=hush", "<html>");
    store_->watch(source);
    wait_for_hits(4);
    server_.answer_json("/?token=hush", kOne);
    wait_for(source, kOne);
    store_.reset();
    log::flush();
    const std::string said = testing::internal::GetCapturedStdout();
    const size_t first = said.find("is HTML or XML");
    EXPECT_NE(first, said.npos);
    EXPECT_EQ(said.find("is HTML or XML", first + 1), said.npos) << said;
    EXPECT_THAT(said, HasSubstr("keys=1 kids=one"));
    EXPECT_THAT(said, Not(HasSubstr("hush")));
}

TEST_F(KeyStoreTest, ForgetsASourceSomeTimeAfterTheLastWatcherHasLeft) {
    options_.forget_ms = 1;
    open();
    server_.answer_json("/", kOne);
    store_->watch(url());
    store_->watch(url());
    wait_for(url(), kOne);
    store_->unwatch(url());
    wait_for_hits(2);
    EXPECT_EQ(store_->source_count(), 1u) << "one still watches";
    store_->unwatch(url());
    run_until(loop_.get(), [&] { return store_->source_count() == 0; });
}

TEST_F(KeyStoreTest, RemembersASourceThatIsWatchedAgain) {
    server_.answer_json("/", kOne);
    store_->watch(url());
    wait_for(url(), kOne);
    store_->unwatch(url());
    EXPECT_EQ(keys_of(url()), kOne);
    store_->watch(url());
    EXPECT_EQ(keys_of(url()), kOne);
}

TEST_F(KeyStoreTest, IsBounded) {
    options_.max_sources = 2;
    open();
    EXPECT_TRUE(store_->watch("file:/nowhere/1"));
    EXPECT_TRUE(store_->watch("file:/nowhere/2"));
    EXPECT_FALSE(store_->watch("file:/nowhere/3"));
    store_->unwatch("file:/nowhere/1");
    EXPECT_TRUE(store_->watch("file:/nowhere/3")) << "in the place of one that nobody watches";
    EXPECT_EQ(store_->source_count(), 2u);
}

TEST_F(KeyStoreTest, LooksAgainWhereAKeyIsMissed) {
    options_.fetch_times.refresh_ms = 3600'000;
    open();
    server_.answer_json("/", kOne);
    store_->watch(url());
    wait_for(url(), kOne);
    server_.answer_json("/", kTwo);
    store_->refetch(url());
    wait_for(url(), kTwo);
    store_->refetch("url:https://nobody/");
}

}  // namespace
}  // namespace herald::sidecar
