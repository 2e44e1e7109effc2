// Keys and revocations on their way to workers, over the control socket.
#include "sidecar/trust_desk.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <memory>

#include "control_worker.hpp"
#include "ring/writer.hpp"
#include "sidecar/files.hpp"
#include "sidecar/loop.hpp"
#include "temporary_directory.hpp"

namespace herald::sidecar {
namespace {

namespace control = ring::control;
namespace trust = ring::trust;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const std::string kOne = R"({"keys":[{"kid":"one","kty":"RSA"}]})";
const std::string kTwo = R"({"keys":[{"kid":"two","kty":"RSA"}]})";

// A piece of news, for people.
std::string describe(std::string_view bytes) {
    trust::Kind kind{};
    std::string_view source, json;
    trust::RevocationsHead head;
    std::vector<Revocation> revocations;
    if (!trust::take_kind(bytes, kind))
        return "nonsense";
    if (kind == trust::Kind::Keys && trust::decode_keys(bytes, source, json))
        return std::string(source.substr(source.rfind('/') + 1)) + "=" + std::string(json);
    if (!trust::decode_revocations(bytes, head, revocations))
        return "nonsense";
    std::string text = head.first != 0 ? "set" : "more";
    for (const Revocation& revocation : revocations)
        text += " " + revocation.value + "@" + std::to_string(revocation.before);
    return text + (head.whole != 0 ? "." : "");
}

class TrustDeskTest : public testing::Test {
  protected:
    TrustDeskTest() { start(); }
    ~TrustDeskTest() override { stop(); }

    void start() {
        server_ =
            std::make_unique<ControlServer>(loop_.get(), path_, std::vector<uid_t>{},
                                            RingHandle{ring_.fd(), ring_.map_size()}, doorbells_);
        KeyStoreOptions options;
        options.directory = directory_ / "jwks";
        options.watch_times = {10, 3600'000};
        desk_ = std::make_unique<TrustDesk>(loop_.get(), *server_, directory_ / ".", options);
        server_->serve(*desk_);
    }
    void stop() {
        desk_.reset();
        server_.reset();
        uv_run(loop_.get(), UV_RUN_NOWAIT);
    }

    std::string file(const std::string& name, const std::string& content) {
        std::ofstream(directory_ / name, std::ios::binary) << content;
        return "file:" + (directory_ / name);
    }
    static void watch(ControlWorker& worker, const std::vector<std::string>& sources) {
        worker.send(control::frame_of_bytes(control::Type::Watch, trust::encode_watch(sources)));
    }
    static std::vector<std::string> told(const ControlWorker& worker) {
        std::vector<std::string> all;
        for (const std::string& news : worker.news())
            all.push_back(describe(news));
        return all;
    }
    void wait_for(ControlWorker& worker, const std::string& news) {
        while (!testing::Matches(Contains(news))(told(worker))) {
            uv_run(loop_.get(), UV_RUN_NOWAIT);
            worker.receive();
            ASSERT_EQ(worker.fault(), "");
            ASSERT_FALSE(worker.is_closed()) << worker.refusal();
        }
    }
    std::string refusal_of(const std::string& frame) {
        ControlWorker worker(path_);
        worker.send(frame);
        while (!worker.is_closed()) {
            uv_run(loop_.get(), UV_RUN_NOWAIT);
            worker.receive();
        }
        return worker.refusal();
    }

    TemporaryDirectory directory_{};
    std::string path_ = directory_ / "herald.sock";
    ring::Writer ring_{ring::WriterOptions{.capacity = 65536}};
    Loop loop_{};
    Doorbells doorbells_{};
    std::unique_ptr<ControlServer> server_{};
    std::unique_ptr<TrustDesk> desk_{};
};

TEST_F(TrustDeskTest, TellsAWorkerAllRevocationsWhenItAttaches) {
    ControlWorker first(path_);
    wait_for(first, "set.");
    EXPECT_TRUE(desk_->revoke(R"({"sub":"a","before":10})"));
    EXPECT_TRUE(desk_->revoke(R"({"jti":"b","before":20})"));
    ControlWorker second(path_);
    while (!testing::Matches(Contains(HasSubstr("b@20")))(told(second))) {
        uv_run(loop_.get(), UV_RUN_NOWAIT);
        second.receive();
    }
}

TEST_F(TrustDeskTest, TellsEveryWorkerOfARevocation) {
    ControlWorker first(path_), second(path_);
    wait_for(first, "set.");
    wait_for(second, "set.");
    EXPECT_TRUE(desk_->revoke(R"({"sub":"a","before":10})"));
    wait_for(first, "more a@10");
    wait_for(second, "more a@10");
    EXPECT_THAT(read_file(directory_ / "revocations"), HasSubstr("\"a\""));
}

TEST_F(TrustDeskTest, KnowsTheRevocationsOfAnEarlierRun) {
    EXPECT_TRUE(desk_->revoke(R"({"sub":"a","before":10})"));
    stop();
    start();
    ControlWorker worker(path_);
    wait_for(worker, "set a@10.");
}

TEST_F(TrustDeskTest, RefusesWhatIsNoRevocation) {
    EXPECT_FALSE(desk_->revoke("nonsense"));
    EXPECT_FALSE(desk_->revoke("{}"));
    ControlWorker worker(path_);
    wait_for(worker, "set.");
    EXPECT_THAT(told(worker), ElementsAre("set."));
}

TEST_F(TrustDeskTest, TellsAWorkerTheKeysThatItWatches) {
    const std::string one = file("one", kOne), two = file("two", kTwo);
    ControlWorker worker(path_);
    watch(worker, {one, two});
    wait_for(worker, "one=" + kOne);
    wait_for(worker, "two=" + kTwo);
    file("one", kTwo);
    wait_for(worker, "one=" + kTwo);
}

TEST_F(TrustDeskTest, TellsALaterWorkerWhatIsKnown) {
    const std::string one = file("one", kOne);
    ControlWorker first(path_);
    watch(first, {one});
    wait_for(first, "one=" + kOne);
    ControlWorker second(path_), third(path_);
    watch(second, {one});
    wait_for(second, "one=" + kOne);
    wait_for(third, "set.");
    EXPECT_THAT(told(third), ElementsAre("set.")) << "it watches nothing";
}

TEST_F(TrustDeskTest, TellsTheLargestKeySetWhole) {
    std::string json = R"({"keys":[{"kty":"RSA","n":")";
    json += std::string(trust::kMaxKeySet - json.size() - 4, 'n') + "\"}]}";
    ASSERT_EQ(json.size(), trust::kMaxKeySet);
    const std::string big = file("big", json);
    ControlWorker worker(path_);
    watch(worker, {big});
    while (worker.news().size() < 2) {
        uv_run(loop_.get(), UV_RUN_NOWAIT);
        worker.receive();
    }
    std::string_view bytes = worker.news()[1], source, keys;
    trust::Kind kind{};
    ASSERT_TRUE(trust::take_kind(bytes, kind));
    ASSERT_TRUE(trust::decode_keys(bytes, source, keys));
    EXPECT_EQ(keys.size(), json.size());
}

TEST_F(TrustDeskTest, TellsWhatIsWatchedLast) {
    const std::string one = file("one", kOne), two = file("two", kTwo);
    ControlWorker worker(path_);
    watch(worker, {one});
    wait_for(worker, "one=" + kOne);
    watch(worker, {two});
    wait_for(worker, "two=" + kTwo);
    file("one", kTwo);
    file("two", kOne);
    wait_for(worker, "two=" + kOne);
    EXPECT_THAT(told(worker), Not(Contains("one=" + kTwo)));
}

TEST_F(TrustDeskTest, TellsASlowWorkerEverythingInTheEnd) {
    constexpr int kCount = 20'000;
    for (int i = 0; i < kCount; ++i)
        desk_->revoke(R"({"sub":"subject-)" + std::to_string(i) + R"(","before":1})");
    ControlWorker worker(path_);
    size_t known = 0, seen = 0;
    while (known < kCount) {
        uv_run(loop_.get(), UV_RUN_NOWAIT);
        worker.receive(1000);
        for (; seen < worker.news().size(); ++seen) {
            const std::string text = describe(worker.news()[seen]);
            known += static_cast<size_t>(std::count(text.begin(), text.end(), '@'));
        }
    }
    EXPECT_EQ(known, size_t{kCount});
    EXPECT_EQ(worker.fault(), "");
}

TEST_F(TrustDeskTest, RefusesWorkersThatMakeNoSense) {
    EXPECT_THAT(refusal_of(control::frame_of_bytes(control::Type::Watch, "x")),
                HasSubstr("malformed Watch"));
    EXPECT_THAT(refusal_of(control::frame_of_bytes(control::Type::Watch,
                                                   trust::encode_watch({"gopher:x"}))),
                HasSubstr("malformed Watch"));
    EXPECT_THAT(refusal_of(control::frame_of_bytes(control::Type::Refetch, "")),
                HasSubstr("malformed Refetch"));
    EXPECT_THAT(refusal_of(control::frame_of_bytes(control::Type::News, "")),
                HasSubstr("unexpected frame"));
}

TEST_F(TrustDeskTest, GoesOnWhenAWorkerIsGone) {
    const std::string one = file("one", kOne);
    {
        ControlWorker worker(path_);
        watch(worker, {one});
        wait_for(worker, "one=" + kOne);
    }
    ControlWorker other(path_);
    wait_for(other, "set.");
    EXPECT_TRUE(desk_->revoke(R"({"sub":"a","before":10})"));
    wait_for(other, "more a@10");
}

TEST_F(TrustDeskTest, IgnoresAMissedKeyOfWhatIsNotWatched) {
    ControlWorker worker(path_);
    worker.send(control::frame_of_bytes(control::Type::Refetch, "url:https://nobody/"));
    wait_for(worker, "set.");
    EXPECT_FALSE(worker.is_closed());
}

}  // namespace
}  // namespace herald::sidecar
