// What a token says, whether it is valid, and what it would be allowed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "jwt/verify.hpp"

namespace herald::cli {

// A line of herald_require: any one of its grants suffices.
struct Grant {
    enum class Kind { Role, Claim, User };
    Kind kind = Kind::Role;
    std::string path{};  // of a claim
    std::string value{};
};
struct Requirement {
    std::string text{};  // as it was written
    std::vector<Grant> grants{};
};

// "role=R", "claim=PATH=V", "user=U", with blanks between them. Throws std::invalid_argument that
// says what would be right.
Requirement parse_requirement(const std::string& text);

struct Examination {
    jwt::Issuer issuer{};
    std::vector<Requirement> requirements{};  // every one must hold
    std::string admin_role{};                 // who has it needs no other grant; empty: none
};

// Prints what there is to say, a line each. True where the token is valid and allowed.
bool examine(std::string_view token, const Examination& examination, int64_t now);

// Prints header and claims, believed by nobody. False where it is no token.
bool print_unverified(std::string_view token, int64_t now);

}  // namespace herald::cli
