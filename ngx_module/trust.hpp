// What this worker judges tokens by, as far as it comes from the sidecar: key sets and revocations
// (ring/trust.hpp).
//
// What has come stays valid while the sidecar is away. The next one is told the sources again, and
// its whole set of revocations takes the place of the one known so far; until that is complete,
// both count. Lookups cost a hash each and no memory.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "ring/trust.hpp"

namespace herald {

using ring::trust::Revocation;

class Trust {
  public:
    using Send = std::function<void(std::string frames)>;  // must not call back

    // `sources`: `file:/abs/path` or `url:https://...`, at most kMaxSources, of at most kMaxSource
    // bytes each; those beyond are not asked for. `send` is given frames while `open`.
    Trust(std::vector<std::string> sources, Send send);

    // -- told within `take`; may be empty
    //
    // The JWK set of one of the sources is another one than before. Its shape has been checked, and
    // what is secret in it has been taken out; its keys have not been looked at.
    std::function<void(std::string_view source, std::string_view json)> keys{};
    // Tokens that were good until now are refused: streams that were opened with one are to end.
    // Only for what was not known already.
    std::function<void(const Revocation& revocation)> revoked{};

    // Whether a token with these claims is refused. `sub`, `jti`, `iss`: empty where the token has
    // none. `iat`: seconds since 1970.
    bool is_revoked(std::string_view sub, std::string_view jti, std::string_view iss,
                    std::optional<int64_t> iat) const;

    // Whether all revocations that a sidecar knew have come, ever. Before, `is_revoked` cannot be
    // relied on.
    bool knows_revocations() const { return complete_; }
    size_t revocation_count() const { return known_.size(); }

    // A token names a key that the source's set does not have. The sidecar is told at most once a
    // second, and looks at most every 30 s. `now_ms`: of any clock that does not jump. Returns for
    // how many milliseconds it is worth while to wait for other keys: at most 2 s, in any 30.
    uint64_t refetch(std::string_view source, uint64_t now_ms);

    // The connection is there; is gone.
    void open();
    void close();

    // A frame of type News has come; false where it makes no sense.
    bool take(std::string_view payload);

  private:
    struct Source {
        std::string json{};                      // the set that came last
        std::optional<uint64_t> refetched_ms{};  // when the sidecar was told last
        std::optional<uint64_t> awaited_ms{};    // since when its answer was awaited last
    };
    struct Hash {
        using is_transparent = void;
        size_t operator()(std::string_view text) const {
            return std::hash<std::string_view>{}(text);
        }
    };
    template <class Value>
    using Table = std::unordered_map<std::string, Value, Hash, std::equal_to<>>;
    using Known = Table<int64_t>;  // the latest `before` by key_of

    bool take_message(std::string_view bytes);
    bool take_keys(std::string_view bytes);
    bool take_revocations(std::string_view bytes);
    void learn(const Revocation& revocation);
    bool refuses(Revocation::Kind kind, std::string_view value, std::string_view iss,
                 std::optional<int64_t> iat) const;

    Send send_;
    std::vector<std::string> names_;  // of the sources
    Table<Source> sources_{};
    bool open_ = false;
    uint64_t number_ = 0;   // of the message that is coming, or came last
    std::string coming_{};  // its bytes, as far as they are there
    Known known_{};
    std::optional<Known> fresh_{};  // a set on its way, which will take the place of `known_`
    bool complete_ = false;
    mutable std::string key_{};  // used again from lookup to lookup
};

}  // namespace herald
